"""Loader processes that end at random moments: one sentence, no hang, and the last finished step is saved."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest
from reliability.outcome import differences, outcome
from reliability.runs import StartedRun, last_step, saved_step, write
from reliability.trials import Score, generator, trials

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


@pytest.fixture(autouse=True)
def _no_process_is_left() -> object:
    """Kill what a test that fails leaves behind."""
    yield
    StartedRun.kill_all()


def faults(run: StartedRun, name: str) -> list[object]:
    """What does not hold after the end of a loader process."""
    ended = run.end()
    lines = [line for line in ended.err.splitlines() if "warning" not in line]
    told = any(f"ended by {name}" in line for line in lines)
    found: list[object] = [] if ended.code == 5 and told and "Traceback" not in ended.err else [ended]
    step = last_step(run.marks())
    told = f"Step {step} is saved: registry-core train --resume {run.out}" in ended.err
    if step and not (told and saved_step(run.out) == step):
        found.append((step, ended.err))
    return found + run.orphans()


def test_a_loader_process_is_killed_at_any_moment(tmp_path: Path) -> None:
    random = generator("killed workers")
    whole = StartedRun.train(write(tmp_path), tmp_path / "whole")
    assert whole.end().code == 0
    expected = outcome(whole.out)
    pipeline = write(tmp_path, data__workers=2)
    promise = "exit code 5, one sentence, the last finished step is saved, and resumed it ends with the same bits"
    with Score("killed loader processes", promise) as score:
        for trial in range(trials(2, 60)):
            name = random.choice(["SIGKILL", "SIGSEGV", "SIGABRT"])
            run = StartedRun.train(pipeline, tmp_path / f"run-{trial}")
            assert run.wait_for(lambda: bool(run.children()))  # noqa: B023  # called here
            if random.random() < 0.7:  # else while they start
                run.wait_for_mark("step", random.randint(1, 70))
            time.sleep(random.uniform(0, 0.05))
            if not run.send(signal.Signals[name], to="child"):  # the run is at its end
                continue
            found = faults(run, name)
            if not found and (run.out / "checkpoints").exists():
                again = StartedRun.resume(run.out)
                found = differences(expected, outcome(run.out)) if again.end().code == 0 else ["it cannot be resumed"]
            score.trial(not found, found)


@pytest.mark.parametrize("section", ["train", pytest.param("val", marks=pytest.mark.exhaustive)])
def test_a_loader_process_that_leaves(section: str, tmp_path: Path) -> None:
    """By ``os._exit(0)``, as if all was well."""
    dataset = {"noise": {"length": 240, "act": "exit", "at": 100, "in_worker": True}}
    sections = {name: {"dataset": {"noise": {"length": 240}}, "sampler": "sequential"} for name in ("train", "val")}
    sections[section]["dataset"] = dataset
    data = {**sections, "batch_size": 16, "workers": 2}
    run = StartedRun.train(write(tmp_path, data=data), tmp_path / "run")
    ended = run.end()
    assert ended.code == 5
    assert f"A loader process of data.{section} ended with exit code 0." in ended.err
    assert "Traceback" not in ended.err
    assert saved_step(run.out) == last_step(run.marks())


def test_a_large_batch_is_lost_whole(tmp_path: Path) -> None:
    """A process that is killed while the pipe is full leaves no half message, for whose rest the run would wait."""
    dataset = {"noise": {"length": 240, "text": 100_000}}
    hooks = [{"marks": {"pause": 1.0}}]
    pipeline = write(tmp_path, data__train__dataset=dataset, data__workers=1, train__epochs=500, hooks=hooks)
    run = StartedRun.train(pipeline, tmp_path / "run")
    assert run.wait_for_mark("step", 2)
    time.sleep(0.5)
    run.send(signal.SIGKILL, to="child")
    assert faults(run, "SIGKILL") == []
