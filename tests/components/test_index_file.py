"""Index files: what is written is read back, and every mistake in one names its line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from registry_builtin.datasets.image_files import ImageIndex
from test_datasets import GREY, LABELS, check_dataset, write_images, write_lines

from registry_core.components.index_file import read_index, write_index
from registry_core.diagnostics import DataError


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("justonepath.png", r"{index}:3: 'justonepath.png' has no label"),
        ("7", r"{index}:3: '7' has no label"),
        ("{path} cat", r"{index}:3: The label 'cat' is not a whole number"),
        ("{path} 1.5", r"{index}:3: The label '1.5' is not a whole number"),
        ("{path} ²", r"{index}:3: The label '²' is not a whole number"),
        ("# classes: cat dog", r"{index}:3: The classes are not a JSON list of names"),
        ("{path} -1", r"{index}:3: The label -1 of '{path}' is negative. Correct the labels."),
        ("gone.png 1", r"{index}:3: The image 'gone.png' does not exist. Paths are relative to"),
        ("digit 0 1", r"{index}:3: The image 'digit 0' does not exist."),
    ],
)
def test_mistakes_in_index_files(tmp_path: Path, line: str, message: str) -> None:
    path = write_images(tmp_path)[0]
    index = write_lines(tmp_path / "index.txt", "# comment", f"{path} 0", line.format(path=path))
    with pytest.raises(DataError) as raised:
        ImageIndex(index=index).facts()
    assert message.format(index=index, path=path) in str(raised.value)


def test_labels_outside_the_classes(tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    index = write_lines(tmp_path / "index.txt", *(f"{path} {n}" for n, path in enumerate(paths)))
    for read in (ImageIndex(index=index, classes=3).facts, ImageIndex(index=index, classes=3).build):
        with pytest.raises(DataError) as raised:
            read()
        assert f"{index}:4: The label 3 of '{paths[3]}' is outside the classes 0 to 2." in str(raised.value)
        assert f"{index}:8:" in str(raised.value)
        assert f"{index}:9:" not in str(raised.value)
        assert "And 4 more. Correct the labels or classes." in str(raised.value)
    write_lines(index, '# classes: ["cat", "dog"]', f"{paths[0]} 0", f"{paths[1]} 2")
    with pytest.raises(DataError, match=r":3: The label 2 .* outside the classes 0 to 1\. Correct the labels\."):
        ImageIndex(index=index).facts()


def test_missing_images_are_counted(tmp_path: Path) -> None:
    index = write_lines(tmp_path / "index.txt", *(f"gone/{n}.png 0" for n in range(8)))
    with pytest.raises(DataError) as raised:
        ImageIndex(index=index).facts()
    assert [f"gone/{n}.png" in str(raised.value) for n in range(8)] == [True] * 5 + [False] * 3
    assert "And 3 more." in str(raised.value)


def test_folders_that_cannot_be_listed_are_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = write_lines(tmp_path / "index.txt", *(f"{path} 0" for path in write_images(tmp_path)))

    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    assert ImageIndex(index=index).facts().length == 12


def test_index_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"The index file '.*absent.txt' cannot be read: No such file"):
        ImageIndex(index=tmp_path / "absent.txt").facts()
    with pytest.raises(DataError, match=r"names no image"):
        ImageIndex(index=write_lines(tmp_path / "empty.txt", "# nothing")).facts()
    (tmp_path / "latin.txt").write_bytes(b"a.png 0\nb\xe9.png 0\n")
    with pytest.raises(DataError, match=r"latin.txt:2: This line is not UTF-8"):
        ImageIndex(index=tmp_path / "latin.txt").facts()


@pytest.mark.covers("command/index", reference="the folders, listed by hand")
def test_write_index_lists_class_folders(tmp_path: Path) -> None:
    paths = write_images(tmp_path / "photos", 30)
    before = sorted(tmp_path.rglob("*"))
    out = tmp_path / "lists" / "train.txt"
    out.parent.mkdir()
    summary = write_index(tmp_path / "photos", out)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, out.parent, out])
    assert summary.class_names == tuple(f"digit {label}" for label in range(10))
    assert summary.counts == tuple(np.bincount(LABELS[:30]).tolist())
    lines = out.read_text().splitlines()
    assert lines[0] == "# classes: " + json.dumps([f"digit {label}" for label in range(10)])
    assert lines[1:] == sorted(f"../photos/{path} {label}" for path, label in zip(paths, LABELS, strict=False))
    order = sorted(range(30), key=lambda number: paths[number])
    check_dataset(ImageIndex(index=out, mode="L"), GREY[order], LABELS[order])
    facts = ImageIndex(index=out).facts()
    assert (facts.num_classes, facts.class_names) == (10, summary.class_names)
    more = ImageIndex(index=out, classes=11).facts()
    assert (more.num_classes, more.class_names) == (11, ())


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    names = ["#hash", " space", "a  b", "Ünï", "日本", "3", 'quo"te', "x"]
    for name in names:
        (tmp_path / name).mkdir()
        Pillow.fromarray(GREY[0]).save(tmp_path / name / f"{name} 7.png")
    summary = write_index(tmp_path, tmp_path / "index.txt")
    index = read_index(tmp_path / "index.txt")
    assert index.class_names == summary.class_names == tuple(sorted(names))
    assert [entry.label for entry in index] == list(range(len(names)))
    assert [entry.line for entry in index] == list(range(2, len(names) + 2))
    found = [os.path.normpath(tmp_path / entry.path) for entry in index]
    assert found == [str(tmp_path / name / f"{name} 7.png") for name in sorted(names)]
    assert len(ImageIndex(index=tmp_path / "index.txt").build()) == len(names)


def test_write_index_refuses_what_cannot_be_read_back(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "two\nlines.png"
    Pillow.fromarray(GREY[0]).save(path)
    with pytest.raises(DataError, match=r"'a/two\\nlines.png' cannot be written to an index file"):
        write_index(tmp_path, tmp_path / "index.txt")
    assert not (tmp_path / "index.txt").exists()
    if os.name == "posix":  # elsewhere every name is text
        path = path.rename(tmp_path / "a" / os.fsdecode(b"caf\xe9.png"))
        with pytest.raises(DataError, match="cannot be written to an index file"):
            write_index(tmp_path, tmp_path / "index.txt")
    path.rename(tmp_path / "a" / "fine.png")
    with pytest.raises(DataError, match=r"absent.index.txt' cannot be written: No such file"):
        write_index(tmp_path, tmp_path / "absent" / "index.txt")
    with pytest.raises(DataError, match="does not exist"):
        write_index(tmp_path / "absent", tmp_path / "index.txt")


def test_an_index_file_of_windows(tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    (tmp_path / "index.txt").write_bytes(f"\ufeff{paths[0]} 4\r\n\r\n{paths[1]}\t5\r\n".encode())
    index = read_index(tmp_path / "index.txt")
    assert [tuple(entry) for entry in index] == [(paths[0], 4, 1), (paths[1], 5, 3)]
