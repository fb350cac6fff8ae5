"""The parts of the report of data: duplicates, sizes, targets, remarks, broken data sets, and what cannot be opened."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from registry_builtin.datasets.composed import Counts, Pairs, Rotated, Triplets
from registry_builtin.datasets.image_files import ImageFolder, ImageIndex
from test_datasets import GREY, LABELS, idx, write_images, write_lines, write_mnist

from registry_core.assembly.data.reading import Reader
from registry_core.assembly.data.targets import TargetCheck
from registry_core.components import DataFacts
from registry_core.components.dataset import describe_sample
from registry_core.diagnostics import DataError
from registry_core.inspection.data_check import Report, read_all_data
from registry_core.inspection.data_check.duplicates import SectionHashes, add_duplicates
from registry_core.inspection.data_check.faults import Fault, Faults
from registry_core.inspection.data_check.processes import Request, read_chunk
from registry_core.inspection.data_check.sample import SampleReader
from registry_core.loaded import load_unseen

Check = Callable[..., Report]


@pytest.fixture
def check(pipeline: Callable[..., Path]) -> Check:
    """The report of a pipeline that is changed."""

    def run(**changes: Any) -> Report:
        return read_all_data(load_unseen(pipeline(**changes)).spec)

    return run


def of_index(path: Path, transforms: list[Any] | None = None, **parameters: Any) -> dict[str, Any]:
    dataset = {"image_index": {"index": str(path), "mode": "L", **parameters}}
    return {"dataset": dataset, "transforms": ["to_tensor"] if transforms is None else transforms}


def told(report: Report, kind: str) -> list[str]:
    return [str(fault) for fault in report.faults.kept.get(kind, [])]


def kinds(report: Report) -> set[str]:
    return set(report.faults.counts) - {"empty_class"}


def test_the_same_image_in_two_sections_and_twice_in_one(check: Check, tmp_path: Path) -> None:
    """By pixels: in another format, it is still the same image."""
    paths = write_images(tmp_path)
    PIL.Image.open(tmp_path / paths[2]).save(tmp_path / "again.bmp")
    train = write_lines(
        tmp_path / "train.txt", *(f"{path} {label}" for path, label in zip(paths, LABELS, strict=False))
    )
    train.write_text(train.read_text() + f"again.bmp {LABELS[2]}\n")
    val = write_lines(tmp_path / "val.txt", f"{paths[3]} {LABELS[3]}", f"{paths[5]} 9")
    report = check(data__train=of_index(train), data__val=of_index(val))
    assert told(report, "duplicate") == [
        f"data.train[12], 'again.bmp' (line 13 of {train}): "
        f"It is the same image as data.train[2] ('{paths[2]}' (line 3 of {train}))."
    ]
    assert [line.partition(": It is")[0] for line in told(report, "leak")] == [
        f"data.val[{n}], '{paths[m]}' (line {n + 1} of {val})" for n, m in ((0, 3), (1, 5))
    ]
    (contradiction,) = told(report, "contradiction")
    assert contradiction.endswith(
        f"Its class is 9, but that of the same image data.train[5] ('{paths[5]}' (line 6 of {train})) is 5."
    )
    assert kinds(report) == {"duplicate", "leak", "contradiction"}
    assert report.exit_code == 0


def test_pairs_of_the_same_are_those_of_a_dictionary() -> None:
    random = np.random.default_rng(0)
    words = random.integers(0, 30, (200, 2)).astype(np.uint64) * np.uint64(2**59)
    words[::17] = 0  # could not be read
    parts = [words[:120], words[120:]]
    reader = SampleReader(Reader("train", "x", None), DataFacts(), TargetCheck("any", None))
    readers = [reader, SampleReader(Reader("val", "x", None), DataFacts(), TargetCheck("any", None))]
    faults = Faults(kept_per_kind=10)
    add_duplicates(
        [SectionHashes(r, p, np.zeros(len(p), np.int64)) for r, p in zip(readers, parts, strict=True)], faults
    )
    seen: dict[tuple[int, int], int] = {}
    expected: dict[str, list[tuple[int, int]]] = {"leak": [], "duplicate": []}
    for place, pair in enumerate(map(tuple, words.tolist())):
        if pair != (0, 0) and seen.setdefault(pair, place) != place:
            kind = "duplicate" if (seen[pair] < 120) == (place < 120) else "leak"
            expected[kind].append((place % 120, seen[pair] % 120))
    assert faults.counts == {kind: len(found) for kind, found in expected.items()}
    for kind, found in expected.items():
        kept = faults.kept[kind]
        assert [fault.index for fault in kept] == [place for place, _ in found[:10]]
        assert all(f"[{first}]" in fault.message for fault, (_, first) in zip(kept, found, strict=False))


def test_images_of_other_sizes(check: Check, tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    for number, size in ((4, (9, 8)), (7, (9, 8)), (8, (5, 5))):
        PIL.Image.new("L", size, number).save(tmp_path / paths[number])
    index = write_lines(tmp_path / "index.txt", *(f"{path} 0" for path in paths))
    report = check(data__train=of_index(index), data__val=of_index(index, [{"resize": {"size": [8, 8]}}, "to_tensor"]))
    uneven = "have the shape 1 x 8 x 9 after the transforms, but most have 1 x 8 x 8. They do not make a batch"
    model, batch = told(report, "size")[0], told(report, "size")[1:]
    assert f"data.train[8], '{paths[8]}' (line 9 of {index}): Images of 5 x 5 pixels (1 sample): " in " ".join(
        [model, *batch]
    )
    assert report.exit_code == 2
    assert all(line.startswith("data.train") for line in told(report, "size"))
    crop = check(data__train=of_index(index, [{"random_crop": {"size": 8}}, "to_tensor"]), data__val=None)
    (small,) = told(crop, "size")
    assert f"data.train[8], '{paths[8]}'" in small
    assert "Images of 5 x 5 pixels (1 sample): " in small
    anything = check(data__train=of_index(index), model={"sequential": CONVOLUTION}, data__val=None)
    assert [uneven in line for line in told(anything, "size")] == [True, False]
    assert "2 samples" in told(anything, "size")[0]
    single = check(data__train={**of_index(index), "batch_size": 1}, model={"sequential": CONVOLUTION}, data__val=None)
    assert told(single, "size") == []


CONVOLUTION = {
    "input": [1, None, None],
    "layers": [
        {"conv2d": {"out_channels": 10, "kernel_size": 3}},
        {"adaptive_avg_pool2d": {"output_size": 1}},
        "flatten",
    ],
}
"""A model of images of any size."""


MODULE = """
import os, warnings
import numpy as np
import PIL.Image, PIL.ImageFile
import torch

