"""Blur, noise, compression and erased rectangles: as torchvision makes and draws them."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from randomness_references import chi_square_bound
from registry_builtin.transforms.degradations import JPEG, GaussianBlur, GaussianNoise, RandomErasing
from test_colour_transforms import compare
from test_geometry_transforms import COUNT, EPOCH, drawn_by, images, recorded, same_distribution, words
from test_transforms import FORMS, KEY, apply, picture, values
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from registry_core.assembly.data.transforms import seeded_generators
from registry_core.components import Draws
from registry_core.components.randomness import philox


@pytest.mark.covers("transform/gaussian_blur", reference="torchvision.transforms.v2.GaussianBlur")
@pytest.mark.parametrize(("kernel", "sigma"), [(3, (0.5, 3.0)), ((7, 1), (1.5, 1.5))])
@pytest.mark.parametrize("form", FORMS)
def test_blur_is_that_of_torchvision(form: str, kernel: Any, sigma: Any) -> None:
    theirs = v2.GaussianBlur(kernel, sigma)

    def reference(image: Any, index: int) -> Any:
        drawn = sigma[0] + (sigma[1] - sigma[0]) * words(index, 1)[0]
        return theirs.transform(image, {"sigma": [drawn, drawn]})

    compare(GaussianBlur(kernel_size=kernel, sigma=sigma), form, reference)


def test_blur_has_the_distribution_of_torchvision(monkeypatch: Any) -> None:
    calls = recorded(monkeypatch, GaussianBlur(kernel_size=3, sigma=[0.2, 1.7]), "gaussian_blur", COUNT, (5, 5))
    same_distribution(
        [given[1] for given, _ in calls], [row["sigma"] for row in drawn_by(v2.GaussianBlur(3, (0.2, 1.7)))]
    )


@pytest.mark.covers("transform/gaussian_noise", reference="torchvision.transforms.v2.GaussianNoise")
@pytest.mark.parametrize(
    ("form", "parameters"),
    [("uint8", {}), ("float", {}), ("float", {"mean": 0.1, "sigma": 0.02}), ("float", {"sigma": 2.0, "clip": False})],
)
def test_noise_is_that_of_torchvision_under_the_same_seed(form: str, parameters: dict[str, Any]) -> None:
    mask = tv_tensors.Mask(torch.ones(4, 4))
    for image in images(form):
        with seeded_generators(5):
            made = GaussianNoise(**parameters).build()({"input": image, "target": torch.zeros(2), "mask": mask})
        with seeded_generators(5):
            expected = v2.GaussianNoise(**parameters)(image)
        np.testing.assert_array_equal(values(made["input"]), values(expected))
        assert (values(expected) != values(image)).any()
        assert made["mask"] is mask
        assert torch.equal(made["target"], torch.zeros(2))


@pytest.mark.covers("transform/jpeg", reference="Pillow; torchvision.transforms.v2.JPEG of Pillow images")
@pytest.mark.parametrize("form", ["pil", "uint8"])
def test_jpeg_is_that_of_pillow(form: str) -> None:
    def reference(image: Any, index: int) -> Any:
        quality, buffer = 10 + int(81 * words(index, 1)[0]), io.BytesIO()
        pillow = image if form == "pil" else PIL.Image.fromarray(values(image).transpose(1, 2, 0).squeeze())
        pillow.save(buffer, "JPEG", quality=quality)
        read = PIL.Image.open(buffer)
        np.testing.assert_array_equal(values(read), values(v2.JPEG(quality)(pillow)))
        return read

    compare(JPEG(quality=[10, 90]), form, reference)


def test_every_quality_is_equally_likely(monkeypatch: Any) -> None:
    qualities, save = [], PIL.Image.Image.save

    def record(image: Any, file: Any, form: str, quality: int) -> None:
        qualities.append(quality)
        save(image, file, form, quality=quality)

    monkeypatch.setattr(PIL.Image.Image, "save", record)
    built, image = JPEG(quality=[20, 29]).build(), picture("pil", 1, 2, 2)
    for index in range(COUNT):
        built({"input": image}, Draws(KEY, EPOCH, index))
    numbers, counts = np.unique(qualities, return_counts=True)
    assert list(numbers) == list(range(20, 30))
    assert ((counts - COUNT / 10) ** 2 / (COUNT / 10)).sum() < chi_square_bound(9)


def rectangle(index: int, height: int, width: int, scale: Any, ratio: Any) -> tuple[int, int, int, int] | None:
    """The formula of the paper with the numbers that sample gets: the first is whether, then four an attempt."""
    u = words(index, 41)
    for attempt in range(10):
        a, b, c, d = u[1 + 4 * attempt : 5 + 4 * attempt]
        area = height * width * (scale[0] + (scale[1] - scale[0]) * a)
        aspect = ratio[0] * (ratio[1] / ratio[0]) ** b
        rows, columns = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if rows < height and columns < width:
            return int(c * (height - rows + 1)), int(d * (width - columns + 1)), rows, columns
    return None


@pytest.mark.covers("transform/random_erasing", reference="torchvision.transforms.v2.functional.erase; the formula")
@pytest.mark.parametrize("value", [0.0, 1, [1, 0, 1]])
@pytest.mark.parametrize("form", ["uint8", "float"])
def test_erasing_is_the_formula(form: str, value: Any) -> None:
    scale, ratio = (0.1, 0.9), (0.2, 4.0)

    def reference(image: Any, index: int) -> Any:
        found = rectangle(index, *F.get_size(image), scale, ratio)
        if words(index, 1)[0] >= 0.8 or found is None:
            return image
        numbers = value if isinstance(value, list) else [value]
        return F.erase(image, *found, v=torch.tensor(numbers)[:, None, None])

    if isinstance(value, list):  # three values do not fit a grey digit
        transform, image = RandomErasing(p=0.8, scale=scale, ratio=ratio, value=value), images(form)[1]
        for index in range(8):
            made = apply(transform, {"input": image}, EPOCH, index)["input"]
            np.testing.assert_array_equal(values(made), values(reference(image, index)))
    else:
        compare(RandomErasing(p=0.8, scale=scale, ratio=ratio, value=value), form, reference, count=12)


def test_erasing_with_random_values_puts_normal_numbers_there() -> None:
    image = tv_tensors.Image(torch.full((3, 40, 50), 9.0))
    transform = RandomErasing(p=1, scale=[0.5, 0.6], value="random")
    made = [values(apply(transform, {"input": image}, EPOCH, index)["input"]) for index in range(5)]
    top, left, rows, columns = rectangle(0, 40, 50, (0.5, 0.6), (0.3, 3.3)) or (0, 0, 0, 0)
    inside = made[0][:, top : top + rows, left : left + columns]
    assert (made[0] == 9).sum() == 3 * (40 * 50 - rows * columns)
    assert abs(inside.mean()) < 4 / math.sqrt(inside.size)
    assert abs(inside.var() - 1) < 4 * math.sqrt(2 / inside.size)
    low, high = philox((0, 1, EPOCH, 0), KEY)[1:3]  # the words behind whether, and one attempt of four
    generator = torch.Generator().manual_seed(low << 32 | high)
    assert np.array_equal(inside, torch.randn(inside.shape, generator=generator).numpy())
    again = values(apply(transform, {"input": image}, EPOCH, 0)["input"])
    assert np.array_equal(made[0], again)
    assert not np.array_equal(made[0], made[1])


@pytest.mark.parametrize("scale", [(0.05, 0.5), (0.8, 1.0)])
def test_erasing_has_the_distribution_of_torchvision(scale: Any) -> None:
    ratio = (0.3, 3.3)
    built: Any = RandomErasing(p=1, scale=scale, ratio=ratio).build()
    nothing = (0, 0, 30, 24)  # what torchvision says where no attempt fits
    ours = [built.rectangle(30, 24, Draws(KEY, 0, index)) or nothing for index in range(COUNT)]
    theirs = [
        [row[name] for name in "ijhw"] for row in drawn_by(v2.RandomErasing(scale=scale, ratio=ratio), size=(30, 24))
    ]
    same_distribution(ours, theirs)
    if scale[1] == 1:
        assert nothing in ours, "no draw had ten attempts that do not fit, so that was not tested"


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_erasing_is_done_as_often_as_said(monkeypatch: Any, p: float) -> None:
    calls = recorded(monkeypatch, RandomErasing(p=p), "erase", COUNT, (20, 20))
    done = sum(call is not None for call in calls)
    assert abs(done - COUNT * p) <= 4 * np.sqrt(COUNT * p * (1 - p))
