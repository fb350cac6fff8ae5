"""The cheap look at data: every mistake that it finds is told with its place before the run, and it stays cheap."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from registry_builtin.datasets.composed import MultiLabel
from registry_builtin.datasets.digits import Digits
from registry_builtin.datasets.image_files import ImageFolder, ImageIndex
from registry_builtin.datasets.mnist import Mnist
from test_datasets import GREY, LABELS, idx, write_images, write_lines, write_mnist

from registry_core.components import DataFacts
from registry_core.diagnostics import DataError, PipelineError
from registry_core.loaded import load


def folder(root: Path, classes: str = "abc") -> Path:
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        PIL.Image.fromarray(GREY[number]).save(root / name / "0.png")
    return root


def section(name: str, **parameters: Any) -> dict[str, Any]:
    return {"dataset": {name: parameters}, "transforms": ["to_tensor"]}


MISTAKES: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "a class is missing in val": (
        lambda root: {
            "data__train": section("image_folder", root=str(folder(root / "train")), mode="L"),
            "data__val": section("image_folder", root=str(folder(root / "val", "ac")), mode="L"),
            "model__mlp__num_classes": 3,
        },
        "data.val.dataset: The classes of data.val are not those of data.train: it lacks 'b'.",
    ),
    "a folder is empty": (
        lambda root: {"data__train": section("image_folder", root=str(root / "nothing"))},
        "data.train.dataset: The image folder '{root}/nothing' has no class folder.",
    ),
    "a class is empty": (
        lambda root: {"data__train": section("image_folder", root=str(root / "hollow"))},
        "data.train.dataset: No image (.png, .jpg, .jpeg, .bmp, .webp, .gif, .tif, .tiff, .ppm) in the class folder "
        "'x' of '{root}/hollow'. Add images or remove the empty folders.",
    ),
    "a line has no label": (
        lambda root: {"data__val": section("image_index", index=str(write_lines(root / "i.txt", "a.png 0", "b.png")))},
        "data.val.dataset: {root}/i.txt:2: 'b.png' has no label. Write a path, a space and a whole number.",
    ),
    "labels begin at 1": (
        lambda root: {
            "data__train": section(
                "image_index", mode="L", index=str(write_lines(root / "i.txt", f"{folder(root / 'f')}/a/0.png 10"))
            )
        },
        "model: The model has 10 outputs, but data.train has the label 10. Set num_classes to 11 or more.",
    ),
    "not an IDX file": (
        lambda root: {"data__train": section("mnist", root=str(write_mnist(root / "m", images=b"<html>404</html>")))},
        "data.train.dataset: The file '{root}/m/train-images-idx3-ubyte' is not an IDX file with 3 dimensions: "
        "it starts with 0x3c68746d, not 0x00000803. Download it again.",
    ),
    "fewer labels than images": (
        lambda root: {"data__train": section("mnist", root=str(write_mnist(root / "m", labels=idx(LABELS[:9]))))},
        "data.train.dataset: The file '{root}/m/train-images-idx3-ubyte' has 30 images, but "
        "'{root}/m/train-labels-idx1-ubyte' has 9 labels. Download both files again.",
    ),
    "an image file that is cut off": (
        lambda root: {"data__train": section("mnist", root=str(write_mnist(root / "m", images=idx(GREY[:30])[:99])))},
        "data.train.dataset: The file '{root}/m/train-images-idx3-ubyte' has 83 values, but its header states 1920.",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_data_are_found_before_the_run(pipeline: Callable[..., Path], tmp_path: Path, mistake: str) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "hollow" / "x").mkdir(parents=True)
    make, message = MISTAKES[mistake]
    path = pipeline(**make(tmp_path))
    with pytest.raises(PipelineError) as refused:
        load(path)
    (problem,) = refused.value.problems
    assert problem.place is not None
    assert problem.place.source == str(path)
    assert f"{problem.path}: {problem.message} {problem.remedy}".startswith(message.format(root=tmp_path))


def test_several_wrong_lines_are_told_at_once(tmp_path: Path) -> None:
    lines = ["a.png", "# classes: x", "b.png 1.5", '# classes: ["cat", "dog", "cat"]', "c", "d", "e"]
    index = write_lines(tmp_path / "index.txt", *lines)
    with pytest.raises(DataError) as raised:
        ImageIndex(index=index).facts()
    assert str(raised.value) == (
        f"{index}:1: 'a.png' has no label. "
        f"{index}:2: The classes are not a JSON list of names. "
        f"{index}:3: The label '1.5' is not a whole number. "
        f"{index}:4: The classes have 'cat' twice. "
        f"{index}:5: 'c' has no label. And 2 more. "
        """Write a path, a space and a whole number. Write them as # classes: ["cat", "dog"]. """
        "Write 'path label'. Name each class once."
    )


