"""Signals at random moments: the last finished step is saved, the exit code is stated, and no process is left."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import runs
from runs import LIMIT, StartedRun, last_step, moments, result, saved_step, trials, write

PHASES = ("step", "evaluating", "saving")
"""The words of the marks that begin training, an evaluation and a checkpoint."""
SIGNALS = {
    "SIGTERM": "group",
    "SIGINT": "group",
    "SIGHUP": "group",
    "SIGUSR1": "process",
    "SIGUSR2": "group",
    "SIGXCPU": "process",
    "sigterm": "process",
}
"""Signals with their receivers, and SIGTERM once more."""


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Kill what a test that fails leaves behind."""
    yield
    StartedRun.kill_all()


def interrupted(run: StartedRun, phase: str, name: str, to: str, random: Any) -> runs.Ended:
    """The end of a run that gets a signal at a random moment of a phase."""
    assert run.wait_for_mark(phase, random.randint(1, 4))
    time.sleep(random.uniform(0, 0.05))
    run.send(signal.Signals[name.upper()], to=to)
    return run.end()


def check(run: StartedRun, ended: runs.Ended, number: signal.Signals) -> None:
    """What holds after any signal."""
    assert ended.code == 128 + number, ended
    assert "Traceback" not in ended.err
    assert ended.seconds < LIMIT
    assert run.orphans() == []


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_saves_the_last_finished_step(name: str, workers: int, tmp_path: Path) -> None:
    random = moments(name, workers)
    pipeline = write(tmp_path, data__workers=workers, train__epochs=500)
    for trial in range(trials(quick=1)):
        phase = random.choice(PHASES)
        run = StartedRun.train(pipeline, tmp_path / f"run-{trial}")
        ended = interrupted(run, phase, name, SIGNALS[name], random)
        check(run, ended, signal.Signals[name.upper()])
        assert saved_step(run.out) == last_step(run.marks()), (trial, phase)
        assert f"Resume with: registry-core train --resume {run.out}" in ended.out


@pytest.mark.parametrize("workers", [0, 2])
def test_two_signals_end_a_run_at_once(workers: int, tmp_path: Path) -> None:
    random = moments("two", workers)
    pipeline = write(tmp_path, data__workers=workers, train__epochs=500)
    for trial in range(trials(quick=1)):
        run = StartedRun.train(pipeline, tmp_path / f"run-{trial}")
        assert run.wait_for_mark(random.choice(PHASES), random.randint(1, 8))
        time.sleep(random.uniform(0, 0.05))
        run.send(signal.SIGINT, to="group")
        time.sleep(random.uniform(0, 0.3))
        if run.process.poll() is None:
            run.send(signal.SIGINT, to="group")
        check(run, run.end(), signal.SIGINT)


def test_a_signal_to_a_loader_process_changes_nothing(tmp_path: Path) -> None:
    random = moments("worker")
    whole = StartedRun.train(write(tmp_path), tmp_path / "whole")
    assert whole.end().code == 0
    pipeline = write(tmp_path, data__workers=2)
    for trial in range(trials(quick=1)):
        run = StartedRun.train(pipeline, tmp_path / f"run-{trial}")
        for _ in range(4):
            if run.wait_for_mark("step", random.randint(1, 60)) and run.wait_for(lambda: bool(run.children())):  # noqa: B023  # called here
                run.send(random.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1]), to="child")
        ended = run.end()
        assert (ended.code, ended.err) == (0, "")
        assert result(run.out) == result(whole.out)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_chain_of_interruptions_changes_no_bit(workers: int, tmp_path: Path) -> None:
    whole = StartedRun.train(write(tmp_path), tmp_path / "whole")
    assert whole.end().code == 0
    random = moments("chain", workers)
    pipeline = write(tmp_path, data__workers=workers)
    for trial in range(trials(quick=1)):
        run = StartedRun.train(pipeline, tmp_path / f"run-{trial}")
        while True:
            wanted = len(run.marks()) + random.randint(1, 90)
            if not run.wait_for(lambda: len(run.marks()) >= wanted):  # noqa: B023  # called here
                break
            run.send(random.choice([signal.SIGTERM, signal.SIGHUP, signal.SIGINT]), to="group")
            assert run.end().code in (0, 129, 130, 143)
            run = StartedRun.resume(run.out)
        assert run.end().code == 0
        assert run.orphans() == []
        assert result(run.out) == result(whole.out)


