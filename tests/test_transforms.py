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
from registry_builtin.transforms import (
    CenterCrop,
    Grayscale,
    Normalize,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    Resize,
    ToTensor,
)
from test_randomness import chi_square_bound
from torchvision import transforms as v1  # type: ignore[import-untyped]  # it ships no types
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F  # type: ignore[import-untyped]  # it ships no types

from registry_core.components import CheckFailed, Draws, Image, Transform
from registry_core.components.randomness import philox
from registry_core.errors import DataError

KEY = 0x0123456789ABCDEF
SIZES = [(8, 8), (13, 17), (16, 9), (1, 5)]
FORMS = ["pil", "uint8", "float"]


def pixels(channels: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, channels), dtype=np.uint8)


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
    before = facts(form, channels, *size)
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
        return transform.follow(image)
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


def test_nothing_known_is_nothing_refused() -> None:
    for form in ("pil", "uint8"):
        image = Image(form, low=None, high=None)  # type: ignore[arg-type]  # a form, from a loop
        for transform in FOLLOWED:
            if not isinstance(transform, Normalize):
                transform.follow(image)
    assert Normalize(mean=[0.5, 0.5], std=[1.0, 1.0]).follow(Image("float", low=None, high=None)).low is None


@pytest.mark.parametrize(
    ("transform", "image", "message", "remedy"),
    [
        (
            RandomCrop(size=[10, 4]),
            facts("pil", 1, 8, 8),
            "10 x 4 does not fit into the image of 8 x 8",
            "pad_if_needed",
        ),
        (RandomCrop(size=13, padding=2), facts("pil", 1, 8, 8), "the padded image of 12 x 12", "smaller size"),
        (RandomCrop(size=9), Image("pil", width=8), "image of ? x 8", "smaller size"),
        (ToTensor(), facts("float", 1, 8, 8), "float tensor already", "Remove the second to_tensor."),
        (Normalize(mean=[0.5], std=[1]), facts("pil", 1, 8, 8), "this is a Pillow image", "Put to_tensor before it."),
        (Normalize(mean=[0.5], std=[1]), facts("uint8", 1, 8, 8), "this is a uint8 tensor", "Put to_tensor before it."),
        (Normalize(mean=[0, 0, 0], std=[1, 1, 1]), facts("float", 1, 8, 8), "3 values for 1 channel.", "one value"),
        (Normalize(mean=[0, 0], std=[1, 1]), facts("float", 3, 8, 8), "2 values for 3 channels.", "one value"),
        (Pad(padding=1, fill=[1, 2]), facts("pil", 3, 8, 8), "fill has 2 values, but the image has 3 channels", "one"),
        (Pad(padding=8, padding_mode="reflect"), facts("uint8", 3, 9, 8), "at most 7 pixels", "before to_tensor"),
        (Pad(padding=9, padding_mode="symmetric"), facts("float", 3, 9, 8), "width 8, not 9", "before to_tensor"),
        (Resize(size=5, interpolation="lanczos"), facts("float", 3, 9, 8), "Pillow images only", "bicubic"),
        (Grayscale(), facts("uint8", 2, 9, 8), "this image has 2", "RGB"),
    ],
)
def test_what_cannot_work_is_refused(transform: Transform, image: Image, message: str, remedy: str) -> None:
    with pytest.raises(CheckFailed) as failed:
        transform.follow(image)
    assert message in failed.value.message
    assert remedy in failed.value.remedy


def test_wrong_parameters() -> None:
    for kind, parameters, message in (
        (Normalize, {"mean": [0.5, 0.5], "std": [0.5]}, "mean has 2 values, but std has 1 value"),
        (Normalize, {"mean": [0.5], "std": [0.0]}, "greater than 0"),
        (Normalize, {"mean": [], "std": []}, "at least 1 item"),
        (RandomHorizontalFlip, {"p": 1.5}, "less than or equal to 1"),
        (Pad, {"padding": 1, "fill": 300}, "less than or equal to 255"),
        (Pad, {"padding": 1, "fill": []}, "fill has no value"),
        (Pad, {"padding": 1, "fill": [1, 2, 3], "padding_mode": "edge"}, "fill has no meaning"),
        (RandomResizedCrop, {"size": 8, "scale": [1.0, 0.5]}, "smallest, largest"),
        (Grayscale, {"num_output_channels": 2}, "1 or 3"),
    ):
        with pytest.raises(ValidationError, match=message):
            kind(**parameters)


def positions(size: tuple[int, int]) -> tv_tensors.Image:
    """An image whose pixels are their own numbers, row by row."""
    return tv_tensors.Image(torch.arange(size[0] * size[1], dtype=torch.int32).reshape(1, *size))


