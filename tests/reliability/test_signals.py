"""Signals at random moments: the last finished step is saved, the exit code is stated, and no process is left."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reliability.outcome import differences, outcome
from reliability.runs import HERE, LIMIT, STARTING, Ended, StartedRun, handled, last_step, saved_step, write
from reliability.trials import Score, generator, trials

PHASES = ("step", "evaluating", "saving")
"""The words of the marks that begin training, an evaluation and a checkpoint."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


def rare(*parameters: object) -> Any:
    """Parameters of a test that is left out where time is short."""
    return pytest.param(*parameters, marks=pytest.mark.exhaustive)


@pytest.fixture(autouse=True)
def _no_process_is_left() -> object:
    """Kill what a test that fails leaves behind."""
    yield
    StartedRun.kill_all()


def faults(run: StartedRun, ended: Ended, number: signal.Signals) -> list[object]:
    """What does not hold of the things that hold after any signal."""
    found: list[object] = []
    if ended.code != 128 + number or "Traceback" in ended.err or ended.seconds > LIMIT:
        found.append(ended)
    return found + run.orphans()


def faults_of_saving(run: StartedRun) -> list[object]:
    """How the latest checkpoint differs from the last finished step."""
    steps = saved_step(run.out), last_step(run.marks())
    return [] if steps[0] == steps[1] else [steps]


@pytest.mark.parametrize(
    ("name", "to", "workers"),
    [
        ("SIGTERM", "group", 2),
        ("SIGHUP", "group", 0),
        ("SIGUSR1", "process", 2),
        rare("SIGTERM", "group", 0),
        *(rare("SIGTERM", "process", workers) for workers in (0, 2)),
        *(rare("SIGINT", "group", workers) for workers in (0, 2)),
        rare("SIGHUP", "group", 2),
        rare("SIGUSR1", "process", 0),
        *(rare("SIGUSR2", "group", workers) for workers in (0, 2)),
        *(rare("SIGXCPU", "process", workers) for workers in (0, 2)),
    ],
)
def test_a_signal_saves_the_last_finished_step(name: str, to: str, workers: int, tmp_path: Path) -> None:
    random = generator("signals", name, to, workers)
    pipeline = write(tmp_path, data__workers=workers, train__epochs=500)
    promise = f"the last finished step is saved, the exit code is 128 + the signal's, within {LIMIT:g} s, and no orphan"
    with Score(f"{name} to the {to}, {workers} workers", promise) as score:
        for trial in range(trials(1, 30)):
            run = StartedRun.train(pipeline, tmp_path / f"run-{trial}")
            run.wait_for_mark(random.choice(PHASES), random.randint(1, 4))
            time.sleep(random.uniform(0, 0.05))
            run.send(signal.Signals[name], to=to)
            ended = run.end()
            found = faults(run, ended, signal.Signals[name]) + faults_of_saving(run)
            if f"Resume with: registry-core train --resume {run.out}" not in ended.out:
                found.append(ended.out)
            score.trial(not found, found)


@pytest.mark.parametrize("workers", [2, rare(0)])
def test_two_signals_end_a_run_at_once(workers: int, tmp_path: Path) -> None:
    random = generator("two signals", workers)
    pipeline = write(tmp_path, data__workers=workers, train__epochs=500)
    promise = f"the run ends within {LIMIT:g} s with the exit code of the signal, and no orphan"
    with Score(f"two SIGINT, {workers} workers", promise) as score:
        for trial in range(trials(1, 30)):
            run = StartedRun.train(pipeline, tmp_path / f"run-{trial}")
            run.wait_for_mark(random.choice(PHASES), random.randint(1, 8))
            time.sleep(random.uniform(0, 0.05))
            run.send(signal.SIGINT, to="group")
            time.sleep(random.uniform(0, 0.3))
            run.send(signal.SIGINT, to="group")
            found = faults(run, run.end(), signal.SIGINT)
            score.trial(not found, found)


@pytest.mark.exhaustive
def test_signals_to_a_loader_process_change_nothing(tmp_path: Path) -> None:
    random = generator("signals to a worker")
    expected = _whole(tmp_path)
    pipeline = write(tmp_path, data__workers=2)
    with Score("signals to a loader process", "the run goes on, and ends with the same bits") as score:
        for trial in range(trials(1, 30)):
            run = StartedRun.train(pipeline, tmp_path / f"run-{trial}")
            for _ in range(4):
                if run.wait_for_mark("step", random.randint(1, 60)) and run.wait_for(_has_children(run)):
                    run.send(random.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1]), to="child")
            ended = run.end()
            failed = ended.code or "Traceback" in ended.err
            found = [ended] if failed else differences(expected, outcome(run.out))
            score.trial(not found, found)