@pytest.mark.parametrize("section", ["train", "val"])
@pytest.mark.parametrize("act", ["hang", "loop"])
def test_a_sample_that_never_comes_from_a_loader_process_ends_at_the_first_signal(
    act: str, section: str, tmp_path: Path
) -> None:
    dataset = {"noise": {"length": 240, "act": act, "at": 100}}
    pipeline = write(tmp_path, data__workers=2, **{f"data__{section}__dataset": dataset})
    run = StartedRun.train(pipeline, tmp_path / "run")
    assert run.wait_for_mark("evaluating" if section == "val" else "step")
    time.sleep(1)  # until it hangs
    run.send(signal.SIGTERM)
    check(run, run.end(), signal.SIGTERM)
    assert saved_step(run.out) == last_step(run.marks())


@pytest.mark.parametrize("act", ["hang", "loop"])
def test_a_sample_that_never_comes_ends_at_the_second_signal(act: str, tmp_path: Path) -> None:
    """In the training process a signal cannot interrupt it; the user is told so."""
    pipeline = write(tmp_path, data__train__dataset={"noise": {"length": 240, "act": act, "at": 100}})
    run = StartedRun.train(pipeline, tmp_path / "run")
    assert run.wait_for_mark("started")
    time.sleep(1)
    run.send(signal.SIGINT)
    time.sleep(1.5)
    assert run.process.poll() is None
    run.send(signal.SIGINT)
    ended = run.end()
    check(run, ended, signal.SIGINT)
    assert "SIGINT: stopping as soon as possible. A second signal ends the process at once." in ended.err


def test_a_signal_that_comes_twice_at_once_is_one(tmp_path: Path) -> None:
    """As `timeout` sends it: to the process and to its group."""
    run = StartedRun.train(write(tmp_path, data__workers=2, train__epochs=500), tmp_path / "run")
    assert run.wait_for_mark("step", 5)
    run.send(signal.SIGTERM)
    time.sleep(0.01)
    run.send(signal.SIGTERM, to="group")
    check(run, run.end(), signal.SIGTERM)
    assert saved_step(run.out) == last_step(run.marks())


@pytest.mark.parametrize("act", ["", "hang"])
def test_no_process_outlives_a_run_that_is_killed(act: str, tmp_path: Path) -> None:
    dataset = {"noise": {"length": 240, "act": act, "at": 100 if act else -1, "in_worker": True}}
    pipeline = write(tmp_path, data__workers=2, train__epochs=500, data__train__dataset=dataset)
    run = StartedRun.train(pipeline, tmp_path / "run")
    assert run.wait_for_mark("started")
    time.sleep(1)
    run.send(signal.SIGKILL)
    assert run.end().code == -signal.SIGKILL
    assert run.orphans() == []


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_before_the_first_step(name: str, tmp_path: Path) -> None:
    """During imports and while the run is built: one sentence; what is left can be started again, or resumed."""
    random = moments("early", name)
    pipeline = write(tmp_path, train__epochs=500, data__workers=2)
    for trial in range(trials(quick=2)):
        run = StartedRun.train(pipeline, tmp_path / f"run-{trial}")
        assert run.wait_for(lambda: signal.SIGUSR2 in handled(run.pid))  # noqa: B023  # called here
        time.sleep(random.uniform(0, 3))
        run.send(signal.Signals[name])
        ended = run.end()
        check(run, ended, signal.Signals[name])
        if not (run.out / "checkpoints").exists():
            assert ended.err == f"Interrupted by {name}.\n"
            assert not run.out.exists()
        else:
            assert saved_step(run.out) == last_step(run.marks())


