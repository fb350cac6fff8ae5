"""Transforms against torchvision, Pillow and formulas; what they say of an image against what they make of it."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps
from pydantic import ValidationError
from registry_builtin.transforms.colours import Grayscale
from registry_builtin.transforms.conversions import Normalize, ToTensor
from registry_builtin.transforms.crops import CenterCrop, RandomCrop, RandomResizedCrop
from registry_builtin.transforms.flips_and_turns import RandomHorizontalFlip
from registry_builtin.transforms.sizes import Pad, Resize
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from registry_core.components import CheckFailed, Draws, Image, Transform
from registry_core.diagnostics import DataError

KEY = 0x0123456789ABCDEF
SIZES = [(8, 8), (13, 17), (16, 9), (1, 5)]
FORMS = ["pil", "uint8", "float"]


def pixels(channels: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height * width).integers(20, 236, (height, width, channels), dtype=np.uint8)


def picture(form: str, channels: int, height: int, width: int) -> Any:
    image = Pillow.fromarray(pixels(channels, height, width).squeeze(2) if channels == 1 else pixels(3, height, width))
    if form == "pil":
        return image
    tensor = F.to_image(image)
    return tensor if form == "uint8" else F.to_dtype(tensor, torch.float32, scale=True)


def facts(form: Any, channels: int, height: int, width: int) -> Image:
    return Image(form, channels, height, width, 0.0, 1.0 if form == "float" else 255.0)


def values(image: Any) -> NDArray[Any]:
    array = np.asarray(image)
    if isinstance(image, Pillow.Image):
        return array.transpose(2, 0, 1) if array.ndim == 3 else array[None]
    return array


def form_of(image: Any) -> str:
    if isinstance(image, Pillow.Image):
        return "pil"
    assert isinstance(image, tv_tensors.Image)
    return {torch.uint8: "uint8", torch.float32: "float"}[image.dtype]


def apply(transform: Transform, sample: dict[str, Any], epoch: int = 0, index: int = 0) -> dict[str, Any]:
    built = transform.build()
    if transform.random == "counter":
        return dict(built(sample, Draws(KEY, epoch, index)))
    return dict(built(sample))


PLAIN = [
    (CenterCrop(size=5), v1.CenterCrop(5)),
    (CenterCrop(size=[6, 11]), v1.CenterCrop((6, 11))),
    (CenterCrop(size=[20, 3]), v1.CenterCrop((20, 3))),
    (Resize(size=11), v1.Resize(11)),
    (Resize(size=[5, 21]), v1.Resize((5, 21))),
    (Resize(size=5, max_size=7), v1.Resize(5, max_size=7)),
    (Resize(size=6, interpolation="nearest"), v1.Resize(6, v1.InterpolationMode.NEAREST)),
    (Resize(size=[9, 4], interpolation="bicubic"), v1.Resize((9, 4), v1.InterpolationMode.BICUBIC)),
    (Resize(size=[4, 4], antialias=False), v1.Resize((4, 4), antialias=False)),
    (Pad(padding=2), v1.Pad(2)),
    (Pad(padding=[1, 3], fill=7), v1.Pad((1, 3), fill=7)),
    (Pad(padding=[1, 2, 3, 0], padding_mode="edge"), v1.Pad((1, 2, 3, 0), padding_mode="edge")),
    (Pad(padding=[3, 0], padding_mode="reflect"), v1.Pad((3, 0), padding_mode="reflect")),
    (Pad(padding=[4, 1], padding_mode="symmetric"), v1.Pad((4, 1), padding_mode="symmetric")),
    (Grayscale(), v1.Grayscale()),
    (Grayscale(num_output_channels=3), v1.Grayscale(3)),
]


# torchvision says that Pillow always smooths, whatever antialias is
SMOOTHED = pytest.mark.filterwarnings("ignore:Anti-alias option is always applied for PIL")


@SMOOTHED
@pytest.mark.parametrize(("transform", "plain"), PLAIN, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_the_same_as_torchvision(transform: Transform, plain: Any, form: str, channels: int, size: Any) -> None:
    image = picture(form, channels, *size)
    sample = apply(transform, {"input": image, "target": 3})
    assert sample["target"] == 3
    assert form_of(sample["input"]) == form
    if isinstance(transform, Grayscale) and channels == 1:  # the first torchvision left one channel as it was
        reference = np.repeat(values(image), transform.num_output_channels, axis=0)
    else:
        reference = values(plain(image if form == "pil" else image.as_subclass(torch.Tensor)))
    # torchvision's second version interpolates uint8 without a detour by float32
    rounding = {"pil": 0, "uint8": 1 if isinstance(transform, Resize) else 0, "float": 2e-7}[form]
    np.testing.assert_allclose(values(sample["input"]).astype(float), reference.astype(float), rtol=0, atol=rounding)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_to_tensor_is_that_of_torchvision(channels: int, size: Any) -> None:
    for form in ("pil", "uint8"):
        made = apply(ToTensor(), {"input": picture(form, channels, *size), "target": 1})["input"]
        assert form_of(made) == "float"
        np.testing.assert_array_equal(values(made), values(v1.ToTensor()(picture("pil", channels, *size))))
        np.testing.assert_array_equal(values(made), pixels(channels, *size).transpose(2, 0, 1) / np.float32(255))


def test_to_tensor_changes_images_only() -> None:
    mask, length, array = tv_tensors.Mask(torch.ones(1, 4, 4, dtype=torch.uint8)), torch.tensor([3]), np.ones((2, 2))
    sample = {"input": torch.full((1, 4, 4), 51, dtype=torch.uint8), "mask": mask, "length": length, "target": array}
    made = apply(ToTensor(), {**sample, "view": picture("pil", 3, 4, 4)})
    assert torch.equal(made["input"], torch.full((1, 4, 4), 0.2))
    assert form_of(made["input"]) == form_of(made["view"]) == "float"
    assert made["mask"] is mask
    assert made["length"] is length
    assert made["target"] is array


@pytest.mark.parametrize("channels", [1, 3])
def test_normalize_is_the_formula(channels: int) -> None:
    mean, std = [0.5, 0.4, 0.3][:channels], [0.5, 0.25, 0.1][:channels]
    image = picture("float", channels, 5, 6)
    made = values(apply(Normalize(mean=mean, std=std), {"input": image, "target": 0})["input"])
    expected = (values(image) - np.array(mean)[:, None, None]) / np.array(std)[:, None, None]
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(made, values(v1.Normalize(mean, std)(image.as_subclass(torch.Tensor))))
    one_for_all = values(apply(Normalize(mean=[0.5], std=[0.25]), {"input": image, "target": 0})["input"])
    np.testing.assert_allclose(one_for_all, (values(image) - 0.5) / 0.25, rtol=1e-5, atol=1e-6)


def test_the_same_as_pillow() -> None:
    image = picture("pil", 3, 13, 17)
    names = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}  # Pillow's numbers
    for name, number in names.items():
        made = apply(Resize(size=[7, 30], interpolation=name), {"input": image, "target": 0})["input"]
        np.testing.assert_array_equal(values(made), values(image.resize((30, 7), Pillow.Resampling(number))))
    made = apply(Pad(padding=[1, 2, 3, 4], fill=[9, 8, 7]), {"input": image, "target": 0})["input"]
    np.testing.assert_array_equal(values(made), values(ImageOps.expand(image, (1, 2, 3, 4), (9, 8, 7))))
    made = apply(Grayscale(), {"input": image, "target": 0})["input"]
    np.testing.assert_array_equal(values(made), values(image.convert("L")))


FOLLOWED = [
    *(transform for transform, _ in PLAIN),
    Resize(size=[9, 4], interpolation="bicubic"),
    Pad(padding=3, fill=[1, 2, 3]),
    Pad(padding=3, fill=[200]),
    Pad(padding=1, padding_mode="reflect"),
    Pad(padding=[0, 20], padding_mode="reflect"),
    Pad(padding=[2, 1], padding_mode="symmetric"),
    Pad(padding=[0, 14], padding_mode="symmetric"),
    Pad(padding=0, fill=9),
    ToTensor(),
    Normalize(mean=[0.5], std=[0.25]),
    Normalize(mean=[0.1, 0.5, 0.9], std=[1.0, 0.5, 0.25]),
    RandomCrop(size=5),
    RandomCrop(size=[8, 8], padding=2, fill=99),
    RandomCrop(size=[14, 18], padding=[1, 1, 0, 0]),
    RandomCrop(size=[20, 4], pad_if_needed=True, fill=[3]),
    RandomCrop(size=[20, 30], padding=1, pad_if_needed=True, padding_mode="edge"),
    RandomCrop(size=[20, 30], pad_if_needed=True, padding_mode="reflect"),
    RandomResizedCrop(size=[6, 10]),
    RandomResizedCrop(size=7, interpolation="bicubic", antialias=False),
    RandomHorizontalFlip(),
]


@SMOOTHED
@pytest.mark.parametrize("transform", FOLLOWED, ids=lambda value: repr(value)[:60])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_what_is_said_of_an_image_is_what_becomes_of_it(transform: Any, form: str, channels: int, size: Any) -> None:
    """The facts hold for several draws; what the check refuses fails, and what it lets pass does not."""
    image = values(picture(form, channels, *size))
    before = facts(form, channels, *size).changed(low=float(image.min()), high=float(image.max()))
    unknown = transform_unknown(transform, before)
    after = transform_followed(transform, before)
    if after is None:
        if not isinstance(transform, (Normalize, ToTensor)):  # see test_what_only_the_check_refuses
            with pytest.raises((ValueError, RuntimeError, IndexError, DataError)):
                apply(transform, {"input": picture(form, channels, *size), "target": 0})
        return
    for index in range(8):
        made = apply(transform, {"input": picture(form, channels, *size), "target": 0}, index=index)["input"]
        assert form_of(made) == after.form
        assert values(made).shape == (after.channels, after.height, after.width)
        for said in (after, *unknown):
            if said.low is not None and said.high is not None:
                assert said.low - 1e-5 <= values(made).min()
                assert values(made).max() <= said.high + 1e-5
            for name, side in zip(("channels", "height", "width"), values(made).shape, strict=True):
                assert getattr(said, name) in (None, side)


def transform_followed(transform: Transform, image: Image) -> Image | None:
    """What is said of an image, or None where the transform is refused."""
    try:
        return transform.infer_image(image)
    except CheckFailed:
        return None


def transform_unknown(transform: Any, image: Image) -> list[Image]:
    """What is said when some facts are missing; that must not be refused but for what is known."""
    found = []
    for missing in (
        {"height": None},
        {"width": None},
        {"height": None, "width": None, "channels": None},
        {"low": None},
    ):
        said = transform_followed(transform, image.changed(**missing))
        if said is None:
            assert transform_followed(transform, image) is None
        else:
            found.append(said)
    return found


def test_what_only_the_check_refuses() -> None:
    """torchvision lets three means make three channels of one, and a second to_tensor do nothing; nobody wants that."""
    three = apply(Normalize(mean=[0, 0, 0], std=[1, 1, 1]), {"input": picture("float", 1, 8, 8), "target": 0})["input"]
    assert three.shape == (3, 8, 8)
    image = picture("float", 1, 8, 8)
    assert torch.equal(apply(ToTensor(), {"input": image, "target": 0})["input"], image)


def test_grey_of_a_uniform_image_stays_within_what_is_said() -> None:
    """torchvision's weights add up to a little less than one, which uint8 rounds down."""
    for form, value in (("uint8", 100.0), ("float", -2.0), ("float", 2.0)):
        image = tv_tensors.Image(torch.full((3, 2, 2), value, dtype=torch.uint8 if form == "uint8" else torch.float32))
        said = Grayscale().infer_image(Image(form, 3, 2, 2, value, value))
        made = apply(Grayscale(), {"input": image, "target": 0})["input"]
        assert said.low <= made.min() <= made.max() <= said.high


