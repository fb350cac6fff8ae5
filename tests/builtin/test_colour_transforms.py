"""Colours and tones: pixels as torchvision and Pillow make them, amounts as often as torchvision draws them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ImageEnhance, ImageOps
from randomness_references import chi_square_bound
from registry_builtin.transforms.colours import (
    RGB,
    ColorJitter,
    Grayscale,
    RandomChannelPermutation,
    RandomGrayscale,
    RandomPhotometricDistort,
)
from registry_builtin.transforms.tones import (
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomEqualize,
    RandomInvert,
    RandomPosterize,
    RandomSolarize,
)
from test_geometry_transforms import COUNT, EPOCH, drawn_by, images, same_distribution, torchvision, words
from test_transforms import FORMS, KEY, apply, picture, values
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from registry_core.components import Draws, Transform


def compare(transform: Transform, form: str, reference: Callable[[Any, int], Any], count: int = 6) -> None:
    """The transform makes what the reference makes of image and number, and leaves masks alone."""
    changes = 0
    for image in images(form):
        mask = tv_tensors.Mask(torch.arange(24).reshape(4, 6))
        for index in range(count):
            made = apply(transform, {"input": image, "target": 3, "mask": mask}, EPOCH, index)
            np.testing.assert_array_equal(values(made["input"]), values(reference(image, index)))
            assert type(made["input"]) is type(image)
            assert made["mask"] is mask
            assert made["target"] == 3
            changes += not np.array_equal(values(made["input"]), values(image))
    assert changes > 0, "nothing was changed, so nothing was compared"


@pytest.mark.covers("transform/grayscale", reference="torchvision.transforms.v2.Grayscale, Pillow")
@pytest.mark.covers("transform/random_grayscale", reference="torchvision.transforms.v2.RandomGrayscale")
@pytest.mark.parametrize("form", FORMS)
def test_grey_is_that_of_torchvision(form: str) -> None:
    image = images(form)[1]
    for channels in (1, 3):
        made = apply(Grayscale(num_output_channels=channels), {"input": image})["input"]
        np.testing.assert_array_equal(values(made), values(v2.Grayscale(channels)(image)))

    def reference(image: Any, index: int) -> Any:
        return v2.RandomGrayscale(p=1)(image) if words(index, 1)[0] < 0.6 else image

    compare(RandomGrayscale(p=0.6), form, reference)
    if form == "pil":
        grey = apply(RandomGrayscale(p=1), {"input": image})["input"]
        np.testing.assert_array_equal(values(grey), np.repeat(values(image.convert("L")), 3, axis=0))


@pytest.mark.covers("transform/rgb", reference="torchvision.transforms.v2.RGB")
@pytest.mark.parametrize("form", FORMS)
def test_rgb_is_that_of_torchvision(form: str) -> None:
    for image in images(form):
        made = apply(RGB(), {"input": image})["input"]
        np.testing.assert_array_equal(values(made), values(v2.RGB()(image)))
        assert values(made).shape[0] == 3


JITTERS: list[dict[str, Any]] = [
    {"brightness": 0.5},
    {"contrast": [0.2, 1.8]},
    {"saturation": 1.5},
    {"hue": 0.5},
    {"brightness": 0.4, "contrast": 0.3, "saturation": [0.0, 2.0], "hue": [-0.1, 0.3]},
]


def shuffled(length: int, numbers: list[float]) -> list[int]:
    """Fisher and Yates, from the end."""
    order = list(range(length))
    for last, number in zip(range(length - 1, 0, -1), numbers, strict=True):
        other = int(number * (last + 1))
        order[last], order[other] = order[other], order[last]
    return order


@pytest.mark.covers("transform/color_jitter", reference="torchvision.transforms.v2.ColorJitter")
@pytest.mark.parametrize("parameters", JITTERS, ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_jitter_is_that_of_torchvision(form: str, parameters: dict[str, Any]) -> None:
    theirs = v2.ColorJitter(**parameters)
    names = ["brightness", "contrast", "saturation", "hue"]

    def reference(image: Any, index: int) -> Any:
        u = words(index, 7)
        drawn: dict[str, Any] = {"fn_idx": torch.tensor(shuffled(4, u[4:]))}
        for name, number in zip(names, u, strict=False):
            spread = getattr(theirs, name)
            drawn[f"{name}_factor"] = None if spread is None else spread[0] + (spread[1] - spread[0]) * number
        return torchvision(theirs, image, **drawn)

    if list(parameters) in (["saturation"], ["hue"]):  # grey digits stay as they are
        digit = images(form)[0]
        assert np.array_equal(values(apply(ColorJitter(**parameters), {"input": digit})["input"]), values(digit))
    compare(ColorJitter(**parameters), form, reference)


def test_jitter_has_the_distribution_of_torchvision(monkeypatch: Any) -> None:
    """Amounts by Kolmogorov and Smirnov, the 24 orders by chi square, each at one in a thousand or less."""
    parameters: dict[str, Any] = {"brightness": 0.5, "contrast": 2, "saturation": [0.1, 0.9], "hue": 0.2}
    names, calls = ["brightness", "contrast", "saturation", "hue"], []
    for name in names:

        def record(image: Any, amount: float, name: str = name) -> Any:
            calls.append((name, amount))
            return image

        monkeypatch.setattr(F, f"adjust_{name}", record)
    built, image = ColorJitter(**parameters).build(), tv_tensors.Image(torch.zeros(3, 4, 4))
    amounts, orders = [], []
    for index in range(COUNT):
        calls.clear()
        built({"input": image}, Draws(KEY, EPOCH, index))
        amounts.append([dict(calls)[name] for name in names])
        orders.append(tuple(name for name, _ in calls))
    theirs = drawn_by(v2.ColorJitter(**parameters))
    same_distribution(amounts, [[drawn[f"{name}_factor"] for name in names] for drawn in theirs])
    counts = np.array([orders.count(order) for order in permutations(names)])
    assert counts.sum() == COUNT
    assert ((counts - COUNT / 24) ** 2 / (COUNT / 24)).sum() < chi_square_bound(23)


@pytest.mark.covers(
    "transform/random_channel_permutation", reference="torchvision.transforms.v2.RandomChannelPermutation"
)
@pytest.mark.parametrize("form", FORMS)
def test_channel_permutation_is_that_of_torchvision(form: str) -> None:
    def reference(image: Any, index: int) -> Any:
        channels = F.get_num_channels(image)
        return F.permute_channels(image, shuffled(channels, words(index, channels - 1)))

    compare(RandomChannelPermutation(), form, reference)
    image, built = tv_tensors.Image(torch.arange(3).reshape(3, 1, 1)), RandomChannelPermutation().build()
    orders = [tuple(built({"input": image}, Draws(KEY, 0, n))["input"].flatten().tolist()) for n in range(COUNT)]
    counts = np.array([orders.count(order) for order in permutations(range(3))])
    assert ((counts - COUNT / 6) ** 2 / (COUNT / 6)).sum() < chi_square_bound(5)


@pytest.mark.covers(
    "transform/random_photometric_distort", reference="torchvision.transforms.v2.RandomPhotometricDistort"
)
@pytest.mark.parametrize("form", FORMS)
def test_photometric_distortion_is_that_of_torchvision(form: str) -> None:
    theirs = v2.RandomPhotometricDistort(p=0.7)
    names = ["brightness", "contrast", "saturation", "hue"]

    def reference(image: Any, index: int) -> Any:
        channels = F.get_num_channels(image)
        u = words(index, 10 + channels - 1)
        drawn: dict[str, Any] = {}
        for place, name in enumerate(names):
            low, high = getattr(theirs, name)
            amount = low + (high - low) * u[2 * place + 1]
            drawn[f"{name}_factor"] = amount if u[2 * place] < 0.7 else None
        drawn["contrast_before"] = u[8] < 0.5
        drawn["channel_permutation"] = shuffled(channels, u[10:]) if u[9] < 0.7 else None
        return torchvision(theirs, image, **drawn)

    compare(RandomPhotometricDistort(p=0.7), form, reference, count=12)


TONES: list[tuple[str, Transform, Any, Any]] = [
    ("random_invert", RandomInvert(p=0.5), v2.RandomInvert(p=1), ImageOps.invert),
    (
        "random_solarize",
        RandomSolarize(threshold=0.4),
        v2.RandomSolarize(0.4, p=1),
        lambda image: ImageOps.solarize(image, 0.4),
    ),
    (
        "random_posterize",
        RandomPosterize(bits=2),
        v2.RandomPosterize(2, p=1),
        lambda image: ImageOps.posterize(image, 2),
    ),
    ("random_equalize", RandomEqualize(), v2.RandomEqualize(p=1), ImageOps.equalize),
    ("random_autocontrast", RandomAutocontrast(), v2.RandomAutocontrast(p=1), ImageOps.autocontrast),
    (
        "random_adjust_sharpness",
        RandomAdjustSharpness(sharpness_factor=3),
        v2.RandomAdjustSharpness(3, p=1),
        lambda image: ImageEnhance.Sharpness(image).enhance(3),
    ),
]


@pytest.mark.parametrize(
    ("transform", "theirs", "pillow"),
    [
        pytest.param(
            *row,
            id=name,
            marks=pytest.mark.covers(
                f"transform/{name}", reference=f"torchvision.transforms.v2.{type(row[1]).__name__}, Pillow"
            ),
        )
        for name, *row in TONES
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_tones_are_those_of_torchvision(form: str, transform: Any, theirs: Any, pillow: Any) -> None:
    def reference(image: Any, index: int) -> Any:
        return theirs(image) if words(index, 1)[0] < 0.5 else image

    compare(transform, form, reference, count=8)
    if form == "pil":
        for image in images("pil"):
            made = apply(transform.model_copy(update={"p": 1.0}), {"input": image})["input"]
            np.testing.assert_array_equal(values(made), values(pillow(image)))


def test_solarizing_starts_at_the_threshold() -> None:
    for form, threshold in (("pil", 100), ("uint8", 100), ("float", 100 / 255)):
        image = picture(form, 1, 30, 30)
        made = values(apply(RandomSolarize(threshold=threshold, p=1), {"input": image})["input"])
        top = 1 if form == "float" else 255
        np.testing.assert_allclose(
            made, np.where(values(image) >= threshold, top - values(image), values(image)), atol=1e-7
        )


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_tones_are_changed_as_often_as_said(p: float) -> None:
    image = tv_tensors.Image(torch.full((1, 1, 1), 7, dtype=torch.uint8))
    built = RandomInvert(p=p).build()
    done = sum(int(built({"input": image}, Draws(KEY, 0, index))["input"] != 7) for index in range(COUNT))
    assert abs(done - COUNT * p) <= 4 * np.sqrt(COUNT * p * (1 - p))
