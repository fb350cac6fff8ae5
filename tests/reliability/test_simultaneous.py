"""Processes that start at the same moment never run in one directory, and none of their runs is lost."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from reliability.forked import Ended, Forked, command, command_with_others
from reliability.outcome import differences, outcome
from reliability.scratch import scratch
from reliability.small_runs import write_small_run
from reliability.trials import Score, trials

_REFUSED = re.compile(r"The (run directory|folder) '.*?' is (in use by (process \d+|another process)|not empty)\.")


def together(folder: Path, count: int, *arguments: object) -> list[Ended]:
    """The ends of processes that run the same command line at the same moment."""
    meeting = folder / "meeting"
    meeting.mkdir()
    started = [Forked(folder, command_with_others, meeting, count, *arguments) for _ in range(count)]
    ended = [each.end() for each in started]
    shutil.rmtree(meeting)
    return ended


def is_refused(ended: Ended) -> bool:
    """True for a process that was refused with one sentence."""
    return ended.code == 5 and bool(_REFUSED.search(ended.out)) and "Traceback" not in ended.out


def undisturbed(folder: Path, path: Path) -> dict[str, Any]:
    """The outcome of a run that is alone."""
    ended = Forked(folder, command, "train", path, "--out", "whole").end()
    assert ended.code == 0, ended.out
    return outcome(folder / "whole")


def test_starts_without_a_directory_get_one_each() -> None:
    promise = "4 runs that start at the same moment have 4 directories, each with all of its own rows"
    with Score("simultaneous starts", promise) as score, scratch() as folder:
        path = write_small_run(folder, epochs=1)
        expected = undisturbed(folder, path)
        for number in range(trials(3, 50)):
            ended = together(folder, 4, "train", path)
            found = sorted(path.name for path in (folder / "runs").iterdir())
            wrong = [differences(expected, outcome(folder / "runs" / name)) for name in found]
            identities = {json.loads((folder / "runs" / name / "run.json").read_text())["run"] for name in found}
            holds = found == [f"pipeline-{each}" for each in (1, 2, 3, 4)] and len(identities) == 4
            holds = holds and not any(wrong) and all(each.code == 0 for each in ended)
            score.trial(holds, (number, found, wrong, [each.code for each in ended]))
            shutil.rmtree(folder / "runs")


def test_starts_in_one_directory_are_one_run() -> None:
    promise = "of 4 runs that start in one directory at the same moment, one runs and the others are refused"
    with Score("simultaneous starts in one directory", promise) as score, scratch() as folder:
        path = write_small_run(folder, epochs=1)
        expected = undisturbed(folder, path)
        for number in range(trials(3, 50)):
            ended = together(folder, 4, "train", path, "--out", "one")
            holds = sum(each.code == 0 for each in ended) == 1 and sum(map(is_refused, ended)) == 3
            wrong = differences(expected, outcome(folder / "one"))
            score.trial(holds and not wrong, (number, wrong, [(each.code, each.out[-300:]) for each in ended]))
            shutil.rmtree(folder / "one")


def test_resumes_of_one_run_are_one_run() -> None:
    promise = "of 2 resumes of one run at the same moment, one goes on, and the other is refused or finds it done"
    with Score("simultaneous resumes", promise) as score, scratch() as folder:
        path = write_small_run(folder, epochs=2)
        expected = undisturbed(folder, path)
        interrupted = folder / "interrupted"
        started = Forked(folder, command, "train", path, "--out", interrupted)
        assert started.kill_once(interrupted / "checkpoints" / "step-00000010").code == -9
        for number in range(trials(3, 50)):
            run = Path(shutil.copytree(interrupted, folder / "run"))
            ended_both = together(folder, 2, "train", "--resume", run)
            done = [each for each in ended_both if each.code == 0]
            holds = len(done) >= 1 and all(is_refused(each) for each in ended_both if each.code != 0)
            wrong = differences(expected, outcome(run))
            score.trial(holds and not wrong, (number, wrong, [(each.code, each.out[-300:]) for each in ended_both]))
            shutil.rmtree(run)