def image(index):
    return torch.full((1, 8, 8), float(index))

class Crashing:
    'Ends its process at one sample.'
    def __len__(self):
        return 150
    def __getitem__(self, index):
        if index == 70:
            os._exit(7)
        return image(index), index % 10

class Wild:
    'Does something else wrong at each sample.'
    def __len__(self):
        return 9
    def __getitem__(self, index):
        if index == 0:
            raise KeyError('no such image')
        if index == 1:
            raise SystemExit('bye')
        if index == 2:
            return [1, 2, 3]
        if index == 3:
            return {'image': image(index), 'target': 1}
        if index == 4:
            warnings.warn('The colour profile is damaged.')
        if index == 5:
            return {'input': image(index), 'target': 1, 'weight': float('nan')}
        if index == 6:
            return {'input': torch.full((1, 8, 8), -float('inf'), dtype=torch.bfloat16), 'target': 1}
        if index == 7:
            return np.full((8, 8), np.nan), 1
        return image(index), 1

class Careless:
    'Accepts half an image.'
    def __init__(self, path: str):
        self.path = path
    def __len__(self):
        return 1
    def __getitem__(self, index):
        return PIL.Image.open(self.path), 1
    def sample_path(self, index):
        return self.path

PIL.ImageFile.LOAD_TRUNCATED_IMAGES = True
"""
POINTS = """[registry_core.v1.datasets]
crashing = acme_data:Crashing
wild = acme_data:Wild
careless = acme_data:Careless
"""


@pytest.fixture
def acme(distribution: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", False)
    distribution("acme-data", POINTS, modules={"acme_data": MODULE})


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_sample_that_ends_the_process(check: Check, workers: int) -> None:
    """It alone is lost, whatever was being read beside it."""
    report = check(data__train={"dataset": "crashing"}, data__workers=workers)
    assert told(report, "crash") == [
        "data.train[70]: The process that read it died: its decoder crashed or memory ran out."
    ]
    train, val = report.sections
    assert (train.samples, train.unread, sum(train.classes.values())) == (150, 1, 149)
    assert (val.samples, val.unread) == (359, 0)
    assert report.faults.total("error") == 1


@pytest.mark.usefixtures("acme")
def test_data_sets_that_do_anything(check: Check) -> None:
    report = check(data__train={"dataset": "wild"}, data__val=None)
    assert told(report, "unreadable") == [
        "data.train[0]: The dataset 'wild' failed on this sample: KeyError: 'no such image'.",
        "data.train[1]: The dataset 'wild' failed on this sample: SystemExit: bye.",
        "data.train[2]: The dataset 'wild' returned a list as sample 2. Return a mapping with `input` and `target`.",
    ]
    assert told(report, "entry") == ["data.train[3]: The sample has no `input`; it has image, target."]
    assert told(report, "warning") == ["data.train[4]: UserWarning: The colour profile is damaged."]
    assert told(report, "not_finite") == [
        "data.train[5]: `weight` has the value nan.",
        "data.train[6]: `input` has 64 infinite among 64 values.",
        "data.train[7]: `input` has 64 NaN among 64 values.",
    ]
    assert report.exit_code == 3
    assert json.loads(json.dumps(report.as_data()))["errors"] == 7


@pytest.mark.usefixtures("acme")
def test_half_an_image_is_refused_whoever_accepts_it(check: Check, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / "half.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "half.png").read_bytes()[:2000])
    path = str(tmp_path / "half.png")
    (line,) = told(check(data__train={"dataset": {"careless": {"path": path}}}, data__val=None), "unreadable")
    assert line.startswith(f"data.train[0], '{path}': The dataset 'careless' failed on this sample: OSError: ")
    assert "truncated" in line
    index = write_lines(tmp_path / "index.txt", "half.png 0")
    (line,) = told(check(data__train=of_index(index), data__val=None), "unreadable")
    assert line.startswith("data.train[0]: The image 'half.png' (line 1 of ")


@pytest.mark.usefixtures("acme")
def test_bombs_are_refused_whoever_reads_them(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow warns above the limit, and raises above twice the limit."""
    PIL.Image.new("L", (20, 20)).save(tmp_path / "large.png")
    for limit in (300, 150):
        monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", limit)
        train = {"dataset": {"careless": {"path": str(tmp_path / "large.png")}}}
        (line,) = told(check(data__train=train, data__val=None), "unreadable")
        assert f"(400 pixels) exceeds limit of {limit if limit == 300 else 2 * limit} pixels" in line


