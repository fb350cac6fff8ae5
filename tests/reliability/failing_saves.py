"""A save of a run with its pointers and the removal of older checkpoints, in a process with a fault."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import torch
from checkpoints import PIPELINE, RUN, state_at
from reliability.faults import CRASHED, Faults

from registry_core.components import Save
from registry_core.config.run_layout import step_folder
from registry_core.diagnostics import CheckpointError, RegistryError
from registry_core.engine.checkpoint.manifest import Origin, pipeline_digest
from registry_core.engine.checkpoint.retention import Retention
from registry_core.engine.checkpoint.store import Checkpoint, newest, remove_unfinished, save_checkpoint

OTHER = 70
"""The exit code of a process in which anything but an error of the product was raised."""


def save_step(folder: Path, retention: Retention, step: int, *, best: bool) -> None:
    """Save as a run does: the checkpoint, then ``best``, then the removal of what is not kept."""
    retention.note(step, Save(keep=1, best=best, metric="val/loss"), 0)
    state = state_at(step)
    owned = [owner.state_dict() for owner in retention.of_hooks]
    state["hooks"] = [{"name": "x", "parameters": {}, "state": None, "checkpoints": each} for each in owned]
    state["checkpoints"] = retention.of_run.state_dict()
    parts = {"model": {"weight": torch.full((8,), float(step))}, "averaged": {"weight": torch.zeros(8)}}
    save_checkpoint(folder, step, parts, state, Origin(RUN, pipeline_digest(PIPELINE)))
    retention.point_at_best()
    retention.prune()


def save_naively(folder: Path, retention: Retention, step: int, *, best: bool) -> None:
    """The control: what is replaced is removed before the new one is whole."""
    for path in folder.glob("step-*"):
        shutil.rmtree(path)
    save_step(folder, retention, step, best=best)


def resumed(folder: Path) -> tuple[Retention, Checkpoint]:
    """The retention of a run that goes on, and the checkpoint that it goes on from."""
    remove_unfinished(folder)
    _, saved = newest(folder, RUN, lambda _: None)
    retention = Retention(folder, RUN, 1)
    for owner, each in zip(retention.of_hooks, saved.state["hooks"], strict=True):
        owner.load_state_dict(each["checkpoints"])
    retention.of_run.load_state_dict(saved.state["checkpoints"])
    retention.point_at_best()
    return retention, saved


class Case(NamedTuple):
    """A save in a folder whose ``at``-th file operation fails; what came of it is written into the file ``report``."""

    folder: Path
    at: int
    report: Path


def save_with_faults(saver: str, action: str, cases: list[Case]) -> None:
    """Save step 3 after 2 others in each of the cases; the first that crashes is the last."""
    save: Any = {"save_step": save_step, "save_naively": save_naively}[saver]
    faults = Faults(action)
    for case in cases:
        retention, _ = resumed(case.folder)
        said, code = "", 0
        faults.arm(case.folder, case.at)
        try:
            save(case.folder, retention, 3, best=True)
        except RegistryError as error:
            said, code = str(error), error.exit_code
        except BaseException as error:
            said, code = repr(error), OTHER
        faults.disarm()
        case.report.write_text(json.dumps({"said": said, "code": code, "count": faults.count}))


def report_of(case: Case) -> dict[str, Any]:
    """The outcome of a case: an exit code, a message, and the number of operations."""
    if not case.report.exists():
        return {"said": "", "code": CRASHED, "count": case.at}
    found: dict[str, Any] = json.loads(case.report.read_text())
    return found


def is_whole(folder: Path, step: int) -> bool:
    """True if the newest checkpoint of a folder is that of a step or of a later one."""
    try:
        _, saved = newest(folder, RUN, lambda _: None)
    except CheckpointError:
        return False
    return saved.manifest.step >= step and (folder / step_folder(saved.manifest.step)).is_dir()