def test_nothing_known_is_nothing_refused() -> None:
    for form in ("pil", "uint8"):
        image = Image(form, low=None, high=None)
        for transform in FOLLOWED:
            if not isinstance(transform, Normalize):
                transform.infer_image(image)
    assert Normalize(mean=[0.5, 0.5], std=[1.0, 1.0]).infer_image(Image("float", low=None, high=None)).low is None


@pytest.mark.parametrize(
    ("transform", "image", "message", "remedy"),
    [
        (
            RandomCrop(size=[10, 4]),
            facts("pil", 1, 8, 8),
            "10 x 4 window does not fit into the image of 8 x 8",
            "pad_if_needed",
        ),
        (RandomCrop(size=13, padding=2), facts("pil", 1, 8, 8), "the padded image of 12 x 12", "smaller size"),
        (RandomCrop(size=9), Image("pil", width=8), "image of ? x 8", "smaller size"),
        (ToTensor(), facts("float", 1, 8, 8), "receives a float tensor", "Remove this to_tensor."),
        (Normalize(mean=[0.5], std=[1]), facts("pil", 1, 8, 8), "receives a Pillow image", "Put to_tensor before it."),
        (
            Normalize(mean=[0.5], std=[1]),
            facts("uint8", 1, 8, 8),
            "receives a uint8 tensor",
            "Put to_tensor before it.",
        ),
        (
            Normalize(mean=[0, 0, 0], std=[1, 1, 1]),
            facts("float", 1, 8, 8),
            "3 values, but the image has 1 channel.",
            "one value",
        ),
        (
            Normalize(mean=[0, 0], std=[1, 1]),
            facts("float", 3, 8, 8),
            "2 values, but the image has 3 channels.",
            "one value",
        ),
        (Pad(padding=1, fill=[1, 2]), facts("pil", 3, 8, 8), "fill has 2 values, but the image has 3 channels", "one"),
        (
            Pad(padding=1, fill=300),
            facts("pil", 3, 8, 8),
            "fill 300 is not a valid pixel value of a Pillow image",
            "0 to 255",
        ),
        (
            Pad(padding=1, fill=0.5),
            facts("uint8", 3, 8, 8),
            "fill 0.5 is not a valid pixel value of a uint8 tensor",
            "0 to 255",
        ),
        (Pad(padding=8, padding_mode="reflect"), facts("uint8", 3, 9, 8), "at most 7 pixels", "before to_tensor"),
        (Pad(padding=9, padding_mode="symmetric"), facts("float", 3, 9, 8), "width 8, not 9", "before to_tensor"),
        (Resize(size=5, interpolation="lanczos"), facts("float", 3, 9, 8), "requires a Pillow image", "bicubic"),
        (Grayscale(), facts("uint8", 2, 9, 8), "but the image has 2", "RGB"),
    ],
)
def test_what_cannot_work_is_refused(transform: Transform, image: Image, message: str, remedy: str) -> None:
    with pytest.raises(CheckFailed) as failed:
        transform.infer_image(image)
    assert message in failed.value.message
    assert remedy in failed.value.remedy


