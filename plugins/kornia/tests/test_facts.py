"""Compare `infer_image` with kornia: sizes, values, and refused images."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from cases import CHANGING, MIXING, MOSAICS, MOVING, ONE_IMAGE, Case

from registry_core.components import CheckFailed, Image

SIDES = [(24, 20), (20, 24), (7, 9), (3, 3), (2, 5), (1, 1), (16, 16), (8, 8)]
CHANNELS = [1, 2, 3, 4]
RANGES = [(0.0, 1.0), (-2.0, 3.0), (0.25, 0.5)]
"""The second range is refused by transforms that expect values from 0 to 1."""
UNEQUAL = ("does not fit", "can repeat at most", "cannot be cut", "would become", "less than that of the images")
"""Messages about sizes; kornia refuses some of them, and resizes images if a window does not fit."""


def images_of(case: Case, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    """Return images with values in a range, including both ends."""
    images = case.images(4)
    images[0].flatten()[0], images[-1].flatten()[-1] = 0.0, 1.0
    return low + images * (high - low)


def fact(case: Case, low: float | None = 0.0, high: float | None = 1.0) -> Image:
    """Return the facts of these images."""
    return Image("float", *case.shape[1:], low, high)


@pytest.mark.parametrize("case", [*ONE_IMAGE, *MOSAICS], ids=str)
def test_sizes_and_values_are_as_inferred(case: Case) -> None:
    built = case.declared.build()
    batch = {"target": torch.zeros(case.shape[0], *case.shape[2:], dtype=torch.int64)} if case in MOSAICS else {}
    for low, high in RANGES:
        after = followed(case, fact(case, low, high))
        if isinstance(after, str):
            assert (low, high) == RANGES[1], after
            continue
        images = images_of(case, low, high)
        for seed in range(3):
            torch.manual_seed(seed)
            made = built({**batch, "input": images})["input"]
            assert (after.form, after.channels) == ("float", made.shape[1])
            for known, side in zip((after.height, after.width), made.shape[2:], strict=True):
                assert known == side
            if after.low is not None and after.high is not None:
                assert after.low - 1e-5 <= made.min() <= made.max() <= after.high + 1e-5, (low, high)


@pytest.mark.filterwarnings("ignore:Since version 1.3.0, affine_grid behavior")  # of single pixels
@pytest.mark.parametrize("case", ONE_IMAGE, ids=str)
def test_what_is_refused_is_what_kornia_cannot_do(case: Case) -> None:
    for channels in CHANNELS:
        for sides in SIDES:
            other = replace(case, shape=(2, channels, *sides))
            after = followed(other, fact(other))
            if isinstance(after, str):
                assert any(words in after for words in UNEQUAL) or kornia_refuses(other), (channels, sides, after)
                continue
            torch.manual_seed(0)
            made = other.declared.build()({"input": other.images()})["input"]
            assert (after.channels, after.height, after.width) == made.shape[1:]


def followed(case: Case, image: Image) -> Image | str:
    """Return the inferred image, or the message with which it is refused."""
    try:
        after = case.declared.infer_image(image)
    except CheckFailed as failed:
        return failed.message
    assert after is not None
    return after


def kornia_refuses(case: Case) -> bool:
    """Return True if kornia raises an error for such images in any of several draws."""
    for seed in range(300):  # few pairs of auto_augment change colors or sharpen
        torch.manual_seed(seed)
        try:
            case.reference()(case.images())
        except Exception:  # kornia raises errors of many types
            return True
    return False


@pytest.mark.parametrize("case", [*CHANGING, *MIXING], ids=str)
def test_unknown_values_are_accepted_and_stay_unknown(case: Case) -> None:
    after = case.declared.infer_image(fact(case, None, None))
    assert after is not None
    assert (after.low, after.high) == (None, None)


@pytest.mark.parametrize("case", MOVING, ids=str)
def test_unknown_sizes_are_accepted(case: Case) -> None:
    after = case.declared.infer_image(Image("float", 3, None, None, 0.0, 1.0))
    known = case.declared.infer_image(fact(case))
    assert after is not None
    assert known is not None
    assert after.height in (None, known.height)


def test_crops_of_some_batches_leave_the_size_open() -> None:
    case = Case("kornia_center_crop", {"size": [24, 10], "p": 0.5})
    after = case.declared.infer_image(fact(case))
    assert after is not None
    assert (after.height, after.width) == (24, None)
    shapes = set()
    for seed in range(8):
        torch.manual_seed(seed)
        shapes.add(tuple(case.declared.build()({"input": case.images()})["input"].shape[2:]))
    assert shapes == {(24, 20), (24, 10)}