def _whole(folder: Path) -> dict[str, object]:
    """The outcome of the run that nothing interrupts."""
    run = StartedRun.train(write(folder), folder / "whole")
    ended = run.end()
    assert ended.code == 0, ended
    return outcome(run.out)


def _has_children(run: StartedRun) -> Callable[[], bool]:
    return lambda: bool(run.children())


@pytest.mark.parametrize("workers", [2, rare(0)])
def test_a_chain_of_interruptions_changes_no_bit(workers: int, tmp_path: Path) -> None:
    random = generator("chain of signals", workers)
    expected = _whole(tmp_path)
    pipeline = write(tmp_path, data__workers=workers)
    promise = "a run that is interrupted and resumed again and again ends with the same bits"
    with Score(f"chains of signals, {workers} workers", promise) as score:
        for chain in range(trials(1, 10)):
            run = StartedRun.train(pipeline, tmp_path / f"run-{chain}")
            while run.wait_for_marks(len(run.marks()) + random.randint(1, 150)):
                run.send(random.choice([signal.SIGTERM, signal.SIGHUP, signal.SIGINT]), to="group")
                ended = run.end()
                score.trial(ended.code in (129, 130, 143), ended)
                run = StartedRun.resume(run.out)
            found = differences(expected, outcome(run.out)) if run.end().code == 0 else ["it failed"]
            score.trial(not found, found)


@pytest.mark.parametrize(
    ("act", "section"), [("hang", "train"), ("loop", "val"), rare("loop", "train"), rare("hang", "val")]
)
def test_a_loader_process_that_never_answers_ends_at_the_first_signal(act: str, section: str, tmp_path: Path) -> None:
    dataset = {"noise": {"length": 240, "act": act, "at": 100}}
    pipeline = write(tmp_path, data__workers=2, **{f"data__{section}__dataset": dataset})
    run = StartedRun.train(pipeline, tmp_path / "run")
    assert run.wait_for_mark("evaluating" if section == "val" else "step")
    time.sleep(1)  # until it hangs
    run.send(signal.SIGTERM)
    assert faults(run, run.end(), signal.SIGTERM) + faults_of_saving(run) == []


@pytest.mark.parametrize("act", ["loop", rare("hang")])
def test_a_sample_that_never_comes_ends_at_the_second_signal(act: str, tmp_path: Path) -> None:
    """In the training process no signal can interrupt it; the user is told so."""
    pipeline = write(tmp_path, data__train__dataset={"noise": {"length": 240, "act": act, "at": 100}})
    run = StartedRun.train(pipeline, tmp_path / "run")
    assert run.wait_for_mark("started")
    time.sleep(1)
    run.send(signal.SIGINT)
    time.sleep(1.5)
    assert not run.has_ended
    run.send(signal.SIGINT)
    ended = run.end()
    assert faults(run, ended, signal.SIGINT) == []
    assert "SIGINT: stopping as soon as possible. A second signal ends the process at once." in ended.err


def test_a_signal_that_comes_twice_at_once_is_one(tmp_path: Path) -> None:
    """As `timeout` sends it: to the process and to its group."""
    run = StartedRun.train(write(tmp_path, data__workers=2, train__epochs=500), tmp_path / "run")
    assert run.wait_for_mark("step", 5)
    run.send(signal.SIGTERM)
    time.sleep(0.01)
    run.send(signal.SIGTERM, to="group")
    assert faults(run, run.end(), signal.SIGTERM) + faults_of_saving(run) == []


@pytest.mark.parametrize("act", ["hang", rare("")])
def test_no_process_outlives_a_run_that_is_killed(act: str, tmp_path: Path) -> None:
    dataset = {"noise": {"length": 240, "act": act, "at": 100 if act else -1, "in_worker": True}}
    pipeline = write(tmp_path, data__workers=2, train__epochs=500, data__train__dataset=dataset)
    run = StartedRun.train(pipeline, tmp_path / "run")
    assert run.wait_for_mark("started")
    time.sleep(1)
    run.send(signal.SIGKILL)
    assert run.end().code == -signal.SIGKILL
    assert run.orphans() == []


@pytest.mark.parametrize("name", ["SIGINT", rare("SIGTERM"), rare("SIGHUP")])
def test_a_signal_before_the_first_step(name: str, tmp_path: Path) -> None:
    """While modules are imported, and the run is built: one sentence, and nothing is left that is not whole."""
    random = generator("early signals", name)
    pipeline = write(tmp_path, train__epochs=500, data__workers=2)
    with Score(f"{name} before the first step", "no traceback, and either no run directory or a checkpoint") as score:
        for trial in range(trials(1, 30)):
            run = StartedRun.train(pipeline, tmp_path / f"run-{trial}", fresh=True)
            assert run.wait_for(_handles_signals(run))
            time.sleep(random.uniform(0, 3))
            run.send(signal.Signals[name])
            ended = run.end()
            found = faults(run, ended, signal.Signals[name])
            if (run.out / "checkpoints").exists():
                found += faults_of_saving(run)
            elif ended.err != f"Interrupted by {name}.\n" or run.out.exists():
                found.append(ended)
            score.trial(not found, found)


