"""What validate says of the machine: its devices, processors, and the folder of runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ended, sentences

from registry_core.analysis import machine
from registry_core.analysis.machine import unwritable
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "may_have_cuda", lambda: False)
    monkeypatch.setattr(machine.sys, "platform", "linux")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(
    ("train", "words"),
    [
        ({"device": "cuda"}, "The device is cuda, but this machine has none."),
        ({"device": "mps"}, "The device is mps, but this machine has none."),
        ({"precision": "fp16"}, "fp16 needs a GPU, but this machine has none."),
    ],
)
def test_a_device_that_is_not_there(
    command: Callable[..., Ended], pipeline: Callable[..., Path], train: dict[str, str], words: str
) -> None:
    path = pipeline(train=train)
    ended = command("validate", path)
    assert ended.code == 2
    (sentence,) = sentences(ended)
    assert words in sentence
    assert "--elsewhere" in sentence
    assert command("validate", path, "--elsewhere").code == 0
    with pytest.raises(PipelineError, match="this machine has none"):
        load(path, here=True)
    assert load(path).spec.train.model_dump().items() >= train.items()  # a spec may be looked at anywhere


def test_a_device_that_may_be_there(pipeline: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "may_have_cuda", lambda: True)
    load(pipeline(train={"device": "cuda", "precision": "fp16"}), here=True)


def test_more_workers_than_help_are_a_warning(
    command: Callable[..., Ended], pipeline: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    path = pipeline(data__workers=9)
    ended = command("validate", path)
    assert ended.code == 0
    assert "warning: data.workers: 9 workers are too many for 4 processors. Set workers to 4 or fewer" in ended.err
    assert ended.err.count("[too-many-workers]") == 1
    assert "too-many-workers" not in command("validate", pipeline(data__workers=8)).err


def test_the_folder_of_runs(command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = pipeline()
    for out in (tmp_path / "file", tmp_path / "file" / "deeper" / "run"):
        ended = command("validate", path, "--out", out)
        assert ended.code == 2
        assert f"{str(tmp_path / 'file')!r} is a file. Choose another folder with --out." in ended.err
        refused = command("train", path, "--out", out)
        assert refused.code == 2
        assert "The run cannot be written there" in refused.err
    assert command("validate", path, "--out", tmp_path / "new" / "run").code == 0
    assert not (tmp_path / "new").exists()
    assert unwritable(Path("runs")) == ""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert unwritable(tmp_path / "run") == f"{str(tmp_path)!r} is not writable"


def test_files_of_another_machine_are_warnings(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    """Data, weights and the files of transforms that are missing here; everything else is checked."""
    there = tmp_path / "there"
    section = {"dataset": {"image_folder": {"root": str(there / "images"), "mode": "L"}}, "transforms": ["to_tensor"]}
    whiten = {"linear_transformation": {"file": str(there / "whitening.safetensors")}}
    path = pipeline(
        data__train=section,
        data__val__transforms=["to_tensor", whiten],
        finetune={"weights": str(there / "weights.safetensors")},
    )
    assert command("validate", path).code == 2
    ended = command("validate", path, "--elsewhere", "--deep", "--data")
    assert ended.code == 0
    warnings = [line for line in ended.err.splitlines() if "[not-checked]" in line]
    for place in ("data.train.dataset.", "data.val.transforms[1].", "finetune.weights: "):
        assert any(f"warning: {place}" in line for line in warnings), place
    assert "--deep was left out, because not all files are on this machine." in ended.err
    assert "--data was left out" in ended.err
    wrong = command("validate", path, "--elsewhere", "--set", "model.mlp.num_classes=7")
    assert wrong.code == 2
    assert "The model has 7 outputs, but data.val has 10 classes: " in wrong.err


def test_incomplete_data_of_another_machine(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """A folder that is here without its files, and an index whose images are elsewhere."""
    (tmp_path / "index.txt").write_text("cat/1.png 0\ndog/1.png 1\n")
    for dataset in (
        {"mnist": {"root": str(tmp_path)}},
        {"image_index": {"index": str(tmp_path / "index.txt"), "mode": "L", "classes": 10}},
    ):
        path = pipeline(data__val={"dataset": dataset, "transforms": ["to_tensor"]})
        with pytest.raises(PipelineError):
            load(path)
        assert [warning.code for warning in load(path, elsewhere=True).warnings] == ["not-checked"]
    (tmp_path / "index.txt").write_text("cat/1.png zero\n")  # this is wrong on every machine
    with pytest.raises(PipelineError, match=r"index\.txt:1"):
        load(path, elsewhere=True)
