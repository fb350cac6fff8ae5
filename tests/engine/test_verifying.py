"""What is damaged or foreign in a run is named, what is harmless is not, and nothing is written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import reseal
from conftest import Ended
from safetensors.torch import load_file, save_file

import registry_core
from registry_core.assembly.finite import holding_nan
from registry_core.diagnostics import CheckpointError, RunError
from registry_core.engine.claim import claim_existing
from registry_core.engine.verifying import Resumption, Verification, verify

KEPT = [{"checkpoint": {"every": "1 epoch", "keep": 2, "best": "val/accuracy"}}]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two epochs with both checkpoints."""
    from conftest import changed

    folder = tmp_path_factory.mktemp("made")
    (folder / "pipeline.json").write_text(json.dumps(changed(train={"epochs": 2, "device": "cpu"}, hooks=KEPT)))
    return registry_core.train(registry_core.load(folder / "pipeline.json"), folder / "run").directory


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def state_of(folder: Path) -> dict[str, Any]:
    """Everything that writing changes: contents, kinds and times."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
    }


def sentences(found: Verification) -> str:
    """All that is wrong."""
    return "\n".join([*(each.problem for each in found.checkpoints), *found.problems])


def test_a_run_in_order(run: Path) -> None:
    before = state_of(run)
    found = verify(run)
    assert state_of(run) == before
    assert (found.is_whole, found.is_resumable, found.in_use_by, found.problems, found.notes) == (
        True,
        True,
        None,
        (),
        (),
    )
    assert [(each.step, each.state, each.problem) for each in found.checkpoints] == [
        (12, "whole", ""),
        (6, "whole", ""),
    ]
    assert found.run == json.loads((run / "run.json").read_text())["run"]
    assert {name for each in found.checkpoints for name in each.pointers} == {"latest", "best", "best-val-accuracy"}
    assert found.resumption.checkpoint == found.checkpoints[0].path
    assert (found.resumption.guarantee, found.resumption.reasons) == ("exact", ())
    newest = found.checkpoints[0]
    assert newest.bytes == sum(path.stat().st_size for path in newest.path.iterdir())


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


CHECKPOINT_DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "flipped bit": (lambda at: flip(at / "model.safetensors"), "model.safetensors' is damaged"),
    "shorter state": (lambda at: cut(at / "state.json"), "state.json' is damaged"),
    "no manifest": (lambda at: (at / "manifest.json").unlink(), "not a complete checkpoint"),
    "no weights": (lambda at: (at / "model.safetensors").unlink(), "not a complete checkpoint"),
    "stray file": (lambda at: (at / "more").touch(), "a file that does not belong to it: 'more'"),
    "empty manifest": (lambda at: (at / "manifest.json").write_text("{}"), "states no format"),
    "NaN": (lambda at: _with_nan(at), "hold NaN"),
    "form": (lambda at: _with_wrong_form(at), "not in the form of a checkpoint"),
}


def _with_nan(at: Path) -> None:
    tensors = load_file(at / "model.safetensors")
    next(iter(tensors.values())).view(-1)[0] = float("nan")
    save_file(tensors, at / "model.safetensors")
    reseal(at)


def _with_wrong_form(at: Path) -> None:
    state = at / "state.json"
    state.write_text(state.read_text().replace('"row_is_due"', '"row_was_due"'))
    reseal(at)


@pytest.mark.parametrize("damage", CHECKPOINT_DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_resumes(run: Path, damage: str) -> None:
    newest, before = sorted((run / "checkpoints").glob("step-*"), reverse=True)
    apply, sentence = CHECKPOINT_DAMAGES[damage]
    apply(newest)
    found = verify(run)
    assert [each.state for each in found.checkpoints] == ["damaged", "whole"]
    assert sentence in found.checkpoints[0].problem
    assert not found.is_whole
    assert found.resumption.checkpoint == before
    assert found.resumption.guarantee == "exact"


def test_without_an_intact_checkpoint_a_resume_is_refused(run: Path) -> None:
    for path in (run / "checkpoints").glob("step-*"):
        flip(path / "model.safetensors")
    found = verify(run)
    assert found.resumption.checkpoint is None
    assert "There is no intact checkpoint" in found.resumption.refused[0]


def test_before_the_first_checkpoint_a_resume_starts_from_the_first_step(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")
    (run / "summary.json").unlink()
    assert verify(run).resumption == Resumption(checkpoint=None, guarantee="exact")
    (run / "checkpoints" / "step-00000006.tmp-0").mkdir(parents=True)  # it was killed during its first save
    assert verify(run).resumption == Resumption(checkpoint=None, guarantee="exact")


def test_a_checkpoint_of_another_run(run: Path, tmp_path: Path) -> None:
    newest, _ = sorted((run / "checkpoints").glob("step-*"), reverse=True)
    manifest = json.loads((newest / "manifest.json").read_text())
    (newest / "manifest.json").write_text(json.dumps({**manifest, "run": "another"}))
    found = verify(run)
    assert [each.state for each in found.checkpoints] == ["foreign", "whole"]
    assert "belongs to another run, 'another'" in found.checkpoints[0].problem
    assert verify(newest).checkpoints[0].state == "foreign"


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


FILE_DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a row": (
        lambda run: (run / "metrics.jsonl").write_text('{"step": 1, "epoch": 1}\n{"st\n{"step": 9}\n'),
        "Line 2 of",
    ),
    "the last row": (lambda run: _append(run / "metrics.jsonl", '{"step"\n'), "metrics.jsonl' is damaged"),
    "a change": (lambda run: (run / "changes.jsonl").write_text("[]\n"), "Line 1 of"),
    "rows through a link": (lambda run: _linked(run / "metrics.jsonl"), "a link out of the run directory"),
    "identity": (lambda run: (run / "run.json").write_text("{"), "run.json' is damaged"),
    "no identity": (lambda run: (run / "run.json").unlink(), "run.json' is missing"),
    "environment": (lambda run: (run / "environment.json").write_text("[]"), "environment.json' is damaged"),
    "summary": (lambda run: (run / "summary.json").write_text("x"), "summary.json' is damaged"),
    "pointer": (lambda run: (run / "checkpoints" / "best").write_text("step-00000007"), "best' names no checkpoint"),
    "pointer outside": (
        lambda run: (run / "checkpoints" / "latest").write_text("../.."),
        "latest' names no checkpoint",
    ),
    "a linked checkpoint": (
        lambda run: (run / "checkpoints" / "step-00000099").symlink_to(run / "checkpoints"),
        "step-00000099' is no checkpoint but a link",
    ),
    "a file like one": (
        lambda run: (run / "checkpoints" / "step-00000099").touch(),
        "is no checkpoint but not the folder",
    ),
    "a folder like one": (lambda run: (run / "checkpoints" / "step-7").mkdir(), "step-7' is no checkpoint"),
    "a link outside": (lambda run: (run / "tensorboard").symlink_to("/"), "tensorboard' is a link out of"),
    "a pipe": (lambda run: os.mkfifo(run / "steps.jsonl"), "steps.jsonl' is neither a file nor a folder"),
}


def _linked(path: Path) -> None:
    moved = path.rename(path.parent.parent / "moved")
    path.symlink_to(moved)


@pytest.mark.parametrize("damage", FILE_DAMAGES)
def test_what_is_wrong_beside_the_checkpoints_is_named(run: Path, damage: str) -> None:
    apply, sentence = FILE_DAMAGES[damage]
    apply(run)
    before = state_of(run)
    found = verify(run)
    assert state_of(run) == before
    assert sentence in sentences(found)
    assert not found.is_whole
    assert found.resumption.checkpoint is not None


def test_checkpoints_behind_a_link_are_not_looked_at(run: Path, tmp_path: Path) -> None:
    (run / "checkpoints").rename(tmp_path / "moved")
    (run / "checkpoints").symlink_to(tmp_path / "moved")
    found = verify(run)
    assert found.checkpoints == ()
    assert "checkpoints' is a link out of the run directory" in sentences(found)


def test_what_a_crash_leaves_is_no_damage(run: Path) -> None:
    (run / "checkpoints" / "step-00000099.tmp-0").mkdir()
    _append(run / "metrics.jsonl", '{"step": 99, "ep')
    found = verify(run)
    assert found.is_whole
    assert "left by a save that was cut short" in found.notes[0]


def test_a_run_that_is_running(run: Path) -> None:
    with claim_existing(run):
        before = state_of(run)
        assert verify(run).in_use_by == f"process {os.getpid()}"
        assert state_of(run) == before
        with pytest.raises(RunError, match="in use"):
            claim_existing(run)
    found = verify(run)
    assert (found.in_use_by, found.is_whole) == (None, True)


def test_a_lock_that_no_run_would_claim(run: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").hardlink_to(run / "lock")
    assert "not a file of this run alone" in verify(run).resumption.refused[0]


def _edited(run: Path, **values: Any) -> None:
    pipeline = json.loads((run / "pipeline.json").read_text())
    for name, value in values.items():
        pipeline["data"][name] = value
    (run / "pipeline.json").write_text(json.dumps(pipeline))


def test_what_a_resume_would_refuse(run: Path) -> None:
    _edited(run, batch_size=3)
    found = verify(run)
    assert "was edited: it differs from that of its checkpoint in data.batch_size" in found.resumption.refused[0]
    assert (found.is_whole, found.is_resumable, found.resumption.guarantee) == (True, False, None)
    (run / "pipeline.json").write_text("{")
    assert verify(run).resumption.refused


def _with_origin(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change in the newest checkpoint what it says it was made with."""
    from registry_core.engine.checkpoint.store import load_checkpoint, save_checkpoint

    newest = max((run / "checkpoints").glob("step-*"))
    parts, state, manifest = load_checkpoint(newest)
    change(state["made_with"])
    save_checkpoint(newest.parent, manifest.step, parts, state, manifest.origin)