@pytest.mark.parametrize("signalling", ["{}", "exec('{}')"], ids=["in a function", "in a text that is executed"])
def test_a_signal_while_the_run_is_built(signalling: str, tmp_path: Path) -> None:
    """Python would end itself by SIGINT for KeyboardInterrupt in executed text, as that of a dataclass is."""
    (tmp_path / "interrupting.py").write_text(
        "import os, signal\n"
        "from reliability_parts import Noise\n"
        "class Interrupting(Noise):\n"
        "    def __init__(self, length: int):\n"
        "        super().__init__(length)\n"
        f"        {signalling.format('os.kill(os.getpid(), signal.SIGHUP)')}\n"
        "REGISTRY_CORE = {'dataset/interrupting': Interrupting}\n"
    )
    pipeline = write(tmp_path, data__train__dataset={"interrupting": {"length": 240}})
    arguments = ["train", pipeline, "--out", tmp_path / "run", "-p", "reliability_parts", "-p", "interrupting"]
    path = os.pathsep.join([str(tmp_path), str(HERE), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-m", "registry_core", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGHUP, "Interrupted by SIGHUP.\n")
    assert not (tmp_path / "run").exists()


def _handles_signals(run: StartedRun) -> Callable[[], bool]:
    return lambda: signal.SIGUSR2 in handled(run.pid)


@pytest.mark.exhaustive
def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """As `nohup` sets it."""
    pipeline = write(tmp_path, data__workers=2)
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run = StartedRun.train(pipeline, tmp_path / "run", fresh=True)
    finally:
        signal.signal(signal.SIGHUP, handler)
    assert run.wait_for_mark("step", 3)
    run.send(signal.SIGHUP, to="group")
    assert run.end().code == 0


def test_a_terminal_that_is_closed(tmp_path: Path) -> None:
    """Nothing can be written to it any more; the run is saved all the same."""
    pipeline = write(tmp_path, data__workers=2, train__epochs=500, hooks=["marks", "progress"])
    command = [sys.executable, "-m", "registry_core", "train", str(pipeline), "--out", str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{os.environ.get('PYTHONPATH', '')}", "TERM": "xterm"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*command, "-p", "reliability_parts"], environment)
    marks = tmp_path / "run" / "marks"
    until = time.monotonic() + STARTING
    while not (marks.exists() and "step 5\n" in marks.read_text()) and time.monotonic() < until:
        os.read(terminal, 4096)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGHUP
    assert saved_step(tmp_path / "run") == last_step(marks.read_text().splitlines())


@pytest.mark.parametrize("workers", [2, rare(0)])
def test_an_evaluation_of_a_run_is_interrupted(workers: int, tmp_path: Path) -> None:
    pipeline = write(
        tmp_path,
        data__workers=workers,
        data__val__dataset={"noise": {"length": 120, "act": "hang", "at": 100}},
        train={"max_steps": 1, "evaluate_every": None},
        optim={"optimizer": {"sgd": {"lr": 0.1}}},
        hooks=[],
    )
    assert StartedRun.train(pipeline, tmp_path / "run").end().code == 0
    run = StartedRun("eval", tmp_path / "run", out=tmp_path / "run")
    if workers:
        assert run.wait_for(_has_children(run))
    time.sleep(1 if workers else 4)
    run.send(signal.SIGINT, to="group")
    ended = run.end()
    assert faults(run, ended, signal.SIGINT) == []
    assert ended.err == "Interrupted by SIGINT.\n"


@pytest.mark.parametrize(
    "arguments",
    [["validate", "FILE", "--data"], ["list"], rare(["doctor"]), rare(["schema"]), rare(["plan", "FILE"])],
)
def test_any_command_ends_at_a_signal(arguments: list[str], tmp_path: Path) -> None:
    random = generator("commands", *arguments)
    pipeline = write(tmp_path)
    command = [pipeline if word == "FILE" else word for word in arguments]
    with Score(f"Ctrl-C in {' '.join(arguments)}", "exit code 130 at once, no traceback and no orphan") as score:
        for _ in range(trials(1, 30)):
            run = StartedRun(*command, out=tmp_path)
            assert run.wait_for(_handles_signals(run))
            time.sleep(random.uniform(0, 1))
            run.send(signal.SIGINT, to=random.choice(["group", "process"]))
            ended = run.end()
            holds = ended.code in (0, 130) and "Traceback" not in ended.err and not run.orphans()
            score.trial(holds, ended)


def test_programs_that_a_loader_process_starts_heed_signals() -> None:
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