def handled(pid: int) -> set[int]:
    """The signals that a process handles."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
    return {number for number in range(1, 64) if mask >> (number - 1) & 1}


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """As `nohup` sets it."""
    pipeline = write(tmp_path, data__workers=2)
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run = StartedRun.train(pipeline, tmp_path / "run")
    finally:
        signal.signal(signal.SIGHUP, handler)
    assert run.wait_for_mark("step", 3)
    run.send(signal.SIGHUP, to="group")
    assert run.end().code == 0


def test_a_terminal_that_is_closed(tmp_path: Path) -> None:
    """Nothing can be written to it any more; the run is saved all the same."""
    pipeline = write(tmp_path, data__workers=2, train__epochs=500, hooks=["marks", "progress"])
    command = [sys.executable, "-m", "registry_core", "train", str(pipeline), "--out", str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": f"{runs.HERE}:{os.environ.get('PYTHONPATH', '')}", "TERM": "xterm"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*command, "-p", "reliability_parts"], environment)
    marks = tmp_path / "run" / "marks"
    until = time.monotonic() + runs.STARTING
    while not (marks.exists() and "step 5\n" in marks.read_text()) and time.monotonic() < until:
        os.read(terminal, 4096)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGHUP
    assert saved_step(tmp_path / "run") == last_step(marks.read_text().splitlines())


@pytest.mark.parametrize("workers", [0, 2])
def test_an_evaluation_of_a_run_is_interrupted(workers: int, tmp_path: Path) -> None:
    dataset = {"noise": {"length": 120, "seconds": 0.002, "act": "hang", "at": 100, "in_worker": True}}
    optim = {"optimizer": {"sgd": {"lr": 0.1}}}
    train = {"max_steps": 1, "evaluate_every": None}
    pipeline = write(tmp_path, train=train, optim=optim, hooks=[], data__val__dataset=dataset)
    assert StartedRun.train(pipeline, tmp_path / "run").end().code == 0
    path = tmp_path / "run" / "pipeline.json"
    path.write_text(path.read_text().replace('"workers": 0', f'"workers": {workers}'))
    run = StartedRun("eval", tmp_path / "run", out=tmp_path / "run")
    run.wait_for(lambda: len(run.children()) == workers or False)
    time.sleep(1)
    if run.process.poll() is None:
        run.send(signal.SIGINT, to="group")
        ended = run.end()
        check(run, ended, signal.SIGINT)
        assert ended.err == "Interrupted by SIGINT.\n"


@pytest.mark.parametrize(
    "arguments", [["list"], ["doctor"], ["schema"], ["validate", "FILE", "--data"], ["plan", "FILE"]]
)
def test_any_command_ends_at_a_signal(arguments: list[str], tmp_path: Path) -> None:
    random = moments(*arguments)
    pipeline = write(tmp_path)
    for _ in range(trials(quick=1)):
        run = StartedRun(*[pipeline if word == "FILE" else word for word in arguments], out=tmp_path)
        assert run.wait_for(lambda: signal.SIGUSR2 in handled(run.pid))  # noqa: B023  # called here
        time.sleep(random.uniform(0, 1))
        ran = run.process.poll() is None
        if ran:
            run.send(signal.SIGINT, to=random.choice(["group", "process"]))
        ended = run.end()
        assert "Traceback" not in ended.err
        assert ended.code == 130 or not ran or ended.code == 0
        assert run.orphans() == []


def test_programs_that_a_loader_process_starts_heed_signals(tmp_path: Path) -> None:
    """A loader process leaves signals to its parent, but a program that it runs does not inherit this."""
    code = (
        "import signal, subprocess, sys\n"
        "from registry_core.registry.child_process import leave_signals_to_parent\n"
        "leave_signals_to_parent()\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "child.terminate()\n"
        "sys.exit(0 if child.wait(10) == -signal.SIGTERM else 1)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