@pytest.mark.parametrize("index", [0, 1, 77])
@pytest.mark.parametrize("form", FORMS)
def test_random_crop_cuts_where_its_words_say(form: str, index: int) -> None:
    words = philox((index, 0, 4, 0), KEY)
    image = picture(form, 3, 13, 17)
    top, left = words[0] * 9 // 2**32, words[1] * 7 // 2**32
    made = apply(RandomCrop(size=[5, 11]), {"input": image, "target": 0}, epoch=4, index=index)["input"]
    np.testing.assert_array_equal(values(made), values(image)[:, top : top + 5, left : left + 11])

    padded = np.pad(values(image), ((0, 0), (2, 4), (1, 3)), constant_values=0)
    top, left = words[0] * (19 - 15 + 1) // 2**32, words[1] * (21 - 15 + 1) // 2**32
    transform = RandomCrop(size=15, padding=[1, 2, 3, 4])
    made = apply(transform, {"input": image, "target": 0}, epoch=4, index=index)["input"]
    np.testing.assert_array_equal(values(made), padded[:, top : top + 15, left : left + 15])

    padded = np.pad(values(image), ((0, 0), (7, 7), (0, 0)), mode="reflect")  # 20 - 13 missing at both edges
    top, left = words[0] * (27 - 20 + 1) // 2**32, words[1] * (17 - 6 + 1) // 2**32
    transform = RandomCrop(size=[20, 6], pad_if_needed=True, padding_mode="reflect")
    made = apply(transform, {"input": image, "target": 0}, epoch=4, index=index)["input"]
    np.testing.assert_array_equal(values(made), padded[:, top : top + 20, left : left + 6])


def test_random_crop_of_an_image_that_is_too_small_is_a_mistake_in_the_data() -> None:
    with pytest.raises(DataError, match=r"20 x 6 does not fit into an image of 13 x 17 .* pad_if_needed"):
        apply(RandomCrop(size=[20, 6]), {"input": picture("pil", 1, 13, 17), "target": 0})


def test_random_crop_takes_two_words_whatever_the_room() -> None:
    for size in (8, 5):
        draws = Draws(KEY, 0, 0)
        RandomCrop(size=size).build()({"input": picture("pil", 1, 8, 8)}, draws)
        assert draws.word() == philox((0, 0, 0, 0), KEY)[2]


def test_random_crop_takes_every_position_equally_often() -> None:
    image, built = positions((7, 8)), RandomCrop(size=[4, 3]).build()
    firsts = [int(built({"input": image}, Draws(KEY, 0, index))["input"][0, 0, 0]) for index in range(12_000)]
    numbers, counts = np.unique(firsts, return_counts=True)
    assert sorted(numbers) == [row * 8 + column for row in range(4) for column in range(6)]
    assert ((counts - 500) ** 2 / 500).sum() < chi_square_bound(23)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_random_horizontal_flip_flips_where_its_word_is_below_p(p: float) -> None:
    flips = 0
    for index in range(2000):
        image = positions((1, 3))
        made = apply(RandomHorizontalFlip(p=p), {"input": image, "target": 0}, index=index)["input"]
        flipped = philox((index, 0, 0, 0), KEY)[0] / 2**32 < p
        assert made.flatten().tolist() == ([2, 1, 0] if flipped else [0, 1, 2])
        flips += flipped
    assert abs(flips - 2000 * p) <= 4 * np.sqrt(2000 * p * (1 - p))


@pytest.mark.parametrize("form", FORMS)
def test_random_horizontal_flip_mirrors(form: str) -> None:
    image = picture(form, 3, 5, 8)
    made = apply(RandomHorizontalFlip(p=1), {"input": image, "target": 0})["input"]
    np.testing.assert_array_equal(values(made), values(image)[:, :, ::-1])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_random_resized_crop_cuts_where_its_words_say(form: str, interpolation: str) -> None:
    image, transform = picture(form, 3, 40, 30), RandomResizedCrop(size=[9, 12], interpolation=interpolation)
    attempts = []
    for index in range(20):
        for attempt in range(10):
            words = philox((index, attempt, 2, 0), KEY)
            area = 40 * 30 * (0.08 + 0.92 * words[0] / 2**32)
            aspect = 0.75 * (16 / 9) ** (words[1] / 2**32)  # from 3/4 to 4/3, evenly in its logarithm
            width, height = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
            if width <= 30 and height <= 40:
                break
        attempts.append(attempt)
        top, left = words[2] * (40 - height + 1) // 2**32, words[3] * (30 - width + 1) // 2**32
        window = (top, left, height, width)
        mode = v1.InterpolationMode(interpolation)
        reference = F.resized_crop(image, *window, size=[9, 12], interpolation=mode, antialias=True)
        made = apply(transform, {"input": image, "target": 0}, epoch=2, index=index)["input"]
        np.testing.assert_array_equal(values(made), values(reference))
    assert max(attempts) > 0, "no attempt failed, so the words of a second one were not tested"


