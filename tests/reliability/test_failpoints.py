"""A save that ends or fails at any of its file operations loses nothing that was saved, and leaves nothing behind."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from checkpoints import RUN
from reliability.failing_saves import Case, is_whole, report_of, resumed, save_step, save_with_faults
from reliability.faults import ACTIONS, CRASHED
from reliability.forked import Forked
from reliability.scratch import scratch
from reliability.trials import Score

from registry_core.config.run_layout import pointed
from registry_core.diagnostics import CheckpointError
from registry_core.engine.checkpoint.manifest import verify
from registry_core.engine.checkpoint.retention import Retention
from registry_core.engine.checkpoint.store import checkpoints_in


def prepared(folder: Path) -> Path:
    """A folder of checkpoints with those of steps 1, the best, and 2."""
    folder.mkdir(exist_ok=True)
    made = folder / "prepared"
    retention = Retention(made, RUN, 1)
    save_step(made, retention, 1, best=True)
    save_step(made, retention, 2, best=False)
    return made


def case(template: Path, at: int) -> Case:
    """A copy of a folder, of which the save has a fault."""
    folder = Path(shutil.copytree(template, template.parent / f"run-{at}"))
    return Case(folder, at, template.parent / f"report-{at}")


def faults_of(folder: Path, saver: str, score: Score, action: str) -> None:
    """Let each operation of a save fail, one after the other."""
    template = prepared(folder)
    whole = case(template, 0)
    Forked(folder, save_with_faults, saver, action, [whole]).end()
    cases = [case(template, at) for at in range(1, report_of(whole)["count"] + 1)]
    for together in [[each] for each in cases] if action == "crash" else [cases]:
        ended = Forked(folder, save_with_faults, saver, action, together).end()
        for each in together:
            wrong = what_is_wrong(each.folder, report_of(each))
            score.trial(ended.code in (0, CRASHED) and not wrong, (saver, action, each.at, wrong, ended.out))


def what_is_wrong(run: Path, found: dict[str, Any]) -> str:
    """The promise that does not hold after a fault; empty if all do."""
    acknowledged = 3 if found["code"] == 0 else 2
    if found["code"] not in (0, 4, 5, CRASHED) or "\n" in found["said"]:
        return f"the error is not one sentence of the product: {found['said']}"
    if not is_whole(run, acknowledged):
        return "an acknowledged checkpoint is lost"
    retention, saved = resumed(run)
    if left := sorted(path.name for path in run.iterdir() if "tmp" in path.name):
        return f"remains: {left}"
    if wrong := [name for name in ("latest", "best", "best-val-loss") if not is_verified(pointed(run, name))]:
        return f"{wrong} name no whole checkpoint"
    save_step(run, retention, saved.manifest.step + 1, best=False)
    kept = {pointed(run, "latest"), pointed(run, "best")}
    there = {*checkpoints_in(run)}
    return "" if there == kept else f"kept: {there}"


def is_verified(path: Path | None) -> bool:
    """True for a checkpoint that is whole."""
    try:
        return path is not None and bool(verify(path))
    except CheckpointError:
        return False


def test_every_failpoint_of_a_save() -> None:
    promise = "a save that ends or fails at any file operation loses no earlier checkpoint, and is said in one sentence"
    with Score("failpoints of a save", promise) as score, scratch() as folder:
        for action in ACTIONS:
            faults_of(folder / action, "save_step", score, action)
        assert score.count > 300


def test_a_save_in_another_order_would_lose_checkpoints() -> None:
    """The control: the same faults in a save that removes before it has written."""
    score = Score("control", "")
    with scratch() as folder:
        faults_of(folder, "save_naively", score, "crash")
    assert sum("lost" in failure for failure in score.failures) > 20
