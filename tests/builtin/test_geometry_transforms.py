"""Rotations, warps and random sizes: pixels as torchvision makes them, amounts as often as torchvision draws them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from randomness_references import chi_square_bound
from registry_builtin.datasets.digits import Digits
from registry_builtin.transforms.flips_and_turns import RandomHorizontalFlip, RandomRotation, RandomVerticalFlip
from registry_builtin.transforms.sizes import RandomResize, RandomShortestSize, RandomZoomOut, ScaleJitter
from registry_builtin.transforms.warps import Elastic, RandomAffine, RandomPerspective
from test_random_transforms import largest_gap
from test_transforms import FORMS, KEY, apply, picture, values
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from registry_core.assembly.data.transforms import seeded_generators
from registry_core.components import Draws, Transform
from registry_core.components.randomness import philox
from registry_core.diagnostics import DataError

EPOCH = 3


def words(index: int, count: int) -> list[float]:
    """The first numbers from 0 to 1 that a transform gets for a sample."""
    return [word / 2**32 for block in range((count + 3) // 4) for word in philox((index, block, EPOCH, 0), KEY)][:count]


def images(form: str) -> list[Any]:
    """A digit of 8 x 8 grey pixels, and a picture with colours that is not square."""
    digit = Digits(split="val").build()[7]["input"]
    grey = digit if form == "pil" else F.to_image(digit)
    return [grey if form != "float" else F.to_dtype(grey, torch.float32, scale=True), picture(form, 3, 24, 20)]


def compare(transform: Transform, form: str, reference: Callable[[Any, int], Any], count: int = 6) -> None:
    """The transform, with a mask in the sample, makes what the reference makes of image and number."""
    changes = 0
    for image in images(form):
        mask = tv_tensors.Mask(
            torch.from_numpy(values(images("uint8")[0 if values(image).shape[0] == 1 else 1])[0] // 64)
        )
        for index in range(count):
            made = apply(transform, {"input": image, "target": 3, "mask": mask}, EPOCH, index)
            np.testing.assert_array_equal(values(made["input"]), values(reference(image, index)))
            np.testing.assert_array_equal(values(made["mask"]), values(reference(mask, index)))
            assert type(made["input"]) is type(image)
            assert made["target"] == 3
            changes += values(made["input"]).shape != values(image).shape or bool(
                (values(made["input"]) != values(image)).any()
            )
    assert changes > 0, "nothing was changed, so nothing was compared"


def torchvision(transform: Any, image: Any, **drawn: Any) -> Any:
    """What a transform of torchvision makes of an image with amounts that are given, not drawn."""
    return transform.transform(image, drawn)


@pytest.mark.covers("transform/random_horizontal_flip", reference="torchvision.transforms.v2.RandomHorizontalFlip")
@pytest.mark.covers("transform/random_vertical_flip", reference="torchvision.transforms.v2.RandomVerticalFlip")
@pytest.mark.parametrize("form", FORMS)
def test_flips_are_those_of_torchvision(form: str) -> None:
    for transform, theirs in (
        (RandomHorizontalFlip(p=0.4), v2.RandomHorizontalFlip()),
        (RandomVerticalFlip(p=0.4), v2.RandomVerticalFlip()),
    ):

        def reference(image: Any, index: int, theirs: Any = theirs) -> Any:
            return torchvision(theirs, image) if words(index, 1)[0] < 0.4 else image

        compare(transform, form, reference)
    up = apply(RandomVerticalFlip(p=1), {"input": images(form)[1]})["input"]
    np.testing.assert_array_equal(values(up), values(images(form)[1])[:, ::-1])


ROTATIONS: list[dict[str, Any]] = [
    {"degrees": 30},
    {"degrees": [10, 80], "interpolation": "bilinear", "fill": 9},
    {"degrees": 45, "expand": True, "interpolation": "bilinear"},
    {"degrees": 45, "center": [2, 3], "fill": 200},
    {"degrees": [90, 90]},
    {"degrees": [90, 90], "expand": True},
]


@pytest.mark.covers("transform/random_rotation", reference="torchvision.transforms.v2.RandomRotation")
@pytest.mark.parametrize("parameters", ROTATIONS, ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_rotation_is_that_of_torchvision(form: str, parameters: dict[str, Any]) -> None:
    fill = {"others": parameters.get("fill", 0), tv_tensors.Mask: 0}
    theirs = v2.RandomRotation(**{**parameters, "interpolation": mode(parameters, "nearest"), "fill": fill})
    low, high = (
        parameters["degrees"]
        if isinstance(parameters["degrees"], list)
        else (-parameters["degrees"], parameters["degrees"])
    )

    def reference(image: Any, index: int) -> Any:
        return torchvision(theirs, image, angle=low + (high - low) * words(index, 1)[0])

    compare(RandomRotation(**parameters), form, reference)


def mode(parameters: dict[str, Any], default: str) -> v2.InterpolationMode:
    return v2.InterpolationMode(parameters.get("interpolation", default))


AFFINES: list[dict[str, Any]] = [
    {"degrees": 30},
    {"degrees": 0, "translate": [0.3, 0.2], "fill": [1, 2, 3]},
    {"degrees": [5, 50], "scale": [0.5, 2], "shear": 20, "interpolation": "bilinear"},
    {"degrees": 0, "shear": [-10, 30], "fill": 7, "interpolation": "bilinear"},
    {"degrees": 10, "shear": [-10, 30, 5, 15], "translate": [0.1, 0.5], "scale": [1, 1.5], "center": [0, 4]},
]


@pytest.mark.covers("transform/random_affine", reference="torchvision.transforms.v2.RandomAffine")
@pytest.mark.parametrize("parameters", AFFINES, ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_affine_is_that_of_torchvision(form: str, parameters: dict[str, Any]) -> None:
    fill = parameters.get("fill", 0)
    if isinstance(fill, list):  # more values than a digit has channels
        parameters, fill = {**parameters, "fill": fill[0]}, fill[0]
    fills = {"others": fill, tv_tensors.Mask: 0}
    theirs = v2.RandomAffine(**{**parameters, "interpolation": mode(parameters, "nearest"), "fill": fills})

    def reference(image: Any, index: int) -> Any:
        height, width = F.get_size(image)
        u = words(index, 6)
        spread = [theirs.degrees, theirs.scale or (1, 1), (*(theirs.shear or (0, 0)), 0, 0)]
        right, down = (part * side for part, side in zip(theirs.translate or (0, 0), (width, height), strict=True))
        drawn = {
            "angle": spread[0][0] + (spread[0][1] - spread[0][0]) * u[0],
            "translate": [round(-right + 2 * right * u[1]), round(-down + 2 * down * u[2])],
            "scale": spread[1][0] + (spread[1][1] - spread[1][0]) * u[3],
            "shear": [
                spread[2][0] + (spread[2][1] - spread[2][0]) * u[4],
                spread[2][2] + (spread[2][3] - spread[2][2]) * u[5],
            ],
        }
        return torchvision(theirs, image, **drawn)

    compare(RandomAffine(**parameters), form, reference)


@pytest.mark.covers("transform/random_perspective", reference="torchvision.transforms.v2.RandomPerspective")
@pytest.mark.parametrize("parameters", [{}, {"distortion_scale": 0.9, "p": 1.0, "fill": 5, "interpolation": "nearest"}])
@pytest.mark.parametrize("form", FORMS)
def test_perspective_is_that_of_torchvision(form: str, parameters: dict[str, Any]) -> None:
    distortion, p = parameters.get("distortion_scale", 0.5), parameters.get("p", 0.5)

    def reference(image: Any, index: int) -> Any:
        u = words(index, 9)
        if u[0] >= p:
            return image
        height, width = F.get_size(image)
        steps = [int(u[n] * (int(distortion * ((width, height)[1 - n % 2] // 2)) + 1)) for n in range(1, 9)]
        (a, b, c, d, e, f, g, h), r, s = steps, width - 1, height - 1
        corners, moved = [[0, 0], [r, 0], [r, s], [0, s]], [[a, b], [r - c, d], [r - e, s - f], [g, s - h]]
        fill = 0 if isinstance(image, tv_tensors.Mask) else parameters.get("fill", 0)
        return F.perspective(image, corners, moved, interpolation=mode(parameters, "bilinear"), fill=fill)

    compare(RandomPerspective(**parameters), form, reference)


SIZES: list[tuple[Transform, Callable[[int, int, list[float]], list[int]], int]] = [
    (RandomResize(min_size=5, max_size=9), lambda h, w, u: [5 + int(4 * u[0])], 1),
    (
        RandomShortestSize(min_size=[5, 9, 12], max_size=13),
        lambda h, w, u: scaled(h, w, min([5, 9, 12][int(3 * u[0])] / min(h, w), 13 / max(h, w))),
        1,
    ),
    (
        ScaleJitter(target_size=[10, 16], scale_range=[0.5, 1.5]),
        lambda h, w, u: scaled(h, w, min(10 / h, 16 / w) * (0.5 + u[0])),
        1,
    ),
]


def scaled(height: int, width: int, ratio: float) -> list[int]:
    return [int(height * ratio), int(width * ratio)]


@pytest.mark.filterwarnings("ignore:Anti-alias option is always applied for PIL")
@pytest.mark.covers("transform/random_resize", reference="torchvision.transforms.v2.RandomResize")
@pytest.mark.covers("transform/random_shortest_size", reference="torchvision.transforms.v2.RandomShortestSize")
@pytest.mark.covers("transform/scale_jitter", reference="torchvision.transforms.v2.ScaleJitter")
@pytest.mark.parametrize(
    ("transform", "size", "count"), SIZES, ids=lambda value: getattr(value, "__name__", repr(value))[:30]
)
@pytest.mark.parametrize("form", FORMS)
def test_random_sizes_are_those_of_torchvision(form: str, transform: Any, size: Any, count: int) -> None:
    def reference(image: Any, index: int) -> Any:
        return F.resize(image, size(*F.get_size(image), words(index, count)))

    compare(transform, form, reference)


@pytest.mark.covers("transform/random_zoom_out", reference="torchvision.transforms.v2.RandomZoomOut")
@pytest.mark.parametrize("form", FORMS)
def test_zoom_out_is_that_of_torchvision(form: str) -> None:
    def reference(image: Any, index: int) -> Any:
        u = words(index, 4)
        if u[0] >= 0.7:
            return image
        height, width = F.get_size(image)
        wide, high = int(width * (1 + 2 * u[1])), int(height * (1 + 2 * u[1]))
        left, top = int((wide - width) * u[2]), int((high - height) * u[3])
        fill = 0 if isinstance(image, tv_tensors.Mask) else 33
        return F.pad(image, [left, top, wide - width - left, high - height - top], fill=fill)

    compare(RandomZoomOut(side_range=[1, 3], fill=33, p=0.7), form, reference)


@pytest.mark.covers("transform/elastic", reference="torchvision.transforms.v2.ElasticTransform")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "parameters", [{"alpha": 9, "sigma": 0.8}, {"alpha": [30, 1], "sigma": 0, "interpolation": "nearest", "fill": 4}]
)
def test_elastic_is_that_of_torchvision_under_the_same_seed(form: str, parameters: dict[str, Any]) -> None:
    fill = {"others": parameters.get("fill", 0), tv_tensors.Mask: 0}
    theirs = v2.ElasticTransform(**{**parameters, "interpolation": mode(parameters, "bilinear"), "fill": fill})
    for image in images(form):
        mask = tv_tensors.Mask(torch.arange(math.prod(F.get_size(image))).reshape(1, *F.get_size(image)) % 251)
        with seeded_generators(11):
            made = Elastic(**parameters).build()({"input": image, "target": torch.ones(3), "mask": mask})
        with seeded_generators(11):
            expected, expected_mask = theirs(image, mask)
        np.testing.assert_array_equal(values(made["input"]), values(expected))
        np.testing.assert_array_equal(values(made["mask"]), values(expected_mask))
        assert (values(expected) != values(image)).any()
        assert torch.equal(made["target"], torch.ones(3))


def test_elastic_refuses_images_of_several_sizes() -> None:
    sample = {"input": picture("pil", 3, 8, 9), "second": picture("pil", 3, 7, 9)}
    with pytest.raises(DataError, match=r"'input' 8 x 9, 'second' 7 x 9 .* Add resize"):
        Elastic(sigma=0.5).build()(sample)


def recorded(monkeypatch: Any, transform: Transform, function: str, count: int, size: tuple[int, int]) -> list[Any]:
    """What the transform calls a function of torchvision with, for many samples; None where it does not."""
    calls: list[Any] = []

    def record(value: Any, *given: Any, **named: Any) -> Any:
        calls.append((given, named))
        return value

    monkeypatch.setattr(F, function, record)
    built, image = transform.build(), tv_tensors.Image(torch.zeros(3, *size))
    found = []
    for index in range(count):
        calls.clear()
        built({"input": image}, Draws(KEY, EPOCH, index))
        found.append(calls[0] if calls else None)
    return found


def same_distribution(ours: list[Any], theirs: list[Any]) -> None:
    """Kolmogorov and Smirnov: each column's distance is below what chance exceeds once in a thousand."""
    first, second = np.array(ours, dtype=float), np.array(theirs, dtype=float)
    assert first.shape == second.shape
    for column in range(first.shape[1]):
        assert largest_gap(first[:, column], second[:, column]) < 1.95 * np.sqrt(2 / len(first)), column


