"""Sections that share images, by whatever path; compared with Python's own comparison of every two files."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from registry_builtin.datasets.composed import MultiLabel, Pairs, Rotated, Triplets
from registry_builtin.datasets.digits import Digits
from registry_builtin.datasets.image_files import ImageFolder, ImageIndex
from registry_builtin.datasets.mnist import Mnist
from test_datasets import write_images, write_lines, write_mnist

from registry_core.analysis.shared_samples import shared
from registry_core.components import Dataset
from registry_core.components.sources import Sources
from registry_core.loaded import load


def files_of(dataset: Dataset) -> list[str]:
    built: Any = dataset.build()
    return [built.sample_path(number) for number in range(len(built))]


def check(val: Dataset, train: Dataset) -> int:
    """The number of files of ``val`` that are in ``train``, as ``shared`` tells and as Path.samefile does."""
    known = files_of(train)
    wanted = [path for path in files_of(val) if any(Path(path).samefile(other) for other in known)]
    found = shared(val.cached_facts.sources, train.cached_facts.sources)
    assert (found.number if found else 0) == len(wanted)
    if found:
        assert Path(found.path).samefile(found.other)
        assert any(Path(found.path).samefile(path) for path in wanted)
    return len(wanted)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve images of some classes."""
    write_images(tmp_path / "photos")
    return tmp_path / "photos"


def lines_of(path: Path, files: list[str]) -> Path:
    return write_lines(path, *(f"{file} {number % 3}" for number, file in enumerate(files)))


def test_files_by_another_spelling_or_link_are_the_same(photos: Path, tmp_path: Path, monkeypatch: Any) -> None:
    train = ImageFolder(root=photos)
    (tmp_path / "link").symlink_to(photos)
    (tmp_path / "soft").mkdir()
    (tmp_path / "hard").mkdir()
    shutil.copytree(photos, tmp_path / "copy")
    for folder in photos.iterdir():
        (tmp_path / "soft" / folder.name).symlink_to(folder)
        (tmp_path / "hard" / folder.name).mkdir()
        for file in folder.iterdir():
            (tmp_path / "hard" / folder.name / file.name).hardlink_to(file)
    monkeypatch.chdir(tmp_path)
    for root, count in (
        (photos, 12),
        (Path("photos"), 12),
        (photos / ".." / "photos", 12),
        (tmp_path / "link", 12),
        (tmp_path / "soft", 12),
        (tmp_path / "hard", 12),
        (tmp_path / "copy", 0),
    ):
        assert check(ImageFolder(root=root), train) == count, root
        assert check(train, ImageFolder(root=root)) == count, root


def test_lists_and_folders_share_files(photos: Path, tmp_path: Path) -> None:
    """Halves drawn at random, some files by links of their own, from lists in several folders."""
    draw = random.Random(0)
    files = [os.path.relpath(path, photos) for path in sorted(photos.rglob("*.png"))]
    train = ImageIndex(index=lines_of(tmp_path / "train.txt", draw.sample(files, 7)), root=photos)
    (tmp_path / "links").mkdir()
    written = []
    for number, file in enumerate(draw.sample(files, 8)):
        if number % 2:
            (tmp_path / "links" / f"{number}.png").symlink_to(photos / file)
            written.append(f"links/{number}.png")
        else:
            written.append(f"./photos/../photos/{file}")
    val = ImageIndex(index=lines_of(tmp_path / "val.txt", written))
    assert 0 < check(val, train) < 8
    assert check(val, ImageFolder(root=photos)) == 8
    assert check(ImageFolder(root=photos), val) == 8
    others = [file for file in files if str(photos / file) not in files_of(train)]
    assert check(ImageIndex(index=lines_of(tmp_path / "others.txt", others), root=photos), train) == 0


def test_numbers_of_files_on_two_devices_are_not_compared(photos: Path) -> None:
    here = ImageFolder(root=photos).facts().sources
    elsewhere = Sources(files={(folder, device + 1): inodes for (folder, device), inodes in here.files.items()})
    assert shared(elsewhere, here) is None


def test_a_number_that_a_file_system_makes_up_is_no_proof(photos: Path, tmp_path: Path) -> None:
    """Some file systems number the files of a listing in a way of their own."""
    shutil.copytree(photos, tmp_path / "copy")
    one, two = (ImageFolder(root=root).facts().sources for root in (photos, tmp_path / "copy"))
    of_one = dict(zip(sorted(one.files), one.files.values(), strict=True))
    as_if = dict(zip(sorted(two.files), of_one.values(), strict=True))
    assert shared(Sources(files=as_if), one) is None


def test_splits_that_contain_each_other(tmp_path: Path) -> None:
    splits = {name: Digits(split=name).cached_facts for name in ("train", "val", "all")}
    for one, other, number in (("val", "all", 359), ("all", "val", 359), ("all", "train", 1438), ("val", "val", 359)):
        found = shared(splits[one].sources, splits[other].sources)
        assert found is not None
        assert found.number == number
    assert shared(splits["val"].sources, splits["train"].sources) is None
    root = write_mnist(tmp_path / "mnist")
    write_mnist(root, prefix="t10k")
    (tmp_path / "again").symlink_to(root)
    train, test, again = Mnist(root=root), Mnist(root=root, split="test"), Mnist(root=tmp_path / "again")
    assert shared(test.cached_facts.sources, train.cached_facts.sources) is None
    found = shared(again.cached_facts.sources, train.cached_facts.sources)
    assert found is not None
    assert found.number == train.cached_facts.length


