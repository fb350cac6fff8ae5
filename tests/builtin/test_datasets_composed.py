"""Composed data sets: what is on a picture is found again in scikit-learn's digits, pixel for pixel."""

from __future__ import annotations

import math
import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from conftest import Ended
from numpy.typing import NDArray
from programs import all_views
from registry_builtin.datasets.digits import Digits
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader
from torchvision.transforms.v2 import functional as F

import registry_core
from registry_core.assembly.data.collation import collate
from registry_core.components import Dataset
from registry_core.diagnostics import DataError, PipelineError, RegistryError
from registry_core.registry import registries

IMAGES, LABELS = load_digits(return_X_y=True)
VAL = np.arange(len(LABELS)) % 5 == 4
GREY: NDArray[np.int64] = (IMAGES[VAL] * 255 // 16).astype(np.int64).reshape(-1, 8, 8)
CLASSES: NDArray[np.int64] = LABELS[VAL].astype(np.int64)

NAMES = ("pairs", "triplets", "rotated", "multi_label", "counts", "segmented", "lines")


def declared(name: str, **parameters: Any) -> Dataset:
    return registries.datasets[name](**{"dataset": Digits(split="val"), **parameters})


def made(name: str, **parameters: Any) -> Any:
    return declared(name, **parameters).build()


def pixels(image: PIL.Image.Image) -> NDArray[np.int64]:
    return np.asarray(image).astype(np.int64)


def number_of(image: PIL.Image.Image) -> int:
    """The place of an image among the digits."""
    (found,) = np.flatnonzero((pixels(image) == GREY).all(axis=(1, 2)))
    return int(found)


def digits_on(canvas: NDArray[np.int64], shift: int) -> list[tuple[int, int, int] | None]:
    """For each cell the digit that lies in it, with left and top on the canvas; all else must be black."""
    side = 8 + shift
    found = []
    for row in range(canvas.shape[0] // side):
        for column in range(canvas.shape[1] // side):
            cell = canvas[row * side : (row + 1) * side, column * side : (column + 1) * side]
            found.append(_digit_in(cell, column * side, row * side, shift))
    return found


def _digit_in(cell: NDArray[np.int64], left: int, top: int, shift: int) -> tuple[int, int, int] | None:
    if not cell.any():
        return None
    for y in range(shift + 1):
        for x in range(shift + 1):
            window = cell[y : y + 8, x : x + 8]
            places = np.flatnonzero((window == GREY).all(axis=(1, 2)))
            if len(places) and window.sum() == cell.sum():
                return int(places[0]), left + x, top + y
    raise AssertionError("no digit lies in this cell")


def seen(canvas: PIL.Image.Image, shift: int = 2) -> list[tuple[int, int, int]]:
    return [one for one in digits_on(pixels(canvas), shift) if one is not None]


@pytest.mark.covers("dataset/pairs", reference="search of both images in sklearn.datasets.load_digits")
def test_pairs() -> None:
    dataset = made("pairs", length=800)
    signs = []
    for number in range(800):
        sample = dataset[number]
        first, second = number_of(sample["input"]), number_of(sample["second"])
        assert first == number % 359
        assert first != second
        assert sample["target"] == (1.0 if CLASSES[first] == CLASSES[second] else -1.0)
        signs.append(sample["target"])
    assert abs(sum(signs)) <= 2
    assert [signs[n] + signs[n + 359] for n in range(359)] == [0.0] * 359


@pytest.mark.covers("dataset/pairs", reference="search of both images in sklearn.datasets.load_digits")
def test_ordered_pairs() -> None:
    dataset = made("pairs", targets="order")
    targets = []
    for number in range(359):
        sample = dataset[number]
        difference = CLASSES[number_of(sample["input"])] - CLASSES[number_of(sample["second"])]
        assert difference != 0
        assert sample["target"] == math.copysign(1.0, difference)
        targets.append(sample["target"])
    assert 100 < targets.count(1.0) < 259


@pytest.mark.covers("dataset/triplets", reference="search of the images in sklearn.datasets.load_digits")
def test_triplets() -> None:
    dataset = made("triplets", length=400)
    for number in range(400):
        sample = dataset[number]
        first, positive, negative = (number_of(sample[name]) for name in ("input", "positive", "negative"))
        assert first == number % 359
        assert first != positive
        assert sample["target"] == CLASSES[first] == CLASSES[positive] != CLASSES[negative]
        assert dataset.targets[number] == sample["target"]


@pytest.mark.parametrize("name", ["pairs", "triplets"])
def test_partners_are_equally_likely(name: str) -> None:
    """Partners of one image over many rounds: all of its class, and all of other classes, about as often."""
    dataset = made(name, length=359 * 2000)
    second = "second" if name == "pairs" else "positive"
    rounds = [dataset[7 + 359 * n] for n in range(2000)]
    alike = Counter(number_of(one[second]) for one in rounds if name == "triplets" or one["target"] == 1)
    others = set(np.flatnonzero(CLASSES[7] == CLASSES).tolist()) - {7}
    assert set(alike) == others
    expected = alike.total() / len(others)
    assert sum((count - expected) ** 2 / expected for count in alike.values()) < 2 * len(others)
    key = "second" if name == "pairs" else "negative"
    unlike = {number_of(one[key]) for one in rounds if name == "triplets" or one["target"] == -1}
    assert unlike <= set(np.flatnonzero(CLASSES[7] != CLASSES).tolist())
    assert len(unlike) > 0.9 * (CLASSES[7] != CLASSES).sum()


@pytest.mark.covers("dataset/rotated", reference="PIL.Image.Image.rotate, torchvision.transforms.v2.functional.rotate")
def test_rotated() -> None:
    dataset = made("rotated", unit="degrees", degrees=60.0)
    angles = []
    for number in range(359):
        sample = dataset[number]
        assert (sample["target"].dtype, sample["target"].shape) == (torch.float32, (1,))
        angle = sample["target"].item()
        original = PIL.Image.fromarray(GREY[number].astype(np.uint8))
        expected = original.rotate(angle, PIL.Image.Resampling.BILINEAR)
        assert np.abs(pixels(sample["input"]) - pixels(expected)).max() <= 1
        theirs = F.rotate(original, angle, interpolation=F.InterpolationMode.BILINEAR)
        assert np.abs(pixels(sample["input"]) - pixels(theirs)).max() <= 1
        angles.append(angle)
    assert -60 <= min(angles) < -50
    assert 50 < max(angles) <= 60
    assert abs(np.mean(angles)) < 5
    for number in range(5):
        radians = made("rotated", degrees=60.0)[number]["target"].item()
        assert radians == pytest.approx(math.radians(angles[number]), rel=1e-6)
        both = made("rotated", unit="sin_cos", degrees=60.0)[number]["target"].tolist()
        assert both == pytest.approx([math.sin(radians), math.cos(radians)], rel=1e-6)


@pytest.mark.covers("dataset/multi_label", reference="search of the images in sklearn.datasets.load_digits")
def test_multi_label() -> None:
    forms = [made("multi_label", targets=form, cells=(2, 3)) for form in ("multi_hot", "signs", "class_lists")]
    for number in range(60):
        hot, signs, lists = (dataset[number]["target"] for dataset in forms)
        images = [pixels(dataset[number]["input"]) for dataset in forms]
        assert images[0].shape == (20, 30)
        assert all((image == images[0]).all() for image in images)
        present = sorted({int(CLASSES[digit]) for digit, _, _ in seen(forms[0][number]["input"])})
        assert hot.tolist() == [float(label in present) for label in range(10)]
        assert signs.tolist() == [1.0 if label in present else -1.0 for label in range(10)]
        assert lists.tolist() == present + [-1] * (10 - len(present))
        assert (hot.dtype, signs.dtype, lists.dtype) == (torch.float32, torch.float32, torch.int64)


@pytest.mark.covers("dataset/counts", reference="search of the images in sklearn.datasets.load_digits")
def test_counts() -> None:
    dataset = made("counts", cells=(2, 3), least=0, most=5, length=600)
    counts: Counter[float] = Counter()
    for number in range(600):
        sample = dataset[number]
        assert (sample["target"].dtype, sample["target"].shape) == (torch.float32, (1,))
        assert sample["target"].item() == len(seen(sample["input"]))
        counts[sample["target"].item()] += 1
    assert sorted(counts) == [0, 1, 2, 3, 4, 5]
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 20


def test_cells_and_shifts_are_equally_likely() -> None:
    dataset = made("counts", cells=(2, 3), most=2, length=900)
    places: Counter[tuple[int, int]] = Counter()
    for number in range(900):
        for digit, left, top in seen(dataset[number]["input"]):
            if GREY[digit][0].any() and GREY[digit][7].any() and GREY[digit][:, 1].any():
                places[left // 10, top // 10] += 1
    expected = places.total() / 6
    assert len(places) == 6
    assert sum((count - expected) ** 2 / expected for count in places.values()) < 20


@pytest.mark.covers("dataset/segmented", reference="search of the images in sklearn.datasets.load_digits")
@pytest.mark.parametrize("classes", ["foreground", "each"])
def test_segmented(classes: str) -> None:
    dataset = made("segmented", classes=classes, threshold=100, boxes=True)
    for number in range(40):
        sample = dataset[number]
        expected = np.zeros((20, 20), dtype=np.int64)
        boxes = set()
        for digit, left, top in seen(sample["input"]):
            ys, xs = np.nonzero(GREY[digit] >= 100)
            expected[top + ys, left + xs] = CLASSES[digit] + 1 if classes == "each" else 1
            ys, xs = np.nonzero(GREY[digit])
            boxes.add((left + xs.min(), top + ys.min(), left + xs.max() + 1, top + ys.max() + 1))
        assert sample["target"].dtype == torch.int64
        np.testing.assert_array_equal(sample["target"].numpy(), expected)
        assert {tuple(box) for box in sample["boxes"].tolist()} == boxes


@pytest.mark.covers("dataset/lines", reference="search of the images in sklearn.datasets.load_digits")
def test_lines() -> None:
    dataset = made("lines", longest=4, least=2, shift=3)
    lengths: Counter[int] = Counter()
    for number in range(120):
        sample = dataset[number]
        cells = digits_on(pixels(sample["input"]), 3)
        labels = [0 if one is None else int(CLASSES[one[0]]) + 1 for one in cells]
        assert sample["target"].tolist() == labels
        assert sample["target"].dtype == torch.int64
        assert sample["target_length"] == sum(label > 0 for label in labels)
        assert 0 not in labels[: sample["target_length"]]
        lengths[sample["target_length"]] += 1
    assert sorted(lengths) == [2, 3, 4]


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    def plain(value: Any) -> Any:
        return pixels(value) if isinstance(value, PIL.Image.Image) else np.asarray(value)

    return one.keys() == other.keys() and all(np.array_equal(plain(one[key]), plain(other[key])) for key in one)


@pytest.mark.parametrize("name", NAMES)
def test_samples_depend_on_seed_and_number_alone(name: str) -> None:
    dataset = made(name, seed=3)
    backwards = {number: dataset[number] for number in reversed(range(20))}
    again, copy = made(name, seed=3, length=20), pickle.loads(pickle.dumps(dataset))
    for number in range(20):
        assert same(backwards[number], again[number])
        assert same(backwards[number], copy[number])
        assert same(again[number - 20], again[number])
    loaded = DataLoader(again, batch_size=None, num_workers=2, collate_fn=_unchanged)
    assert all(same(sample, backwards[number]) for number, sample in enumerate(loaded))
    other = made(name, seed=4)
    assert not all(same(other[number], backwards[number]) for number in range(20))
    with pytest.raises(IndexError):
        again[20]


def _unchanged(sample: Any) -> Any:
    return sample


@pytest.mark.parametrize(
    ("name", "parameters", "form"),
    [
        ("pairs", {}, "signs"),
        ("triplets", {}, "class_indices"),
        ("rotated", {}, "values"),
        ("multi_label", {}, "multi_hot"),
        ("multi_label", {"targets": "signs", "boxes": True}, "signs"),
        ("multi_label", {"targets": "class_lists"}, "class_lists"),
        ("counts", {"cells": (1, 3), "size": (9, 7), "boxes": True}, "counts"),
        ("segmented", {"classes": "each"}, "class_maps"),
        ("lines", {"longest": 3, "shift": 0}, "sequences"),
    ],
)
def test_facts_are_those_of_the_samples(name: str, parameters: dict[str, Any], form: str) -> None:
    component = declared(name, length=11, **parameters)
    facts, dataset = component.facts(), component.build()
    assert facts.length == len(dataset) == 11  # type: ignore[arg-type]  # torch's Dataset has no __len__, ours have
    sample = dataset[0]
    assert facts.entries == tuple(sample)
    assert facts.image is not None
    assert (facts.image.width, facts.image.height) == sample["input"].size
    assert facts.target_form == form
    if facts.num_classes is not None:
        assert len(facts.class_names) == facts.num_classes


def test_geometry_moves_image_and_mask_together() -> None:
    dataset = made("segmented", boxes=True)
    chain = tuple(
        registries.transforms[name](**parameters)
        for name, parameters in (
            ("random_horizontal_flip", {"p": 0.5}),
            ("random_crop", {"size": 16, "padding": 3}),
            ("to_tensor", {}),
        )
    )
    samples = [all_views(chain, dataset[number], 0, number)[0] for number in range(30)]
    moved = 0
    for number, sample in enumerate(samples):
        bright = (sample["input"][0] * 255).round() >= 128
        assert torch.equal(sample["target"] == 1, bright)
        moved += not torch.equal(sample["target"], dataset[number]["target"][:16, :16])
    assert moved > 25
    batch = collate(samples)
    assert type(batch["target"]) is torch.Tensor
    assert (batch["target"].dtype, batch["target"].shape) == (torch.int64, (30, 16, 16))
    assert [len(boxes) for boxes in batch["boxes"]] == [len(sample["boxes"]) for sample in samples]
    assert torch.isfinite(torch.nn.functional.cross_entropy(torch.randn(30, 2, 16, 16), batch["target"]))


def folder_of(tmp_path: Path, sizes: list[tuple[int, int]], per_class: int = 2) -> str:
    for label, size in enumerate(sizes):
        (tmp_path / "images" / f"c{label}").mkdir(parents=True)
        for number in range(per_class):
            image = PIL.Image.new("RGB", size, (100 + label, 50, number))
            image.save(tmp_path / "images" / f"c{label}" / f"{number}.png")
    return str(tmp_path / "images")


def test_colour_images_of_many_sizes_are_resized(tmp_path: Path) -> None:
    inner = registries.datasets["image_folder"](root=folder_of(tmp_path, [(6, 8), (9, 4)]))
    component = registries.datasets["multi_label"](dataset=inner, size=(5, 7), shift=0, cells=(1, 2), least=2)
    dataset: Any = component.build()
    sample = dataset[0]
    assert sample["input"].mode == "RGB"
    assert sample["input"].size == (14, 5)
    assert {int(value) - 100 for value in pixels(sample["input"])[..., 0].flat} == set(
        sample["target"].nonzero().flatten().tolist()
    )
    other: Any = registries.datasets["counts"](dataset=inner, least=4).build()
    with pytest.raises(DataError, match=r"has .* pixels, but the first one has .*Set size"):
        other[0]


def test_data_that_cannot_be_paired(tmp_path: Path) -> None:
    folder = registries.datasets["image_folder"]
    with pytest.raises(DataError, match=r"have the class 0\. Use data with two or more classes"):
        made("pairs", dataset=folder(root=folder_of(tmp_path / "one", [(6, 8)])))
    with pytest.raises(DataError, match="class 0 has only one sample"):
        made("triplets", dataset=folder(root=folder_of(tmp_path / "few", [(6, 8), (6, 8)], per_class=1)))


@pytest.mark.parametrize(
    ("name", "message"), [("pairs", "but 'pairs' requires class indices"), ("lines", "class indices")]
)
def test_the_inner_targets_must_be_classes(pipeline: Callable[..., Path], name: str, message: str) -> None:

    inner = {"counts": {"dataset": "digits"}}
    with pytest.raises(PipelineError, match=f"provides counts as targets.*{message}"):
        registry_core.load(pipeline(data__train={"dataset": {name: {"dataset": inner}}, "transforms": ["to_tensor"]}))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("(torch.zeros(1, 8, 8), 3)", "has a Tensor as input. Use a data set of Pillow images"),
        ("(PIL.Image.new('L', (8, 8)), 0.5)", "has the target 0.5, which is not a class index"),
        ("(PIL.Image.new('L', (8, 8)), -1)", "has the target -1, which is not a class index"),
    ],
)
def test_plain_data_sets_are_looked_at_when_they_are_used(
    distribution: Callable[..., Path], item: str, message: str
) -> None:
    text = "import PIL.Image, torch\nclass Odd:\n    def __len__(self): return 4\n"
    text += f"    def __getitem__(self, n): return {item}\n"
    distribution("acme", "[registry_core.v1.datasets]\nodd = acme_odd:Odd\n", modules={"acme_odd": text})
    inner = registries.datasets["odd"]()
    for name in NAMES:
        if name == "multi_label":
            continue
        with pytest.raises(RegistryError, match=message):
            made(name, dataset=inner)[0]
    with pytest.raises(DataError, match="does not declare its number of classes"):
        declared("multi_label", dataset=inner).facts()


def test_mistakes_in_the_inner_data_set_are_told_once(
    pipeline: Callable[..., Path], command: Callable[..., Ended]
) -> None:
    path = pipeline(
        "version: 1\ndata:\n  train:\n    dataset: {pairs: {dataset: {digits: {split: trian}}}}\n"
        "    transforms: [to_tensor]\nmodel: {mlp: {size: 8}}\nloss: cross_entropy\n"
        "optim: {optimizer: {sgd: {lr: 0.1}}}\n"
    )
    ended = command("validate", path)
    assert ended.code == 2
    assert ":4:" in ended.err
    assert "trian" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("counts", {"cells": (1, 2), "most": 3}, "`most` is 3, but there are only 2 cells"),
        ("segmented", {"least": 5}, "`least` is 5, which exceeds the maximum number of images, 4"),
        ("lines", {"least": 6}, "which exceeds longest, 5"),
        ("rotated", {"degrees": 181.0}, "less than or equal to 180"),
        ("pairs", {"length": 0}, "greater than or equal to 1"),
    ],
)
def test_parameters_that_do_not_fit(name: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declared(name, **parameters)
