"""Mistakes of composed pipelines: the message names the file that is extended, and the one that extends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from registry_core.config.loading.compose import MAX_FILES
from registry_core.config.text.source import MAX_BYTES
from registry_core.diagnostics import PipelineError, Problem
from registry_core.loaded import load, load_unseen

BASE = """\
version: 1
data:
  train: {dataset: {digits: {split: train}}, transforms: [to_tensor]}
  val: {dataset: {digits: {split: val}}, transforms: [to_tensor]}
  batch_size: 64
model: {net: {in_channels: 1, size: 8, padding: 2, num_classes: 10}}
loss: cross_entropy
optim: {optimizer: {sgd: {lr: 0.1}}}
train: {epochs: 1, device: cpu, clip: {norm: 1}}
metrics: [accuracy]
"""


@pytest.fixture
def problem_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Problem]:
    """The only problem of a pipeline in several files, of which the last is loaded."""
    monkeypatch.chdir(tmp_path)

    def found(**texts: str) -> Problem:
        for name, text in texts.items():
            Path(f"{name}.yaml").write_text(text)
        with pytest.raises(PipelineError) as refused:
            load(f"{list(texts)[-1]}.yaml")
        (problem,) = refused.value.problems
        return problem

    return found


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("sgd", "sdg", "unknown-component"),
        ("epochs: 1", "epochs: x", "wrong-type"),
        ("epochs: 1", "epoks: 1", "unknown-key"),
        ("lr: 0.1", "lr: '${rate}'", "unknown-variable"),
        ("lr: 0.1", "lr: -1", "out-of-range"),
        ("loss:", "loss: {", "yaml-syntax"),
        ("version: 1", "version: 9", "newer-version"),
        ("version: 1", "version: 1\nversion: 1", "duplicate-key"),
        ("version: 1", "version: 1\nextends: absent.yaml", "extends"),
        ("version: 1", "version: 1\nextends: [a]", "extends"),
        ("version: 1", "version: 1\nrequires: {no-such-thing: '>=1'}", "missing-requirement"),
        ("in_channels: 1", "in_channels: 3", "model-input"),
    ],
)
def test_a_mistake_in_an_extended_file(problem_of: Callable[..., Problem], old: str, new: str, code: str) -> None:
    problem = problem_of(base=BASE.replace(old, new), middle="extends: base.yaml\n", child="extends: middle.yaml\n")
    assert problem.code == code
    assert problem.place is not None
    assert problem.place.source == "base.yaml"
    assert "middle.yaml extends this file." in problem.message
    assert "extends this file" not in problem_of(base=BASE.replace(old, new)).message


@pytest.mark.parametrize(
    ("child", "words"),
    [
        ("train: {clip: {value: 1}}", "A part of it is at base.yaml:9:46, which child.yaml extends."),
        ("model: {net: {in_channels: 3}}", "A part of it is at base.yaml:6:37, which child.yaml extends."),
        ("data: {train: {dataset: {mnist: {split: train}}}}", "It replaces the component at base.yaml:3:20"),
        ("model: {net: {in_channels: x}}", ""),
        ("metrics: [acuracy]", ""),
    ],
)
def test_a_mistake_of_merging(problem_of: Callable[..., Problem], child: str, words: str) -> None:
    problem = problem_of(base=BASE, child=f"extends: base.yaml\n{child}\n")
    assert problem.place is not None
    assert problem.place.source == "child.yaml"
    assert words in problem.message
    assert words or "base.yaml" not in problem.message


def test_a_warning_of_an_extended_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE.replace("split: val", "split: train"))
    (tmp_path / "child.yaml").write_text("extends: base.yaml\n")
    (warning,) = load(tmp_path / "child.yaml").warnings
    assert warning.message.endswith("child.yaml extends this file.")


def test_a_chain_of_files_is_bounded(problem_of: Callable[..., Problem], tmp_path: Path) -> None:
    files = {f"b{n}": f"extends: b{n + 1}.yaml\n" for n in range(MAX_FILES - 1)}
    for name, text in {**files, f"b{MAX_FILES - 1}": BASE}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    assert load_unseen(tmp_path / "b0.yaml").spec.train.epochs == 1
    problem = problem_of(first="extends: b0.yaml\n")
    assert (problem.code, str(problem.place)) == ("extends", f"b{MAX_FILES - 2}.yaml:1:10")
    files = {f"c{n}": f"extends: c{n + 1}.yaml\n" for n in range(2999, -1, -1)}
    assert problem_of(**files).code == "extends"


def test_files_have_the_limits_of_one_together(problem_of: Callable[..., Problem]) -> None:
    half = "#" + "x" * (MAX_BYTES // 2) + "\n"
    large = problem_of(c=half + BASE, b=half + "extends: c.yaml\n", a="extends: b.yaml\n")
    assert (large.code, str(large.place)) == ("file-too-large", "c.yaml")
    many = "hooks: [" + "a, " * 11_000 + "]\n"
    problem = problem_of(c=many + BASE, b=many + "extends: c.yaml\n", a="extends: b.yaml\n")
    assert (problem.code, str(problem.place)) == ("too-many-values", "c.yaml")


@pytest.mark.parametrize(
    "name", ["pipe", "loop", "folder", "/dev/zero", "/dev/null", "x" * 300, "x/" * 3000, '"a\\0b"', "a\\x"]
)
def test_what_is_no_file_is_not_opened(problem_of: Callable[..., Problem], tmp_path: Path, name: str) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    problem = problem_of(a=f"extends: {name}\n")
    assert (problem.code, str(problem.place)) == ("extends", "a.yaml:1:10")


def test_links_to_files_are_followed(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "link.yaml").symlink_to("base.yaml")
    (tmp_path / "child.yaml").write_text("extends: link.yaml\n")
    assert load_unseen(tmp_path / "child.yaml").spec.train.epochs == 1
