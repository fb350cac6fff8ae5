"""Random crops and flips: at the places that their words say, as often as torchvision, a whole sample together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from randomness_references import chi_square_bound
from registry_builtin.transforms.crops import RandomCrop, RandomResizedCrop
from registry_builtin.transforms.flips_and_turns import RandomHorizontalFlip
from test_transforms import FORMS, KEY, apply, picture, values
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from registry_core.components import Draws, Transform
from registry_core.components.randomness import philox
from registry_core.diagnostics import DataError


def positions(size: tuple[int, int]) -> tv_tensors.Image:
    """An image whose pixels are their own numbers, row by row."""
    return tv_tensors.Image(torch.arange(size[0] * size[1], dtype=torch.int32).reshape(1, *size))


@pytest.mark.covers("transform/random_crop", reference="NumPy: padding and slices")
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
    with pytest.raises(DataError, match=r"20 x 6 window does not fit into the image of 13 x 17 .* pad_if_needed"):
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


@pytest.mark.covers("transform/random_resized_crop", reference="torchvision.transforms.v2.functional.resized_crop")
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


@pytest.mark.covers("transform/random_resized_crop", reference="RandomResizedCrop of torchvision, in distribution")
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
    for ratio, size in (([50, 60], (20, 5)), ([0.01, 0.02], (5, 20))):
        built: Any = RandomResizedCrop(size=3, ratio=ratio).build()
        assert min(built.window(*size, Draws(KEY, 0, 0))[2:]) == 1


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
