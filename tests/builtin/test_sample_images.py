"""What transforms change of a sample: all of its images, masks where pixels move, and never anything else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from programs import all_views
from registry_builtin.transforms.automatic import RandAugment
from registry_builtin.transforms.conversions import Normalize, ToDtype, ToImage, ToPILImage, ToTensor
from registry_builtin.transforms.warps import Elastic
from test_transforms import FORMS, facts, form_of, picture, values
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from registry_core.components import CheckFailed, Transform
from registry_core.registry.registries import transforms

THEMES = ("automatic", "colours", "conversions", "crops", "degradations", "flips_and_turns", "sizes", "tones", "warps")
MOVING = ("crops", "flips_and_turns", "sizes", "warps")
"""Modules of transforms that move masks."""
SEVERAL = ("five_crop", "ten_crop")
"""They make several images of one."""
NAMES = [
    name
    for name in transforms
    if transforms[name].__module__.rpartition(".")[2] in THEMES
    and transforms[name].__module__.startswith("registry_builtin.transforms.")
    and name not in SEVERAL
]


def theme(name: str) -> str:
    return transforms[name].__module__.rpartition(".")[2]


def made(transform: Transform, sample: dict[str, Any], index: int) -> dict[str, Any]:
    """The sample as the core makes it."""
    return all_views((transform,), sample, 1, index, seed=3, purpose="data.train.transforms")[0]


def accepted(transform: Transform, form: str) -> bool:
    """Whether the check lets the transform have a colour image of this form."""
    try:
        transform.infer_image(facts(form, 3, 12, 10))
    except CheckFailed:
        return False
    return True


def plain(image: Any) -> Any:
    return image.as_subclass(torch.Tensor)


@pytest.mark.filterwarnings("ignore:Anti-alias option is always applied for PIL")
@pytest.mark.parametrize("form", [*FORMS, "plain uint8", "plain float"])
@pytest.mark.parametrize("name", NAMES)
def test_images_are_changed_alike_and_the_rest_is_left_alone(name: str, form: str) -> None:
    """A target that is a plain tensor comes first: torchvision would take it for the image where no entry is marked."""
    transform: Any = transforms[name](**transforms[name].example)
    if name == "normalize":
        transform = Normalize(mean=[0.5, 0.4, 0.3], std=[0.1, 0.2, 0.3])
    kind = form.removeprefix("plain ")
    if not accepted(transform, kind):
        assert form != "pil" or name in ("gaussian_noise", "normalize", "random_erasing")
        return
    image = picture(kind, 3, 12, 10)
    input_ = plain(image) if form.startswith("plain") else image
    mask = tv_tensors.Mask(torch.arange(120).reshape(12, 10) % 5)
    rest = {
        "target": torch.rand(3, 12, 10),
        "vector": torch.ones(4),
        "number": 7,
        "text": "a",
        "array": np.ones((12, 10)),
    }
    others = (
        {} if form.startswith("plain") else {"second": picture(kind, 3, 12, 10), "positive": picture(kind, 3, 12, 10)}
    )
    masks = {} if theme(name) == "automatic" else {"mask": mask}
    for index in range(8):
        after = made(transform, {**rest, "input": input_, **others, **masks}, index)
        assert list(after) == [*rest, "input", *others, *masks]
        assert all(after[key] is value for key, value in rest.items())
        for key in others:
            assert type(after[key]) is type(after["input"])
            if name != "gaussian_noise":  # every image has noise of its own
                np.testing.assert_array_equal(values(after[key]), values(after["input"]))
        alone = made(transform, {"input": image}, index)["input"]
        np.testing.assert_array_equal(values(after["input"]), values(alone))
        if masks and theme(name) not in MOVING:
            assert after["mask"] is mask
        elif masks:
            assert isinstance(after["mask"], tv_tensors.Mask)
            assert F.get_size(after["mask"]) == F.get_size(after["input"])
            assert set(after["mask"].unique().tolist()) <= set(range(5)), "values of a mask are never mixed"
        if theme(name) == "conversions" and name not in ("to_pil_image", "normalize"):
            assert isinstance(after["input"], tv_tensors.Image)


def test_torchvision_itself_would_change_a_target() -> None:
    """The reason for what is tested above."""
    target = torch.zeros(3, 4, 4)
    changed = v2.Normalize([0.5], [0.5])({"target": target, "input": torch.zeros(3, 4, 4)})
    assert not torch.equal(changed["target"], target)


def test_a_target_that_is_an_image_is_changed_and_a_mask_keeps_its_values() -> None:
    sample = {
        "input": picture("pil", 3, 4, 4),
        "target": picture("pil", 1, 4, 4),
        "mask": tv_tensors.Mask(torch.full((4, 4), 200, dtype=torch.uint8)),
    }
    for transform in (ToTensor(), ToDtype(dtype="float32", scale=True), ToImage()):
        after = made(transform, sample, 0)
        assert (
            form_of(after["target"])
            == form_of(after["input"])
            == ("uint8" if isinstance(transform, ToImage) else "float")
        )
        assert after["mask"] is sample["mask"]
    normalized = made(Normalize(mean=[0.5], std=[0.5]), made(ToTensor(), sample, 0), 0)
    assert normalized["target"].min() < 0
    back = made(ToPILImage(), made(ToTensor(), sample, 0), 0)
    np.testing.assert_array_equal(values(back["target"]), values(sample["target"]))


CONVERSIONS: list[tuple[str, Transform, Any]] = [
    ("to_image", ToImage(), lambda image: v2.ToImage()(image)),
    (
        "to_tensor",
        ToTensor(),
        lambda image: image if floats(image) else tv_tensors.Image(F.to_image(image).float() / 255),
    ),
    ("to_dtype", ToDtype(dtype="float32"), lambda image: v2.ToDtype(torch.float32)(v2.ToImage()(image))),
    (
        "to_dtype",
        ToDtype(dtype="float32", scale=True),
        lambda image: v2.ToDtype(torch.float32, True)(v2.ToImage()(image)),
    ),
    ("to_dtype", ToDtype(dtype="uint8", scale=True), lambda image: v2.ToDtype(torch.uint8, True)(v2.ToImage()(image))),
    ("to_pil_image", ToPILImage(), lambda image: v2.ToPILImage()(F.to_image(image))),
]


def floats(image: Any) -> bool:
    return isinstance(image, torch.Tensor) and image.is_floating_point()


@pytest.mark.parametrize(
    ("transform", "reference"),
    [
        pytest.param(
            transform,
            reference,
            id=f"{name}-{n}",
            marks=pytest.mark.covers(f"transform/{name}", reference="torchvision.transforms.v2 of the same name"),
        )
        for n, (name, transform, reference) in enumerate(CONVERSIONS)
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", FORMS)
def test_conversions_are_those_of_torchvision(form: str, channels: int, transform: Any, reference: Any) -> None:
    image = picture(form, channels, 7, 9)
    after, expected = made(transform, {"input": image}, 0)["input"], reference(image)
    assert type(after) is type(expected)
    assert getattr(after, "dtype", None) == getattr(expected, "dtype", None)
    if not isinstance(after, torch.Tensor):
        assert after.mode == expected.mode
    np.testing.assert_array_equal(values(after), values(expected))


@pytest.mark.covers("transform/to_pil_image", reference="torchvision.transforms.v2.ToPILImage")
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "YCbCr", "HSV", "RGBA", "CMYK", "RGBX"])
def test_pillow_modes(mode: Any) -> None:
    channels = ToPILImage(mode=mode).infer_image(facts("uint8", 3, 4, 4).changed(channels=None)).channels
    tensor = torch.arange(16 * channels, dtype=torch.uint8).reshape(channels, 4, 4)
    image = made(ToPILImage(mode=mode), {"input": tensor}, 0)["input"]
    assert image.mode == mode
    np.testing.assert_array_equal(np.asarray(image).reshape(4, 4, channels), tensor.permute(1, 2, 0).numpy())
    np.testing.assert_array_equal(np.asarray(image), np.asarray(v2.ToPILImage(mode)(tensor)))


def test_arrays_are_images_where_they_are_the_input() -> None:
    array = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    for transform in (ToTensor(), ToImage(), ToDtype(dtype="uint8"), ToPILImage()):
        after = made(transform, {"input": array, "target": array}, 0)
        assert values(after["input"]).shape == (3, 4, 4)
        assert after["target"] is array


@pytest.mark.covers("transform/normalize", reference="torchvision.transforms.v2.Normalize")
@pytest.mark.covers("transform/center_crop", reference="torchvision.transforms.v2.CenterCrop")
@pytest.mark.covers("transform/resize", reference="torchvision.transforms.v2.Resize")
@pytest.mark.covers("transform/pad", reference="torchvision.transforms.v2.Pad")
@pytest.mark.parametrize("form", ["uint8", "float"])
def test_masks_of_torchvision_classes_are_those_of_torchvision(form: str) -> None:
    """The classes of torchvision that do not draw, called with image and mask directly."""
    image, mask = picture(form, 3, 12, 10), tv_tensors.Mask(torch.arange(120).reshape(12, 10))
    for name, theirs in (
        ("center_crop", v2.CenterCrop(8)),
        ("resize", v2.Resize((16, 16), v2.InterpolationMode.BICUBIC)),
        ("pad", v2.Pad([2, 4], fill={tv_tensors.Mask: 0, "others": 128})),
        ("normalize", v2.Normalize([0.5], [0.5])),
    ):
        if name == "normalize" and form == "uint8":
            continue
        after = made(transforms[name](**transforms[name].example), {"input": image, "mask": mask}, 0)
        expected = theirs(image, mask)
        np.testing.assert_array_equal(values(after["input"]), values(expected[0]))
        np.testing.assert_array_equal(values(after["mask"]), values(expected[1]))


def test_a_sample_is_the_same_whenever_it_is_made() -> None:
    """Also where torchvision draws, from generators that are seeded for the sample."""
    for transform in (RandAugment(), Elastic(alpha=8, sigma=0.8)):
        looks = [
            values(made(transform, {"input": picture("pil", 3, 12, 10)}, n)["input"]).tobytes() for n in (0, 1, 0, 1)
        ]
        assert looks[:2] == looks[2:]
        assert looks[0] != looks[1]
