"""Retention as a state machine: saves, crashes, damage and resumes in any order never lose the last good checkpoint."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import PIPELINE, save, state_at
from checkpoints import RUN as CHECKPOINTS_OF
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from reliability.trials import Score, trials

from registry_core.components import Save
from registry_core.config.run_layout import pointed, step_folder
from registry_core.diagnostics import CheckpointError
from registry_core.engine.checkpoint import store
from registry_core.engine.checkpoint.manifest import Origin, pipeline_digest, verify
from registry_core.engine.checkpoint.retention import Retention
from registry_core.engine.checkpoint.store import checkpoints_in, newest, remove_unfinished, save_checkpoint

RUN = "this run"


class Crash(BaseException):
    """The end of the process, which nothing handles."""


class Machine(RuleBasedStateMachine):
    """A run that saves at every step, as its hooks ask, and is ended, damaged and resumed."""

    score: Score

    @initialize(keeps=st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=2))
    def begin(self, keeps: list[tuple[int, bool]]) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.keeps = keeps
        self.retention = Retention(self.folder, RUN, len(keeps))
        self.step = 0
        self.acknowledged = 0
        """The step of the last checkpoint that was whole when its save returned, and was not damaged since."""
        self.good: set[int] = set()
        """The steps whose checkpoints are whole, as far as this machine knows."""

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.score.trial(True)

    def save(self, asks: list[int], best: bool) -> None:
        self.step += 1
        for place in asks:
            keep, has_best = self.keeps[place]
            self.retention.note(self.step, Save(keep, best=best and has_best, metric="val/loss"), place)
        if not asks:
            self.retention.note(self.step, Save(keep=0), None)
        state = state_at(self.step)
        state["hooks"] = [
            {"name": "x", "parameters": {}, "state": None, "checkpoints": owner.state_dict()}
            for owner in self.retention.of_hooks
        ]
        state["checkpoints"] = self.retention.of_run.state_dict()
        model = {"model": {"weight": torch.full((4,), float(self.step))}}
        save_checkpoint(self.folder, self.step, model, state, Origin(RUN, pipeline_digest(PIPELINE)))
        self.good.add(self.step)
        self.acknowledged = self.step
        self.retention.point_at_best()
        self.retention.prune()
        self.good &= {int(path.name[5:]) for path in checkpoints_in(self.folder)}

    @rule(asks=st.lists(st.integers(0, 1), max_size=2, unique=True), best=st.booleans())
    def saves(self, asks: list[int], best: bool) -> None:
        self.save([place for place in asks if place < len(self.keeps)], best)

    @rule(point=st.integers(1, 12), full=st.booleans(), best=st.booleans())
    def fails_to_save(self, point: int, full: bool, best: bool) -> None:
        """The disk is full, or the process ends, at one of the flushes of a save."""
        calls = iter(range(1, 1000))
        real = store.sync

        def failing(path: Path) -> None:
            if next(calls) == point:
                raise OSError(28, "No space left on device") if full else Crash
            real(path)

        from registry_core.components import run_files
        from registry_core.engine.checkpoint import manifest

        modules: tuple[Any, ...] = (store, manifest, run_files)
        for module in modules:
            module.sync = failing
        try:
            self.save([0], best)
        except CheckpointError:
            pass
        except Crash:
            for module in modules:
                module.sync = real
            self.resume()
        finally:
            for module in modules:
                module.sync = real
        self.good &= {int(path.name[5:]) for path in checkpoints_in(self.folder) if _is_whole(path)}

    @precondition(lambda self: len(self.good) > 1)
    @rule(data=st.data())
    def is_damaged(self, data: st.DataObject) -> None:
        """A file of a checkpoint is changed; at least one other stays whole."""
        step = data.draw(st.sampled_from(sorted(self.good)))
        path = self.folder / step_folder(step)
        victim = data.draw(st.sampled_from(sorted(path.iterdir())))
        if data.draw(st.booleans()):
            victim.unlink()
        else:
            victim.write_bytes(victim.read_bytes()[:-1] + b"?")
        self.good.discard(step)
        self.acknowledged = max(self.good)

    @rule(number=st.integers(1, 3))
    def gets_strangers(self, number: int) -> None:
        """Links, files and the checkpoint of another run lie beside those of this run."""
        (self.folder / f"step-9999999{number}").unlink(missing_ok=True)
        (self.folder / f"step-9999999{number}").symlink_to("/nowhere")
        (self.folder / f"step-0000000{number}.tmp-crashed").mkdir(exist_ok=True)

    @precondition(lambda self: self.good)
    @rule()
    def resume(self) -> None:
        remove_unfinished(self.folder)
        try:
            path, saved = newest(self.folder, RUN, lambda _: None)
        except CheckpointError:
            assert not self.good
            return
        self.step = saved.manifest.step
        assert self.step >= max(self.good, default=0), path
        self.retention = Retention(self.folder, RUN, len(self.keeps))
        for owner, each in zip(self.retention.of_hooks, saved.state["hooks"], strict=True):
            owner.load_state_dict(each["checkpoints"])
        self.retention.of_run.load_state_dict(saved.state["checkpoints"])
        self.retention.point_at_best()
        assert not list(self.folder.glob("*.tmp-*"))

    @invariant()
    def the_last_good_one_is_there(self) -> None:
        if not hasattr(self, "good") or not self.acknowledged:
            return
        path, found = newest(self.folder, RUN, lambda _: None)
        assert found.manifest.step >= self.acknowledged, path

    @invariant()
    def the_best_one_is_there(self) -> None:
        for owner in getattr(self, "retention", Retention(Path(), RUN, 0)).of_hooks:
            if owner.best in self.good:
                assert (self.folder / step_folder(owner.best)).is_dir()

    @invariant()
    def the_disk_holds_no_more_than_is_kept(self) -> None:
        if hasattr(self, "folder"):
            most = sum(keep + has_best for keep, has_best in self.keeps) + 2  # the newest, and one in between
            assert len(self.good) <= most + 1


def _is_whole(path: Path) -> bool:
    try:
        verify(path)
    except CheckpointError:
        return False
    return True


def test_the_last_good_checkpoint_is_never_lost() -> None:
    promise = "after any sequence of saves, crashes, damage and resumes, the last good checkpoint is there"
    with Score("retention", promise) as score:
        Machine.score = score
        quick = settings(
            max_examples=trials(50, 500),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            derandomize=True,
        )
        run_state_machine_as_test(Machine, settings=quick)  # type: ignore[no-untyped-call]  # hypothesis leaves it untyped


def test_a_pointer_names_a_checkpoint_or_nothing(tmp_path: Path) -> None:
    for text in ("../../x", "/etc/passwd", "step-00000001", "step-1", "step-00000001\n../x", "x" * 10_000, "\0", ""):
        (tmp_path / "best").write_text(text)
        assert pointed(tmp_path, "best") is None


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.EACCES])
def test_what_cannot_be_read_now_is_kept(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails for a moment, or a limit of open files, makes no checkpoint a damaged one."""
    retention = Retention(tmp_path, CHECKPOINTS_OF, 1)
    for step in (1, 2, 3):
        retention.note(step, Save(2), 0)
        save(tmp_path, step)
    real = os.open

    def failing(path: Any, *arguments: Any, **options: Any) -> int:
        if "step-00000003" in str(path) and str(path).endswith("manifest.json"):
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", failing)
    retention.prune()
    assert [path.name for path in checkpoints_in(tmp_path)] == [step_folder(step) for step in (3, 2, 1)]
    monkeypatch.undo()
    retention.prune()
    assert [path.name for path in checkpoints_in(tmp_path)] == [step_folder(step) for step in (3, 2)]