def test_wrong_parameters() -> None:
    for kind, parameters, message in (
        (Normalize, {"mean": [0.5, 0.5], "std": [0.5]}, "`mean` has 2 values, but `std` has 1 value"),
        (Normalize, {"mean": [0.5], "std": [0.0]}, "greater than 0"),
        (Normalize, {"mean": [], "std": []}, "at least 1 item"),
        (RandomHorizontalFlip, {"p": 1.5}, "less than or equal to 1"),
        (Pad, {"padding": 1, "fill": "red"}, "expected a pixel value"),
        (Pad, {"padding": 1, "fill": []}, "expected a pixel value"),
        (Pad, {"padding": 1, "fill": [True]}, "expected a pixel value"),
        (Resize, {"size": [8, 8], "max_size": 10}, "`max_size` has no effect"),
        (Resize, {"size": 8, "max_size": 8}, "must be larger than size"),
        (Pad, {"padding": 1, "fill": [1, 2, 3], "padding_mode": "edge"}, "`fill` has no effect"),
        (RandomResizedCrop, {"size": 8, "scale": [1.0, 0.5]}, "smallest, largest"),
        (Grayscale, {"num_output_channels": 2}, "1 or 3"),
    ):
        with pytest.raises(ValidationError, match=message):
            kind(**parameters)


def test_masks_are_padded_with_nothing() -> None:
    mask = tv_tensors.Mask(torch.ones(4, 4, dtype=torch.uint8))
    for transform in (
        Pad(padding=1, fill=9),
        Pad(padding=1, fill=[9, 9, 9]),
        RandomCrop(size=6, padding=1, fill=[9, 8, 7]),
    ):
        made = apply(transform, {"input": picture("pil", 3, 4, 4), "target": 0, "mask": mask})
        np.testing.assert_array_equal(made["mask"].numpy(), np.pad(np.ones((4, 4)), 1))
        assert values(made["input"])[0, 0, 0] == 9


@SMOOTHED
@pytest.mark.parametrize("transform", FOLLOWED, ids=lambda value: repr(value)[:60])
def test_they_pickle(transform: Transform) -> None:
    form = "float" if isinstance(transform, Normalize) else "pil"
    sample = {"input": picture(form, 3, 40, 40), "target": 0}
    draws = [Draws(KEY, 0, 5)] if transform.random == "counter" else []
    made = pickle.loads(pickle.dumps(transform.build()))(sample, *draws)["input"]
    np.testing.assert_array_equal(values(made), values(apply(transform, sample, index=5)["input"]))