@pytest.mark.parametrize(
    ("size", "scale", "ratio"),
    [((64, 48), (0.08, 1.0), (3 / 4, 4 / 3)), ((31, 90), (0.2, 0.9), (0.5, 2.0)), ((50, 50), (0.5, 0.5), (1.0, 1.0))],
)
def test_random_resized_crop_has_the_distribution_of_torchvision(size: Any, scale: Any, ratio: Any) -> None:
    built: Any = RandomResizedCrop(size=8, scale=scale, ratio=ratio).build()
    ours = np.array([built.window(*size, Draws(KEY, 0, index)) for index in range(4000)], dtype=float)
    torch.manual_seed(0)
    blank = torch.empty(1, *size)
    theirs = np.array(
        [v1.RandomResizedCrop.get_params(blank, list(scale), list(ratio)) for _ in range(4000)], dtype=float
    )
    for measure in (
        lambda w: w[:, 2] * w[:, 3] / (size[0] * size[1]),
        lambda w: w[:, 3] / w[:, 2],
        lambda w: w[:, 0] / np.maximum(1, size[0] - w[:, 2]),
        lambda w: w[:, 1] / np.maximum(1, size[1] - w[:, 3]),
    ):
        assert largest_gap(measure(ours), measure(theirs)) < 1.95 * np.sqrt(2 / 4000)  # chance: once in a thousand


def largest_gap(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The Kolmogorov-Smirnov distance of two samples."""
    points = np.union1d(first, second)
    parts = [np.searchsorted(np.sort(sample), points, side="right") / len(sample) for sample in (first, second)]
    return float(np.abs(parts[0] - parts[1]).max())


@pytest.mark.parametrize("size", [(100, 4), (4, 100), (5, 101), (6, 6)])
def test_random_resized_crop_without_a_window_that_fits_takes_the_middle(size: tuple[int, int]) -> None:
    """With more area than there is, every attempt fails."""
    built: Any = RandomResizedCrop(size=8, scale=[1.5, 1.5]).build()
    reference = v1.RandomResizedCrop.get_params(torch.empty(1, *size), [1.5, 1.5], [3 / 4, 4 / 3])
    assert built.window(*size, Draws(KEY, 0, 0)) == reference


def test_random_resized_crop_never_cuts_nothing() -> None:
    made = apply(RandomResizedCrop(size=3, ratio=[50, 60]), {"input": picture("pil", 1, 20, 5), "target": 0})["input"]
    assert made.size == (3, 3)


RANDOM = [
    RandomCrop(size=12, padding=3),
    RandomResizedCrop(size=12, interpolation="nearest"),
    RandomHorizontalFlip(),
]


@pytest.mark.parametrize("transform", RANDOM, ids=lambda value: type(value).__name__)
def test_a_sample_looks_the_same_whenever_it_is_made(transform: Transform) -> None:
    image = picture("pil", 3, 24, 24)

    def look(epoch: int, index: int) -> bytes:
        return values(apply(transform, {"input": image, "target": 0}, epoch, index)["input"]).tobytes()

    assert [look(1, index) for index in range(20)] == [look(1, index) for index in range(20)]
    assert [look(1, index) for index in range(20)] != [look(2, index) for index in range(20)]
    assert len({look(1, index) for index in range(20)}) > 1


@pytest.mark.parametrize("transform", RANDOM, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("form", ["pil", "uint8", "plain"])
def test_everything_of_a_sample_moves_together(transform: Transform, form: str) -> None:
    image: Any = picture("uint8" if form == "plain" else form, 1, 24, 20)
    image = image.as_subclass(torch.Tensor) if form == "plain" else image
    mask = tv_tensors.Mask(torch.from_numpy(values(image).copy()))
    length, name = torch.tensor([5]), "a"
    sample = {
        "input": image,
        "target": 7,
        "mask": mask,
        "view": picture("pil", 1, 24, 20),
        "length": length,
        "name": name,
    }
    for index in range(10):
        made = apply(transform, sample, index=index)
        # Pillow and torch do not take the same pixel for the nearest one, so each is held against its own
        as_pillow, as_tensor = (
            apply(transform, {"input": picture(form, 1, 24, 20)}, index=index)["input"] for form in ("pil", "uint8")
        )
        assert isinstance(made["mask"], tv_tensors.Mask)
        np.testing.assert_array_equal(values(made["input"]), values(as_pillow if form == "pil" else as_tensor))
        np.testing.assert_array_equal(values(made["mask"]), values(as_tensor))
        np.testing.assert_array_equal(values(made["view"]), values(as_pillow))
        assert made["length"] is length
        assert (made["target"], made["name"]) == (7, "a")
    assert sample["input"] is image, "the sample itself must stay as it was"


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
@pytest.mark.parametrize("transform", [*FOLLOWED, *RANDOM], ids=lambda value: repr(value)[:60])
def test_they_pickle(transform: Transform) -> None:
    form = "float" if isinstance(transform, Normalize) else "pil"
    sample = {"input": picture(form, 3, 40, 40), "target": 0}
    draws = [Draws(KEY, 0, 5)] if transform.random == "counter" else []
    made = pickle.loads(pickle.dumps(transform.build()))(sample, *draws)["input"]
    np.testing.assert_array_equal(values(made), values(apply(transform, sample, index=5)["input"]))