COUNT = 1500
SIZE = (21, 34)


def drawn_by(theirs: Any, count: int = COUNT, size: tuple[int, int] = SIZE) -> list[dict[str, Any]]:
    """What a transform of torchvision draws for many samples."""
    torch.manual_seed(1)
    image = [tv_tensors.Image(torch.zeros(3, *size))]
    return [theirs.make_params(image) for _ in range(count)]


@pytest.mark.parametrize("degrees", [25, [-10, 70]])
def test_rotation_has_the_distribution_of_torchvision(monkeypatch: Any, degrees: Any) -> None:
    ours = [[given[0]] for given, _ in recorded(monkeypatch, RandomRotation(degrees=degrees), "rotate", COUNT, SIZE)]
    same_distribution(ours, [[drawn["angle"]] for drawn in drawn_by(v2.RandomRotation(degrees))])


@pytest.mark.parametrize(
    "parameters",
    [
        {"degrees": 25, "translate": [0.3, 0.4], "scale": [0.5, 2.0], "shear": 12},
        {"degrees": [0, 5], "translate": [0.0, 0.1], "scale": [0.9, 1.0], "shear": [-3, 9, 2, 4]},
    ],
)
def test_affine_has_the_distribution_of_torchvision(monkeypatch: Any, parameters: Any) -> None:
    def row(drawn: dict[str, Any]) -> list[float]:
        return [drawn["angle"], *drawn["translate"], drawn["scale"], *drawn["shear"]]

    ours = [row(named) for _, named in recorded(monkeypatch, RandomAffine(**parameters), "affine", COUNT, SIZE)]
    same_distribution(ours, [row(drawn) for drawn in drawn_by(v2.RandomAffine(**parameters))])