@pytest.mark.parametrize("cut", [0.5, 0.999])
def test_gzip_files_that_are_cut_off_are_found_by_their_end(tmp_path: Path, cut: float) -> None:
    root = write_mnist(tmp_path / "mnist", packed=True)
    path = root / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz' cannot be read: .*Download it again"):
        Mnist(root=root).facts()


def test_a_gzip_file_of_several_parts_is_whole(tmp_path: Path) -> None:
    root = write_mnist(tmp_path / "mnist", packed=True)
    path = root / "train-images-idx3-ubyte.gz"
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content[:700]) + gzip.compress(content[700:]))
    assert Mnist(root=root).facts().length == len(Mnist(root=root).build()) == 30  # type: ignore[arg-type]  # torch's data sets declare no length


def test_the_look_reads_a_few_headers_and_lists_each_folder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    PIL.Image.fromarray(GREY[0]).save(tmp_path / "a" / "0.png")
    for number in range(1, 500):
        shutil.copy(tmp_path / "a" / "0.png", tmp_path / "a" / f"{number}.png")
    index = write_lines(tmp_path / "index.txt", *(f"a/{number}.png 0" for number in range(500)))
    opened: list[object] = []
    listed: list[object] = []
    monkeypatch.setattr(PIL.Image, "open", counted(opened, PIL.Image.open))
    monkeypatch.setattr(os, "scandir", counted(listed, os.scandir))
    for declared in (ImageIndex(index=index), ImageFolder(root=tmp_path)):
        opened.clear()
        listed.clear()
        assert declared.facts().length == 500
        assert len(opened) == 16
        assert len(listed) <= 2


def counted(calls: list[object], function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        return function(*arguments, **named)

    return called


def test_a_hundred_thousand_lines_take_no_time(tmp_path: Path) -> None:
    """About 0.1 s where nothing else runs; ten times as much is allowed."""
    PIL.Image.fromarray(GREY[0]).save(tmp_path / "a.png")
    index = write_lines(tmp_path / "index.txt", *(f"a.png {number % 10}" for number in range(100_000)))
    started = time.process_time()
    facts = ImageIndex(index=index).facts()
    assert time.process_time() - started < 1
    assert (facts.length, facts.largest_label) == (100_000, 9)


def test_what_was_looked_at_is_remembered_but_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    monkeypatch.setattr(Digits, "facts", counted(looked, Digits.facts))
    scene = MultiLabel(dataset=Digits(split="val"))
    assert scene.cached_facts is scene.cached_facts
    assert scene.build() is not None
    assert len(looked) == 1
    assert isinstance(Digits(split="val").cached_facts, DataFacts)
    assert len(looked) == 2
    declared = ImageIndex(index=tmp_path / "index.txt", classes=10)
    with pytest.raises(DataError):
        _ = declared.cached_facts
    paths = write_images(tmp_path)
    write_lines(tmp_path / "index.txt", *(f"{path} {n}" for path, n in zip(paths, LABELS, strict=False)))
    assert declared.cached_facts.length == 12


def test_what_was_looked_at_does_not_make_declarations_differ() -> None:
    looked_at, other = Digits(split="val"), Digits(split="val")
    assert looked_at.cached_facts.length == 359
    assert looked_at == other
    assert looked_at.model_dump() == other.model_dump()


def test_columns_of_an_index_are_its_lines(tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    built: Any = ImageIndex(index=write_lines(tmp_path / "index.txt", "# x", *(f"{p} 7" for p in paths))).build()
    assert [built.describe_sample(n) for n in (0, 11)] == [
        f"'{paths[n]}' (line {n + 2} of {tmp_path / 'index.txt'})" for n in (0, 11)
    ]
    assert [built.sample_path(n) for n in (0, 11)] == [str(tmp_path / paths[n]) for n in (0, 11)]
    np.testing.assert_array_equal(built.targets, [7] * 12)


def test_a_data_set_that_fails_when_it_is_asked(
    pipeline: Callable[..., Path], distribution: Callable[..., Path]
) -> None:
    """A declaration of a plugin with a mistake in its facts: a sentence at the data set."""
    text = (
        "from registry_core.components import DataFacts, Dataset\nclass Old(Dataset):\n    'Old.'\n"
        "    def facts(self):\n        return DataFacts(values=1)\n"
    )
    distribution("acme", "[registry_core.v1.datasets]\nold = acme_old:Old\n", modules={"acme_old": text})
    with pytest.raises(PipelineError) as refused:
        load(pipeline(data__val__dataset="old"))
    (problem,) = refused.value.problems
    assert problem.path == "data.val.dataset"
    assert "failed when it was asked for its facts: TypeError: " in problem.message