@pytest.mark.parametrize("made", [Pairs, Triplets, Rotated, MultiLabel])
def test_composed_data_sets_read_what_the_inner_one_reads(made: type[Dataset]) -> None:
    train, again, val = (made(dataset=Digits(split=split), seed=seed) for split, seed in _DRAWN)
    assert shared(again.cached_facts.sources, train.cached_facts.sources) is not None
    assert shared(again.cached_facts.sources, Digits(split="train").cached_facts.sources) is not None
    assert shared(val.cached_facts.sources, train.cached_facts.sources) is None


_DRAWN = (("train", 0), ("train", 1), ("val", 1))


def digits(split: str) -> dict[str, Any]:
    return {"dataset": {"digits": {"split": split}}, "transforms": ["to_tensor"]}


BEST = [{"checkpoint": {"best": "val/accuracy"}}]


@pytest.mark.parametrize(
    ("sections", "hooks", "codes"),
    [
        (("train", "val", None), BEST, []),
        (("train", "val", "val"), BEST, ["test-is-val"]),
        (("train", "val", "val"), [{"early_stopping": {"monitor": "val/loss"}}], ["test-is-val"]),
        (("train", "val", "val"), [{"checkpoint": {}}], []),
        (("train", "val", "all"), BEST, ["same-data"]),
        (("train", "train", "val"), BEST, ["same-data"]),
        (("train", "all", "val"), BEST, ["same-data", "test-is-val"]),
        (("all", "all", "all"), BEST, ["same-data", "same-data"]),
        (("val", "train", None), BEST, ["splits-exchanged"]),
        (("val", None, "train"), [], ["splits-exchanged"]),
        (("all", "train", None), BEST, ["same-data"]),
    ],
)
def test_what_sections_share_is_said_once(
    pipeline: Callable[..., Path], sections: tuple[str | None, ...], hooks: list[Any], codes: list[str]
) -> None:
    data = {name: digits(split) for name, split in zip(("train", "val", "test"), sections, strict=True) if split}
    metrics = ["accuracy"] if "val" in data else []
    found = load(pipeline(data={**data, "batch_size": 64}, hooks=hooks, metrics=metrics)).warnings
    assert [problem.code for problem in found] == codes


@pytest.mark.parametrize(
    ("train", "val", "exchanged"),
    [
        ("train", "val", False),
        ("val", "train", True),
        ("validation/images", "training/images", True),
        ("test", "train", True),
        ("of_val/train", "of_val/val", False),
        ("train/val", "train/train", True),
        ("fold1", "train", False),
        ("trainval", "test", False),
        ("val", "test", False),
        ("tests-train", "train", False),
    ],
)
def test_folders_that_are_named_after_each_other(
    pipeline: Callable[..., Path], tmp_path: Path, train: str, val: str, exchanged: bool
) -> None:
    data: dict[str, Any] = {"batch_size": 4}
    for section, name in (("train", train), ("val", val)):
        write_images(tmp_path / "data" / name / "classes")
        folder = {"image_folder": {"root": str(tmp_path / "data" / name / "classes"), "mode": "L"}}
        data[section] = {"dataset": folder, "transforms": ["to_tensor"]}
    classes = len(list((tmp_path / "data" / train / "classes").iterdir()))
    found = load(pipeline(data=data, model__mlp__num_classes=classes)).warnings
    assert [problem.code for problem in found] == ["splits-exchanged"] * exchanged


def test_a_plain_data_set_is_compared_by_its_parameters(
    pipeline: Callable[..., Path], tmp_path: Path, distribution: Callable[..., Path]
) -> None:
    """The paths among them in one spelling; other numbers may mean other images."""
    source = (
        "import numpy as np\n\nclass Spans:\n    def __init__(self, folder: str, first: int = 0):\n        pass\n"
        "    def __len__(self):\n        return 8\n"
        "    def __getitem__(self, n):\n        return np.zeros((1, 8, 8), np.float32), 0\n"
    )
    entry_points = "[registry_core.v1.datasets]\nspans = acme_spans:Spans\n"
    distribution("acme-spans", entry_points, modules={"acme_spans": source})
    (tmp_path / "arrays").mkdir()
    (tmp_path / "other").mkdir()

    def codes(folder: Path, first: int) -> list[str]:
        val = {"spans": {"folder": str(folder), "first": first}}
        data = {"train": {"dataset": {"spans": {"folder": str(tmp_path / "arrays")}}}, "val": {"dataset": val}}
        return [problem.code for problem in load(pipeline(data=data)).warnings]

    assert codes(tmp_path / "arrays", 0) == ["same-data"]
    assert codes(tmp_path / "other" / ".." / "arrays", 0) == ["same-data"]
    assert codes(tmp_path / "arrays", 4) == []
    assert codes(tmp_path / "other", 0) == []