@pytest.mark.parametrize("distortion", [0.3, 1.0])
def test_perspective_has_the_distribution_of_torchvision(monkeypatch: Any, distortion: float) -> None:
    transform = RandomPerspective(distortion_scale=distortion, p=1)
    calls = recorded(monkeypatch, transform, "perspective", COUNT, SIZE)
    torch.manual_seed(2)
    theirs = [v1.RandomPerspective.get_params(SIZE[1], SIZE[0], distortion) for _ in range(COUNT)]
    assert calls[0][0][0] == theirs[0][0], "the corners of the image"
    same_distribution([np.ravel(given[1]) for given, _ in calls], [np.ravel(points) for _, points in theirs])


def test_random_sizes_have_the_distribution_of_torchvision(monkeypatch: Any) -> None:
    for transform, theirs in (
        (RandomResize(min_size=5, max_size=19), v2.RandomResize(5, 19)),
        (RandomShortestSize(min_size=[5, 9, 12], max_size=16), v2.RandomShortestSize([5, 9, 12], 16)),
        (ScaleJitter(target_size=[40, 50]), v2.ScaleJitter((50, 40))),
    ):
        ours = [given[0] for given, _ in recorded(monkeypatch, transform, "resize", COUNT, SIZE)]
        same_distribution(ours, [list(drawn["size"]) for drawn in drawn_by(theirs)])


