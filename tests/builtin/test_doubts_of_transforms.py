"""Doubts about transforms against what they do to pixels: random as set, without effect, and what they alter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from registry_builtin.transforms.automatic import RandAugment
from registry_builtin.transforms.colours import (
    ColorJitter,
    RandomChannelPermutation,
    RandomGrayscale,
    RandomPhotometricDistort,
)
from registry_builtin.transforms.conversions import Normalize
from registry_builtin.transforms.crops import CenterCrop, RandomCrop, RandomResizedCrop
from registry_builtin.transforms.degradations import JPEG, GaussianBlur, GaussianNoise, RandomErasing
from registry_builtin.transforms.flips_and_turns import RandomHorizontalFlip, RandomRotation, RandomVerticalFlip
from registry_builtin.transforms.sizes import Pad, RandomShortestSize, RandomZoomOut, Resize, ScaleJitter
from registry_builtin.transforms.tones import (
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomInvert,
    RandomPosterize,
    RandomSolarize,
)
from registry_builtin.transforms.warps import Elastic, RandomAffine, RandomPerspective
from test_transforms import FORMS, KEY, facts, picture, values

from registry_core.components import CheckFailed, DataFacts, Draws, Image, RunFacts, Transform

SIDE = 24

RANDOM: list[Transform] = [
    RandomHorizontalFlip(),
    RandomRotation(degrees=20),
    RandomAffine(degrees=0, translate=[0.2, 0.0]),
    RandomAffine(degrees=[5, 5], scale=[0.8, 1.2]),
    RandomAffine(degrees=0, shear=[0, 0, -9, 9]),
    RandomPerspective(p=1.0),
    Elastic(alpha=9.0, sigma=1.0),
    RandomCrop(size=SIDE, padding=2),
    RandomCrop(size=20),
    RandomResizedCrop(size=SIDE),
    RandomResizedCrop(size=SIDE, scale=[0.9, 1]),
    RandomErasing(p=1.0),
    GaussianNoise(sigma=0.1),
    GaussianBlur(kernel_size=5, sigma=[0.4, 3.0]),
    JPEG(quality=[5, 90]),
    ColorJitter(hue=0.3),
    ColorJitter(brightness=[0.5, 1.5]),
    RandomPhotometricDistort(p=1.0),
    RandomChannelPermutation(),
    RandomGrayscale(p=0.5),
    RandomSolarize(threshold=0.5),
    RandomShortestSize(min_size=[8, 16]),
    ScaleJitter(target_size=20, scale_range=[0.5, 1.0]),
    RandomZoomOut(p=1.0),
    RandAugment(),
]

STEADY: list[Transform] = [
    RandomHorizontalFlip(p=1.0),
    RandomVerticalFlip(p=0.0),
    RandomRotation(degrees=[45, 45]),
    RandomAffine(degrees=[5, 5], scale=[1.2, 1.2], shear=[3, 3]),
    RandomPerspective(p=0.0),
    RandomPerspective(distortion_scale=0.0, p=1.0),
    Elastic(alpha=0.0),
    RandomCrop(size=SIDE),
    RandomCrop(size=SIDE + 4, padding=2),
    RandomResizedCrop(size=12, scale=[1, 1]),
    RandomResizedCrop(size=12, scale=[1, 1], ratio=[1, 1]),
    RandomErasing(p=0.0),
    GaussianNoise(mean=0.2, sigma=0.0),
    GaussianBlur(kernel_size=5, sigma=2.0),
    JPEG(quality=30),
    ColorJitter(brightness=[0.5, 0.5]),
    ColorJitter(),
    RandomGrayscale(p=1.0),
    RandomInvert(p=1.0),
    RandomAutocontrast(p=1.0),
    RandomShortestSize(min_size=[8]),
    ScaleJitter(target_size=20, scale_range=[0.5, 0.5]),
    RandomZoomOut(side_range=[1.0, 1.0]),
    Resize(size=9),
]


def form_for(transform: Transform) -> str:
    """The first form of an image that a transform can be applied to."""
    for form in FORMS:
        try:
            transform.infer_image(facts(form, 3, SIDE, SIDE))
        except CheckFailed:
            continue
        return form
    raise AssertionError(transform)


def looks(transform: Transform, form: str, channels: int = 3) -> list[Any]:
    """The images after some draws."""
    built, found = transform.build(), []
    for index in range(8):
        torch.manual_seed(index)
        sample = {"input": picture(form, channels, SIDE, SIDE)}
        draws = [Draws(KEY, 0, index)] if transform.random == "counter" else []
        found.append(values(built(sample, *draws)["input"]))
    return found


def differ(images: list[Any]) -> bool:
    return any(one.shape != images[0].shape or (one != images[0]).any() for one in images)


@pytest.mark.parametrize("transform", [*RANDOM, *STEADY], ids=lambda value: repr(value)[:70])
def test_random_transforms_say_so(transform: Transform) -> None:
    form = "float" if isinstance(transform, RandomSolarize) else form_for(transform)
    assert differ(looks(transform, form)) == (transform in RANDOM)
    assert transform.is_random(facts(form, 3, SIDE, SIDE)) == (transform in RANDOM)


def run_facts(image: Image, sample: DataFacts | None = None) -> RunFacts:
    return RunFacts({}, (), (), "class_indices", image=image, sample=sample)


WITHOUT_EFFECT: list[tuple[Transform, int]] = [
    (ColorJitter(), 3),
    (ColorJitter(saturation=0.5), 1),
    (ColorJitter(hue=0.5), 1),
    (RandomChannelPermutation(), 1),
    (RandomGrayscale(p=1.0), 1),
    (RandomRotation(degrees=0), 3),
    (RandomRotation(degrees=0.4), 3),
    (RandomAffine(degrees=0), 3),
    (RandomPerspective(distortion_scale=0.0, p=1.0, interpolation="nearest"), 3),
    (Elastic(alpha=0.0), 3),
    (RandomCrop(size=SIDE), 3),
    (RandomResizedCrop(size=SIDE, scale=[1, 1]), 3),
    (CenterCrop(size=SIDE), 3),
    (Pad(padding=0), 3),
    (RandomZoomOut(side_range=[1.0, 1.0], p=1.0), 3),
    (GaussianNoise(sigma=0.0), 3),
    (GaussianBlur(kernel_size=1), 3),
    (GaussianBlur(kernel_size=5, sigma=[0.1, 0.2]), 3),
    (RandomErasing(p=1.0, scale=[0.97, 1.0], ratio=[0.9, 1.1]), 3),
    (RandomErasing(p=1.0, scale=[0.1, 0.2], ratio=[90, 100]), 3),
    (RandomErasing(p=1.0, scale=[0.0001, 0.0002]), 3),
    (RandomPosterize(bits=8, p=1.0), 3),
    (RandomSolarize(threshold=254, p=1.0), 3),
    (RandomAdjustSharpness(sharpness_factor=1, p=1.0), 3),
]


@pytest.mark.filterwarnings("ignore:Anti-alias option is always applied for PIL")
@pytest.mark.parametrize(("transform", "channels"), WITHOUT_EFFECT, ids=lambda value: repr(value)[:70])
def test_transforms_without_an_effect_change_no_pixel(transform: Transform, channels: int) -> None:
    form = form_for(transform)
    image = facts(form, channels, SIDE, SIDE).changed(low=20.0, high=235.0)  # the pixels of the picture
    codes = {failed.code for failed in transform.warnings(run_facts(image))}
    assert codes == {"no-effect"}
    before = values(picture(form, channels, SIDE, SIDE))
    for after in looks(transform, form, channels):
        np.testing.assert_array_equal(after, before)


WITH_EFFECT: list[Transform] = [
    ColorJitter(brightness=0.1),
    RandomRotation(degrees=5),
    RandomAffine(degrees=0, translate=[0.1, 0.0]),
    RandomCrop(size=SIDE, padding=1),
    RandomErasing(p=1.0),
    GaussianBlur(kernel_size=3, sigma=0.4),
    RandomPosterize(bits=7, p=1.0),
    RandomSolarize(threshold=128, p=1.0),
    RandomAdjustSharpness(sharpness_factor=1.2, p=1.0),
    Pad(padding=1),
    Resize(size=12),
]


@pytest.mark.parametrize("transform", WITH_EFFECT, ids=lambda value: repr(value)[:70])
def test_transforms_with_an_effect_are_not_doubted(transform: Transform) -> None:
    form = form_for(transform)
    assert list(transform.warnings(run_facts(facts(form, 3, SIDE, SIDE)))) == []
    before = values(picture(form, 3, SIDE, SIDE))
    assert any(after.shape != before.shape or (after != before).any() for after in looks(transform, form))


@pytest.mark.parametrize(
    ("mean", "std", "high", "at"),
    [
        ([0.3], [0.38], 1.0, None),
        ([0.05], [0.015], 1.0, None),  # data of low contrast
        ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], 1.0, None),
        ([0.5], [0.5], 1.0, None),
        ([0.5], [1.0], 1.0, None),  # centred only
        ([76.5], [96.9], 255.0, None),
        ([0.0], [255.0], 255.0, None),  # scaled only
        ([12.0], [3.8], 255.0, None),
        ([0.3], [38.0], 1.0, ("std",)),
        ([0.3], [0.0015], 1.0, ("std",)),
        ([76.5], [0.38], 255.0, ("std",)),
        ([76.5], [96.9], 1.0, ("mean",)),
        ([0.485, 45.6, 0.406], [0.229, 0.224, 0.225], 1.0, ("mean",)),
        ([0.5], [127.5], 255.0, ("mean",)),
        ([0.3], [0.38], 255.0, ()),
    ],
)
def test_mean_and_std_fit_the_range(mean: Any, std: Any, high: float, at: Any) -> None:
    image = Image("float", len(mean), 8, 8, 0.0, high)
    found = list(Normalize(mean=mean, std=std).warnings(run_facts(image)))
    assert [(failed.code, failed.at) for failed in found] == ([] if at is None else [("unit", at)])


@pytest.mark.parametrize(
    ("transform", "altered"),
    [
        (RandomHorizontalFlip(), {"handedness", "angle"}),
        (RandomHorizontalFlip(p=0.0), set()),
        (RandomVerticalFlip(), {"handedness", "upright", "angle"}),
        (RandomRotation(degrees=10), {"angle"}),
        (RandomRotation(degrees=[-180, 0]), {"angle", "upright"}),
        (RandomAffine(degrees=0, translate=[0.1, 0.1]), set()),
        (RandomAffine(degrees=180), {"angle", "upright"}),
        (RandomCrop(size=12), {"extent"}),
        (RandomCrop(size=SIDE, padding=2), set()),
        (RandomCrop(size=SIDE - 1), set()),  # nearly all of it
        (CenterCrop(size=12), {"extent"}),
        (RandomResizedCrop(size=SIDE), {"extent"}),
        (RandomResizedCrop(size=SIDE, scale=[0.95, 1.0]), set()),
        (ColorJitter(hue=0.1), set()),
    ],
    ids=lambda value: repr(sorted(value) if isinstance(value, set) else value)[:60],
)
def test_transforms_say_what_they_alter(transform: Transform, altered: set[str]) -> None:
    assert transform.alters(facts("pil", 3, SIDE, SIDE)) == altered
