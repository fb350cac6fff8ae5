"""What transforms say of an image before anything runs: it becomes so, or is refused with a remedy."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import changed
from programs import all_views
from pydantic import ValidationError
from registry_builtin.transforms.automatic import AugMix, AutoAugment, RandAugment, TrivialAugmentWide
from registry_builtin.transforms.colours import (
    RGB,
    ColorJitter,
    RandomChannelPermutation,
    RandomGrayscale,
    RandomPhotometricDistort,
)
from registry_builtin.transforms.conversions import ToDtype, ToImage, ToPILImage
from registry_builtin.transforms.degradations import JPEG, GaussianBlur, GaussianNoise, RandomErasing
from registry_builtin.transforms.flips_and_turns import RandomRotation, RandomVerticalFlip
from registry_builtin.transforms.sizes import Pad, RandomResize, RandomShortestSize, RandomZoomOut, Resize, ScaleJitter
from registry_builtin.transforms.tones import (
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomEqualize,
    RandomInvert,
    RandomPosterize,
    RandomSolarize,
)
from registry_builtin.transforms.warps import Elastic, RandomAffine, RandomPerspective
from test_transforms import FORMS, KEY, facts, form_of, picture, transform_followed, transform_unknown, values

import registry_core
from registry_core.components import CheckFailed, Draws, Image, Transform
from registry_core.diagnostics import PipelineError

FOLLOWED: list[Transform] = [
    RandomVerticalFlip(),
    RandomRotation(degrees=40, interpolation="bilinear", fill=3),
    RandomRotation(degrees=40, interpolation="bicubic"),
    RandomRotation(degrees=40, expand=True),
    RandomRotation(degrees=[90, 90], expand=True),
    RandomRotation(degrees=[-180, -180], expand=True),
    RandomRotation(degrees=[30, 30], expand=True),
    RandomAffine(degrees=10, translate=[0.2, 0.2], shear=5, fill=[1, 2, 3]),
    RandomAffine(degrees=10, scale=[0.5, 2.0], interpolation="bilinear", fill=250),
    RandomPerspective(p=1, fill=9),
    Elastic(alpha=9, sigma=0.4, fill=1),
    Elastic(alpha=9, sigma=0, interpolation="nearest"),
    Pad(padding=1, fill=1),
    Resize(size=5, max_size=6),
    RandomResize(min_size=4, max_size=9),
    RandomResize(min_size=6, max_size=7),
    RandomShortestSize(min_size=[4, 8], max_size=9),
    RandomShortestSize(min_size=[4]),
    ScaleJitter(target_size=8, scale_range=[0.5, 1.5], interpolation="bicubic"),
    ScaleJitter(target_size=8, scale_range=[1, 1]),
    RandomZoomOut(fill=2),
    RandomZoomOut(p=0),
    RandomGrayscale(p=0.5),
    RGB(),
    ColorJitter(brightness=0.8, contrast=2, saturation=3, hue=0.5),
    ColorJitter(),
    RandomPhotometricDistort(),
    RandomPhotometricDistort(p=0),
    RandomChannelPermutation(),
    RandomInvert(),
    RandomInvert(p=0),
    RandomSolarize(threshold=0.9),
    RandomSolarize(threshold=200),
    RandomSolarize(threshold=254.5),
    RandomPosterize(bits=1, p=1),
    RandomEqualize(),
    RandomAutocontrast(),
    RandomAdjustSharpness(sharpness_factor=3),
    RandomAdjustSharpness(sharpness_factor=0, p=1),
    GaussianBlur(kernel_size=[3, 5]),
    GaussianNoise(sigma=0.5),
    GaussianNoise(clip=False),
    JPEG(quality=10),
    RandomErasing(p=1),
    RandomErasing(p=1, value="random"),
    RandomErasing(p=1, value=[0.0, 300.0, -4.0]),
    AutoAugment(),
    RandAugment(interpolation="bilinear", fill=255),
    TrivialAugmentWide(),
    AugMix(),
    ToImage(),
    ToDtype(dtype="float32"),
    ToDtype(dtype="float32", scale=True),
    ToDtype(dtype="uint8"),
    ToDtype(dtype="uint8", scale=True),
    ToPILImage(),
    ToPILImage(mode="HSV"),
]


@pytest.mark.filterwarnings("ignore:Anti-alias option is always applied for PIL")
@pytest.mark.parametrize("transform", FOLLOWED, ids=lambda value: repr(value)[:60])
def test_what_is_said_of_an_image_is_what_becomes_of_it(transform: Any) -> None:
    """For grey and colour images of every form and several sizes, with all facts known and with some missing."""
    let_pass = 0
    for form in FORMS:
        for channels in (1, 3):
            for size in ((8, 8), (13, 17), (16, 9), (1, 5)):
                let_pass += said_is_made(transform, form, channels, size)
    assert let_pass > 0, "it was refused for every image"


def said_is_made(transform: Any, form: str, channels: int, size: tuple[int, int]) -> bool:
    image = values(picture(form, channels, *size))
    before = facts(form, channels, *size).changed(low=float(image.min()), high=float(image.max()))
    after, unknown = transform_followed(transform, before), transform_unknown(transform, before)
    if after is None:
        return False
    shapes = set()
    for index in range(6):
        sample = {"input": picture(form, channels, *size), "target": 0}
        made = all_views((transform,), sample, 0, index, seed=3)[0]["input"]
        shapes.add(values(made).shape)
        assert form_of(made) == after.form
        for said in (after, *unknown):
            if said.low is not None and said.high is not None:
                assert said.low - 1e-5 <= values(made).min()
                assert values(made).max() <= said.high + 1e-5
            for name, side in zip(("channels", "height", "width"), values(made).shape, strict=True):
                assert getattr(said, name) in (None, side)
    if not after.varying:
        assert len(shapes) == 1, "the size varies, but that is not said"
    return True


GREY, COLOUR = facts("pil", 1, 8, 8), facts("pil", 3, 8, 8)
BYTES, FLOATS = facts("uint8", 3, 8, 8), facts("float", 3, 8, 8)
NORMALIZED = FLOATS.changed(low=-2.1, high=2.6)


@pytest.mark.parametrize(
    ("transform", "image", "message", "remedy"),
    [
        (
            RandomErasing(),
            COLOUR,
            "random_erasing expects a tensor, but receives a Pillow image",
            "Put to_tensor before",
        ),
        (RandomErasing(value="random"), BYTES, "value: random requires a float tensor", "Put to_tensor before it."),
        (RandomErasing(value=[1, 2]), FLOATS, "value has 2 numbers, but the image has 3 channels", "one value"),
        (RandomErasing(value=0.5), BYTES, "value 0.5 is not a valid pixel value", "0 to 255"),
        (GaussianNoise(), GREY, "gaussian_noise expects a tensor", "Put to_tensor before it."),
        (
            GaussianNoise(),
            NORMALIZED,
            "gaussian_noise with clip: true expects float values from 0 to 1",
            "clip: false",
        ),
        (GaussianNoise(clip=False), BYTES, "uint8 values overflow", "to_tensor"),
        (
            GaussianBlur(kernel_size=17),
            GREY,
            "A kernel of 17 pixels requires a width of more than 8 pixels, not 8",
            "smaller",
        ),
        (JPEG(quality=3), FLOATS, "jpeg expects a Pillow image or a uint8 tensor", "Put it before to_tensor, and read"),
        (
            ColorJitter(hue=0.1),
            NORMALIZED,
            "color_jitter expects float values from 0 to 1",
            "Put it before normalize.",
        ),
        (ColorJitter(hue=0.1), BYTES.changed(channels=4), "color_jitter expects 1 or 3 channels", "RGB"),
        (RandomGrayscale(), BYTES.changed(channels=2), "expects 1 or 3 channels", "RGB"),
        (RGB(), FLOATS.changed(channels=2), "rgb expects 1 or 3 channels", "RGB"),
        (RandomEqualize(), NORMALIZED, "random_equalize expects float values", "before normalize"),
        (RandomInvert(), NORMALIZED, "random_invert expects float values", "before normalize"),
        (RandomSolarize(threshold=128), FLOATS, "threshold 128 exceeds the largest possible value", "at most 1"),
        (RandAugment(), FLOATS, "expects a Pillow image or a uint8 tensor", "Put it before to_tensor, and read"),
        (AutoAugment(), GREY.changed(channels=4), "expects 1 or 3 channels", "RGB"),
        (AutoAugment(fill=[1, 2, 3]), GREY, "fill has 3 values, but the image has 1 channel", "one value"),
        (
            RandomRotation(degrees=3, interpolation="bicubic"),
            BYTES,
            "bicubic requires a Pillow image",
            "bilinear",
        ),
        (RandomAffine(degrees=3, fill=[1, 2]), BYTES, "fill has 2 values", "one"),
        (RandomAffine(degrees=3, fill=0.5), GREY, "fill 0.5 is not a valid pixel value of a Pillow image", "to_tensor"),
        (RandomPerspective(), GREY.changed(width=1), "requires at least 2 x 2 pixels", "resize"),
        (Elastic(), GREY, "sigma 5 requires images of more than 20 pixels per side, not 8", "smaller sigma"),
        (ToDtype(dtype="uint8"), FLOATS, "would all become 0 or 1", "scale: true"),
        (ToDtype(dtype="uint8"), NORMALIZED, "exceed the range of uint8", "before normalize"),
        (ToDtype(dtype="uint8", scale=True), NORMALIZED, "expects float values from 0 to 1", "before normalize"),
        (ToPILImage(), NORMALIZED, "to_pil_image expects float values from 0 to 1", "before normalize"),
        (
            ToPILImage(mode="L"),
            BYTES,
            "Mode L requires 1 channel, but to_pil_image receives a uint8 tensor 3 x 8 x 8",
            "Choose a mode",
        ),
        (ToPILImage(), BYTES.changed(channels=5), "1 to 4 channels", "Remove"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_cannot_work_is_refused(transform: Transform, image: Image, message: str, remedy: str) -> None:
    with pytest.raises(CheckFailed) as failed:
        transform.infer_image(image)
    assert message in failed.value.message
    assert remedy in failed.value.remedy


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomRotation(degrees=-3), "an angle of at least 0 degrees or"),
        (lambda: RandomRotation(degrees=[3, 1]), "smallest, largest"),
        (lambda: RandomRotation(degrees="3"), "not '3'"),
        (lambda: RandomRotation(degrees=True), "not True"),
        (lambda: RandomRotation(degrees=3, expand=True, center=[1, 1]), "`center` has no effect"),
        (lambda: RandomAffine(degrees=0, translate=[0.1, 1.1]), "less than or equal to 1"),
        (lambda: RandomAffine(degrees=0, scale=[0, 1]), "greater than 0"),
        (lambda: RandomAffine(degrees=0, shear=[1, 2, 3]), "expected an angle"),
        (lambda: RandomAffine(degrees=0, shear=[1, 2, 4, 3]), "expected an angle"),
        (lambda: RandomPerspective(distortion_scale=1.2), "less than or equal to 1"),
        (lambda: Elastic(sigma=[0, 1]), "or 0 for both"),
        (lambda: Elastic(alpha=-1), "each at least 0"),
        (lambda: ColorJitter(brightness=-0.1), "a number or factors"),
        (lambda: ColorJitter(contrast=[2, 1]), "smallest, largest"),
        (lambda: ColorJitter(saturation=[-1, 1]), "each at least 0"),
        (lambda: ColorJitter(hue=0.6), "from -0.5 to 0.5"),
        (lambda: ColorJitter(hue=[-0.6, 0]), "from -0.5 to 0.5"),
        (lambda: GaussianBlur(kernel_size=4), "odd number of pixels"),
        (lambda: GaussianBlur(kernel_size=[3, 2]), "both odd"),
        (lambda: GaussianBlur(kernel_size=3, sigma=0), "above 0"),
        (lambda: GaussianBlur(kernel_size=3, sigma=[2, 1]), "smallest, largest"),
        (lambda: JPEG(quality=0), "from 1 to 100"),
        (lambda: JPEG(quality=[50, 101]), "from 1 to 100"),
        (lambda: RandomErasing(scale=[0.1, 1.1]), "must not exceed 1"),
        (lambda: RandomErasing(value="noise"), "or random, not 'noise'"),
        (lambda: RandomPosterize(bits=9), "less than or equal to 8"),
        (lambda: RandomZoomOut(side_range=[0.5, 2]), "must start at 1"),
        (lambda: RandomResize(min_size=9, max_size=9), "must be smaller than max_size"),
        (lambda: RandomShortestSize(min_size=[]), "at least 1 item"),
        (lambda: RandAugment(magnitude=31), "must be less than num_magnitude_bins"),
        (lambda: AutoAugment(policy="mnist"), "imagenet"),
        (lambda: AugMix(severity=11), "less than or equal to 10"),
        (lambda: ToDtype(dtype="float16"), "float32"),
        (lambda: ToPILImage(mode="P"), "RGBX"),
    ],
)
def test_wrong_parameters(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValidationError) as failed:
        make()
    assert message in str(failed.value)


def test_numbers_stand_for_ranges() -> None:
    """As torchvision reads them."""
    assert RandomRotation(degrees=3).degrees == (-3, 3)
    assert RandomAffine(degrees=0, shear=5).shear == (-5, 5, 0, 0)
    assert RandomAffine(degrees=0, shear=[1, 5]).shear == (1, 5, 0, 0)
    assert ColorJitter(brightness=0.25, contrast=3, hue=0.5) == ColorJitter(
        brightness=[0.75, 1.25], contrast=[0, 4], hue=[-0.5, 0.5]
    )
    assert GaussianBlur(kernel_size=3, sigma=2) == GaussianBlur(kernel_size=[3, 3], sigma=[2, 2])
    assert JPEG(quality=4).quality == (4, 4)
    assert Pad(padding=1, fill=[7.0]).fill == 7


def problems(path: Path, transforms: list[Any], **more: Any) -> str:
    path.write_text(json.dumps(changed(data__train__transforms=transforms, **more)))
    try:
        registry_core.load(path)
    except PipelineError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "growing",
    [
        {"random_rotation": {"degrees": 20, "expand": True}},
        {"random_zoom_out": {}},
        {"random_resize": {"min_size": 5, "max_size": 9}},
        {"random_shortest_size": {"min_size": [5, 9]}},
        {"scale_jitter": {"target_size": 8}},
    ],
    ids=lambda value: next(iter(value)),
)
def test_sizes_that_vary_do_not_make_a_batch(tmp_path: Path, growing: Any) -> None:
    path = tmp_path / "pipeline.json"
    assert "after the transforms, and do not make a batch. Add resize" in problems(path, [growing, "to_tensor"])
    oblong = [{"resize": {"size": [8, 9]}}, growing, {"resize": {"size": 8}}, "to_tensor"]
    assert "different sizes" in problems(path, oblong)
    squares_stay = "random_rotation" not in growing
    assert (problems(path, [growing, {"resize": {"size": 8}}, "to_tensor"]) == "") == squares_stay
    assert problems(path, [growing, {"resize": {"size": [8, 8]}}, "to_tensor"]) == ""
    assert "different sizes" not in problems(path, [growing, "to_tensor"], data__batch_size=1)


def test_old_spellings_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.json"
    for parameters, words in (
        ({"degrees": 3, "resample": 2}, "Write interpolation."),
        ({"degrees": 3, "fillcolor": 2}, "Write fill."),
        ({"degrees": 3, "interpolation": 2}, "Write interpolation: bilinear."),
    ):
        assert words in problems(path, [{"random_affine": parameters}, "to_tensor"])
        assert words in problems(path, [{"random_rotation": parameters}, "to_tensor"])
    assert "Write interpolation: bicubic." in problems(path, [{"resize": {"size": 8, "interpolation": 3}}, "to_tensor"])
    assert "Write dtype: float32." in problems(path, [{"to_dtype": {"dtype": "float"}}])


@pytest.mark.filterwarnings("ignore:Anti-alias option is always applied for PIL")
@pytest.mark.parametrize("transform", FOLLOWED, ids=lambda value: repr(value)[:60])
def test_they_pickle(transform: Transform) -> None:
    form = next(form for form in FORMS if transform_followed(transform, facts(form, 3, 24, 24)) is not None)
    sample = {"input": picture(form, 3, 24, 24)}
    built = transform.build()
    looks = []
    for one in (built, pickle.loads(pickle.dumps(built))):
        torch.manual_seed(4)
        looks.append(values(one(sample, *([Draws(KEY, 0, 5)] if transform.random == "counter" else []))["input"]))
    assert (looks[0] == looks[1]).all()
