"""A run directory belongs to one process, says what is in force, and leads nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ended

import registry_core
from registry_core.diagnostics import RunError
from registry_core.engine.claim import claim_existing, claim_new, claim_numbered

CPU = {"epochs": 2, "device": "cpu"}


@pytest.fixture
def run(pipeline: Callable[..., Path], tmp_path: Path) -> Path:
    """A finished run of two epochs."""
    return registry_core.train(registry_core.load(pipeline(train=CPU)), tmp_path / "run").directory


def test_a_claimed_directory_is_refused_to_others(tmp_path: Path) -> None:
    with claim_new(tmp_path / "run") as claim:
        for again in (claim_new, claim_existing):
            with pytest.raises(RunError, match=rf"in use by process {os.getpid()}\. Wait"):
                again(claim.path)
    claim_existing(claim.path).release()


def test_a_claim_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    script = "import sys, os, signal; from pathlib import Path; from registry_core.engine.claim import claim_new\n"
    script += "claim = claim_new(Path(sys.argv[1]))\nif os.fork() == 0:\n    signal.pause()\n"
    script += "os.kill(os.getpid(), signal.SIGKILL)"
    child = subprocess.Popen([sys.executable, "-c", script, tmp_path / "run"], start_new_session=True)
    assert child.wait() == -9
    try:
        claim_existing(tmp_path / "run").release()  # though a process that it forked lives on
    finally:
        os.killpg(child.pid, 9)


def test_numbered_directories_are_claimed_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with claim_numbered("x") as first, claim_numbered("x") as second:
        assert [first.path.name, second.path.name] == ["x-1", "x-2"]
    with claim_numbered("x") as third:
        assert third.path.name == "x-3"


def test_a_start_that_fails_leaves_no_directory(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="built"), claim_new(tmp_path / "deep" / "run"):
        raise ValueError("built")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_leads_elsewhere_is_not_used(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")
    for number, link in enumerate((os.symlink, os.link)):
        run = tmp_path / str(number)
        run.mkdir()
        link(precious, run / "lock")
        with pytest.raises(RunError, match=r"lock' is not a file of this run|cannot be"):
            claim_existing(run)
    assert precious.read_text() == "keep"


def test_what_a_resume_changed_stays_in_force(run: Path, pipeline: Callable[..., Path]) -> None:
    stopping = {"checkpoint": {"every": "20 steps"}}
    longer = pipeline(name="longer", train={**CPU, "epochs": 5}, hooks=[stopping])
    first = registry_core.resume(run, registry_core.load(longer))
    assert first.position.epoch == 5
    assert json.loads((run / "pipeline.json").read_text())["train"]["epochs"] == 5
    (change,) = [json.loads(line) for line in (run / "changes.jsonl").read_text().splitlines()]
    assert change["step"] == 12
    assert change["pipeline"]["train.epochs"] == [2, 5]
    assert registry_core.resume(run).position.epoch == 5


@pytest.mark.parametrize("ending", ["killed", "interrupted"])
def test_an_extended_run_that_is_cut_short_goes_on_to_the_new_end(
    run: Path, pipeline: Callable[..., Path], command: Callable[..., Ended], ending: str
) -> None:
    """Whether or not a checkpoint was written since the extension."""
    number = {"killed": 9, "interrupted": 15}[ending]
    module = run.parent / "ending.py"
    module.write_text(
        "import os\nfrom registry_core.components import hookimpl\n\n\nclass Ending:\n    @hookimpl\n"
        f"    def step_ended(self, step):\n        step.position.step == 15 and os.kill(os.getpid(), {number})\n"
        "\n\nREGISTRY_CORE = {'hook/ending': Ending}\n"
    )
    longer = pipeline(name="longer", train={**CPU, "epochs": 4}, hooks=["ending"])
    options = [sys.executable, "-m", "registry_core", "train", "-p", "ending"]
    ended = subprocess.run([*options, longer, "--resume", run], cwd=run.parent, capture_output=True, text=True)
    assert ended.returncode == (-9 if number == 9 else 143), ended.stderr
    resumed = subprocess.run(
        [*options, "--resume", run, "--set", "hooks=[]"], cwd=run.parent, capture_output=True, text=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((run / "summary.json").read_text())["epochs"] == 4


def test_an_edited_pipeline_is_followed_or_refused(run: Path, command: Callable[..., Ended]) -> None:
    edited = json.loads((run / "pipeline.json").read_text())
    edited["train"]["epochs"] = 3
    (run / "pipeline.json").write_text(json.dumps(edited))
    assert command("train", "--resume", run).code == 0
    assert json.loads((run / "summary.json").read_text())["epochs"] == 3
    edited["data"]["batch_size"] += 1
    (run / "pipeline.json").write_text(json.dumps(edited))
    refused = command("train", "--resume", run)
    assert refused.code == 5
    assert "was edited: it differs from that of its checkpoint in data.batch_size" in refused.err


@pytest.mark.parametrize(
    "name", ["summary.json", "metrics.jsonl", "pipeline.json", "tensorboard", "steps.jsonl", "run.json", "checkpoints"]
)
def test_nothing_is_written_through_a_link(run: Path, tmp_path: Path, command: Callable[..., Ended], name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("keep")
    there = run / name
    if there.is_dir():
        there.rename(tmp_path / "moved")
    else:
        there.unlink(missing_ok=True)
    there.symlink_to(outside if name in ("tensorboard", "checkpoints") else outside / "file")
    longer = ["--set", "train.epochs=3", "--set", "hooks=[tensorboard, jsonl]"]
    ended = command("train", "--resume", run, *longer)
    assert ended.code in (4, 5)
    assert "Traceback" not in ended.err
    assert name in ended.err
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "keep"


def test_hard_links_are_replaced_not_written_through(run: Path, tmp_path: Path, command: Callable[..., Ended]) -> None:
    """A copy made with hard links, as backups are, stays as it was when the run goes on."""
    copy = tmp_path / "copy"
    for path in [run, *run.rglob("*")]:
        target = copy / path.relative_to(run)
        target.mkdir() if path.is_dir() else os.link(path, target)
    (copy / "lock").unlink()
    (run / "lock").unlink()
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    ended = command("train", "--resume", run, "--set", "train.epochs=3")
    assert ended.code == 0, ended.err
    assert {path: path.read_bytes() for path in before} == before


def test_links_among_the_checkpoints_do_no_harm(run: Path, tmp_path: Path, command: Callable[..., Ended]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = run / "checkpoints"
    (folder / "step-99999999").symlink_to(outside)
    (folder / "step-88888888").write_text("a file")
    os.mkfifo(folder / "step-77777777")
    (folder / "best").symlink_to(outside / "file")
    ended = command("train", "--resume", run, "--set", "train.epochs=3", "--set", "hooks=[checkpoint]")
    assert ended.code == 0, ended.err
    assert list(outside.iterdir()) == []
    assert (folder / "step-99999999").is_symlink()
    assert (folder / "step-88888888").exists()


def test_the_device_may_change(run: Path, command: Callable[..., Ended]) -> None:
    ended = command("train", "--resume", run, "--set", "train.device=auto", "--set", "train.epochs=3")
    assert ended.code == 0, ended.err
    assert json.loads((run / "pipeline.json").read_text())["train"]["device"] == "auto"


def test_a_damaged_line_in_the_middle_is_left_out_alone(run: Path, command: Callable[..., Ended]) -> None:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    (run / "metrics.jsonl").write_text("\n".join([lines[0], "{damaged", *lines[1:], '{"step": 12, "cut']))
    ended = command("train", "--resume", run, "--set", "train.epochs=3")
    assert ended.code == 0, ended.err
    assert "Line 2 of" in ended.err
    assert ended.err.count("is damaged") == 1
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps == [6, 12, 18]


def test_a_run_goes_on_from_an_older_or_the_best_checkpoint_elsewhere(
    pipeline: Callable[..., Path], tmp_path: Path, command: Callable[..., Ended]
) -> None:
    hooks = [{"checkpoint": {"keep": 9, "best": "val/loss"}}, "jsonl"]
    path = pipeline(train={**CPU, "epochs": 4}, hooks=hooks)
    whole = registry_core.train(registry_core.load(path), tmp_path / "whole")
    checkpoints = whole.directory / "checkpoints"
    before = sorted(path.name for path in checkpoints.iterdir())
    again = registry_core.resume(checkpoints / "step-00000012", out=tmp_path / "again")
    assert again.directory == tmp_path / "again"
    for name, tensor in whole.pipeline.model.state_dict().items():
        assert tensor.equal(again.pipeline.model.state_dict()[name])
    assert (tmp_path / "again" / "metrics.jsonl").read_text() == (whole.directory / "metrics.jsonl").read_text()
    assert (tmp_path / "again" / "checkpoints" / "best").read_text() == (checkpoints / "best").read_text()
    assert sorted(path.name for path in checkpoints.iterdir()) == before
    parent = json.loads((tmp_path / "again" / "run.json").read_text())["continues"]
    assert parent["checkpoint"] == str(checkpoints / "step-00000012")
    ended = command("train", "--resume", checkpoints / "best", "--out", tmp_path / "best", "--set", "train.epochs=5")
    assert ended.code == 0, ended.err
    assert registry_core.resume(tmp_path / "best").position.epoch == 5


def test_data_may_have_moved(pipeline: Callable[..., Path], tmp_path: Path, command: Callable[..., Ended]) -> None:
    import PIL.Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (image, label) in enumerate(zip(digits.images[:40], digits.target[:40], strict=True)):
        folder = tmp_path / "here" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray((image * 15).astype("uint8")).save(folder / f"{number}.png")
    section = {"dataset": {"image_folder": {"root": str(tmp_path / "here"), "mode": "L"}}, "transforms": ["to_tensor"]}
    path = pipeline(data={"train": section, "val": section, "batch_size": 20}, train=CPU)
    run = registry_core.train(registry_core.load(path), tmp_path / "run").directory
    before = registry_core.evaluate(run)
    moved = (tmp_path / "here").rename(tmp_path / "there")
    options = [f"data.{name}.dataset.image_folder.root={moved}" for name in ("train", "val")]
    for gone in (command("eval", run), command("train", "--resume", run)):
        assert gone.code == 2
        assert "were moved, say where they are now with --set" in gone.err
    assert registry_core.evaluate(run, overrides=options)["val/loss"] == before["val/loss"]
    resumed = command("train", "--resume", run, *[word for each in options for word in ("--set", each)])
    assert resumed.code == 0, resumed.err
    assert json.loads((run / "summary.json").read_text())["guarantee"] == "exact"
    assert registry_core.resume(run).position.epoch == 2  # where they are is in force
    refused = command("eval", run, "--set", "data.batch_size=3", "--set", options[0], "--set", options[1])
    assert refused.code == 5
    assert "data.batch_size cannot be set here" in refused.err