def test_another_environment_resumes_at_the_position(run: Path) -> None:
    _with_origin(run, lambda origin: origin["environment"].update(torch="1.0"))
    found = verify(run)
    assert found.resumption.guarantee == "position"
    assert found.resumption.reasons == ("torch changed since then",)
    assert found.is_whole
    assert found.is_resumable


def test_a_changed_plugin_resumes_at_the_position(run: Path) -> None:
    name = next(iter(json.loads((run / "environment.json").read_text())["plugins"]))
    _with_origin(run, lambda origin: origin["plugins"][name].update(version="0"))
    assert verify(run).resumption.reasons == (f"{name} changed since then",)


def test_a_missing_plugin_is_named(run: Path) -> None:
    _with_origin(run, lambda origin: origin["plugins"].update(acme={"version": "1.0", "components": [], "files": {}}))
    assert "The run used acme, which is not here." in verify(run).resumption.refused[0]


def test_a_run_that_continues_another(run: Path, tmp_path: Path) -> None:
    parent = min((run / "checkpoints").glob("step-*"))
    child = registry_core.resume(parent, out=tmp_path / "child").directory
    found = verify(child)
    assert found.continues == {"run": verify(run).run, "checkpoint": str(parent.absolute())}
    assert found.is_whole


def test_one_checkpoint_alone(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = max((run / "checkpoints").glob("step-*"))
    (run / "metrics.jsonl").write_text("x\n")
    flip(min((run / "checkpoints").glob("step-*")) / "model.safetensors")
    monkeypatch.chdir(run)
    for path in (newest, newest.relative_to(run), run / "checkpoints" / "latest"):
        (found,) = (whole := verify(path)).checkpoints
        assert (found.step, found.state, "latest" in found.pointers) == (12, "whole", True)
        assert whole.is_whole
        assert whole.resumption.guarantee == "exact"


@pytest.mark.parametrize("name", ["nothing", "."])
def test_what_is_no_run(tmp_path: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="neither a run directory nor a checkpoint"):
        verify(tmp_path / name)


def test_each_file_is_hashed_once(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    digest = hashlib.file_digest

    def note(file: Any, name: str) -> Any:
        hashed.append(str(Path(f"/proc/self/fd/{file.fileno()}").readlink()))
        return digest(file, name)

    monkeypatch.setattr("registry_core.engine.checkpoint.manifest.hashlib.file_digest", note)
    verify(run)
    own = [path for path in hashed if "checkpoints" in path]
    assert len(own) == len(set(own)) == 6


def test_tensors_with_nan_are_found_in_every_precision() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.float8_e5m2):
        bad, good = torch.tensor([1.0, float("nan")]), torch.tensor([float("inf"), -float("inf")])
        assert holding_nan({"bad": bad.to(dtype), "good": good.to(dtype), "empty": good[:0]}) == ["bad"]


def test_the_command(run: Path, command: Callable[..., Ended]) -> None:
    ended = command("verify", run)
    assert ended.code == 0, ended
    lines = ended.out.splitlines()
    assert lines[1].split() == ["checkpoint", "size", "state", "named", "by"]
    assert lines[2].startswith("step-00000012")
    assert lines[-1] == "A resume goes on from step-00000012, bit for bit (exact)."
    assert json.loads(command("verify", run, "--json").out)["is_whole"] is True
    _edited(run, batch_size=3)
    assert command("verify", run).code == 5
    flip(max((run / "checkpoints").glob("step-*")) / "model.safetensors")
    ended = command("verify", run)
    assert ended.code == 4
    assert "model.safetensors' is damaged" in ended.out
    assert "Traceback" not in ended.err
    assert command("verify", run / "nothing").code == 4