def test_remarks_of_files(check: Check, tmp_path: Path) -> None:
    image = PIL.Image.fromarray(GREY[0]).convert("RGB")
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    image.convert("RGBA").save(tmp_path / "clear.png")
    PIL.Image.fromarray(GREY[1]).save(
        tmp_path / "film.gif", save_all=True, append_images=[PIL.Image.fromarray(GREY[2])]
    )
    PIL.Image.fromarray(GREY[3]).save(tmp_path / "plain.PNG")
    other = PIL.Image.fromarray(GREY[4]).convert("RGB")
    other.save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=[other])
    files = ("turned.jpg", "clear.png", "film.gif", "plain.PNG", "phone.jpg")
    index = write_lines(tmp_path / "i.txt", *(f"{file} 0" for file in files))
    report = check(data__train=of_index(index), data__val=None)
    after = {kind: [line.partition("): ")[2] for line in told(report, kind)] for kind in kinds(report)}
    assert after == {
        "converted": [
            "It is stored as Pillow mode RGBA; its transparent pixels show the background when it becomes L."
        ],
        "frames": ["The file has 2 images; only the first is read."],
    }
    assert report.sections[0].stored == {"JPEG RGB": 1, "PNG RGBA": 1, "GIF P": 1, "PNG L": 1, "MPO RGB": 1}
    assert report.exit_code == 0
    stored = check(data__train=of_index(index, orientation="stored", background=None), data__val=None)
    after = {kind: [line.partition("): ")[2] for line in told(stored, kind)] for kind in ("rotation", "converted")}
    assert after == {
        "rotation": ["Its EXIF orientation is 6, which is not applied."],
        "converted": ["It is stored as Pillow mode RGBA; its transparency is lost when it becomes L."],
    }