def test_zoom_out_has_the_distribution_of_torchvision(monkeypatch: Any) -> None:
    calls = recorded(monkeypatch, RandomZoomOut(side_range=[1, 3], p=1), "pad", COUNT, SIZE)
    ours = [given[0] for given, _ in calls]
    same_distribution(ours, [drawn["padding"] for drawn in drawn_by(v2.RandomZoomOut(side_range=(1, 3)))])


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_what_has_a_probability_is_done_as_often(monkeypatch: Any, p: float) -> None:
    for transform, function in (
        (RandomVerticalFlip(p=p), "vertical_flip"),
        (RandomPerspective(p=p), "perspective"),
        (RandomZoomOut(p=p), "pad"),
    ):
        calls = recorded(monkeypatch, transform, function, COUNT, SIZE)
        done = sum(call is not None for call in calls)
        assert abs(done - COUNT * p) <= 4 * np.sqrt(COUNT * p * (1 - p))


def test_every_length_is_equally_likely(monkeypatch: Any) -> None:
    calls = recorded(monkeypatch, RandomResize(min_size=5, max_size=19), "resize", COUNT, SIZE)
    lengths, counts = np.unique([given[0][0] for given, _ in calls], return_counts=True)
    assert list(lengths) == list(range(5, 19))
    assert ((counts - COUNT / 14) ** 2 / (COUNT / 14)).sum() < chi_square_bound(13)