def test_data_that_the_cheap_look_refuses_are_read_all_the_same(check: Check, tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    listed = ["nolabel.png", f"{paths[0]} 0", f"{paths[1]} 12", "gone.png 3", f"{paths[2]} cat"]
    index = write_lines(tmp_path / "index.txt", '# classes: ["a", "b", "c", "d"]', *listed)
    mnist = write_mnist(tmp_path / "mnist", labels=idx([3, 11] * 15))
    report = check(
        data__train=of_index(index),
        data__val={"dataset": {"mnist": {"root": str(mnist), "split": "train"}}, "transforms": ["to_tensor"]},
        data__test={"dataset": {"image_folder": {"root": str(tmp_path / "absent")}}, "transforms": ["to_tensor"]},
    )
    assert told(report, "unusable") == [
        f"data.train: {index}:2: 'nolabel.png' has no label. Write a path, a space and a whole number.",
        f"data.train: {index}:6: The label 'cat' is not a whole number. Write 'path label'.",
    ]
    (gone,) = told(report, "unreadable")
    assert (
        gone
        == f"data.train[2]: The image 'gone.png' (line 5 of {index}) does not exist. Correct its path, or leave it out."
    )
    labels = told(report, "target")
    assert labels[0] == f"data.train[1], '{paths[1]}' (line 4 of {index}): The label 12 is outside the classes 0 to 3."
    images = mnist / "train-images-idx3-ubyte"
    assert labels[1] == f"data.val[1], image 1 of '{images}': The label 11 is outside the classes 0 to 9."
    assert len(labels) == 1 + 15
    (absent,) = told(report, "section")
    assert absent.startswith(f"data.test: The image folder '{tmp_path / 'absent'}' does not exist.")
    assert [section.section for section in report.sections] == ["train", "val"]


def test_folders_without_any_image(check: Check, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    report = check(data__train={"dataset": {"image_folder": {"root": str(tmp_path)}}}, data__val=None)
    assert told(report, "section") == [
        f"data.train: No class folder of '{tmp_path}' contains an image (.png, .jpg, .jpeg, .bmp, .webp, .gif, .tif, "
        ".tiff, .ppm). Correct root or extensions."
    ]
    assert (report.exit_code, list(report.sections)) == (2, [])


def test_samples_made_of_others_say_of_which(check: Check, tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    index = write_lines(tmp_path / "index.txt", *(f"{path} {n % 2}" for n, path in enumerate(paths)))
    (tmp_path / paths[4]).write_text("no image")
    inner = of_index(index)["dataset"]
    report = check(
        data__train={"dataset": {"rotated": {"dataset": inner}}, "transforms": ["to_tensor"]}, data__val=None
    )
    (line,) = told(report, "unreadable")
    assert line.startswith(f"data.train[4]: The image '{paths[4]}' (line 5 of {index}) cannot be decoded")


def test_data_sets_made_of_others_say_where_the_input_is_from(tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    index = write_lines(tmp_path / "index.txt", *(f"{path} {n % 2}" for n, path in enumerate(paths)))
    for made in (Pairs, Triplets, Rotated):
        built: Any = made(dataset=ImageIndex(index=index, mode="L", classes=2), length=30).build()
        assert built.describe_sample(27) == f"'{paths[3]}' (line 4 of {index})"
        if made is not Rotated:
            np.testing.assert_array_equal(np.asarray(built[27]["input"]), GREY[3])
    scene: Any = Counts(dataset=ImageIndex(index=index, mode="L", classes=2)).build()
    assert describe_sample(scene, 3) == ""


def test_a_run_that_ends_at_a_label_names_the_file(tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    index = write_lines(tmp_path / "index.txt", f"{paths[0]} 12")
    built: Any = ImageIndex(index=index).build()
    with pytest.raises(
        DataError, match=rf"Sample 0 of data.val, '{paths[0]}' \(line 1 of .*\), has the label 12, outs"
    ):
        Reader("val", "image_index", built, 10)(0)


def test_many_faults_are_counted_and_some_are_kept() -> None:
    faults = Faults(kept_per_kind=3)
    faults.add(Fault("target", "train", f"{n}", n) for n in range(8))
    report = Report([], faults, 1.0, 1)
    assert [fault.index for fault in faults.kept["target"]] == [0, 1, 2]
    assert str(report).splitlines()[-2:] == ["  and 5 more", "8 errors, 0 remarks"]
    data: Mapping[str, Any] = report.as_data()
    assert data["kinds"]["target"] == {"severity": "error", "title": "targets that are wrong", "count": 8}


def test_readers_go_to_processes_that_are_spawned(tmp_path: Path) -> None:
    write_images(tmp_path)
    inventory = ImageFolder(root=tmp_path, mode="L").inventory()
    images = Reader("train", "image_folder", inventory.dataset)
    reader = SampleReader(images, inventory.facts, TargetCheck("class_indices", 3))
    here, there = (read_chunk(one, Request(0, 0, 12)) for one in (reader, pickle.loads(pickle.dumps(reader))))
    assert here == there
    assert len({here.digests[n : n + 16] for n in range(0, 192, 16)}) == 12
    assert len(here.faults) == 9 - 2  # labels 3 to 9 of the digits 0 to 9, 0, 1


def test_images_that_are_not_read_are_listed(check: Check, tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    (tmp_path / paths[0]).rename(tmp_path / "beside.png")
    renamed = (tmp_path / paths[11]).with_suffix(".jfif")
    (tmp_path / paths[11]).rename(renamed)
    folder = {"image_folder": {"root": str(tmp_path), "mode": "L"}}
    report = check(data__train={"dataset": folder, "transforms": ["to_tensor"]}, data__val=None)
    assert told(report, "left_out") == [
        f"data.train: '{renamed}' is of the extension .jfif.",
        f"data.train: '{tmp_path / 'beside.png'}' is outside of the class folders.",
    ]
    assert report.exit_code == 0
    assert report.sections[0].samples == len(paths) - 2
