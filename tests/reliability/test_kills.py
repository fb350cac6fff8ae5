"""Runs that are killed at random moments, again and again, leave the same as one that was not."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from reliability.forked import Ended, Forked, command
from reliability.outcome import differences, outcome
from reliability.scratch import scratch
from reliability.small_runs import write_small_run
from reliability.trials import Score, generator, trials


@pytest.mark.parametrize(("workers", "accumulate"), [(0, 1), (2, 4)])
def test_kills_at_random_moments_change_nothing(workers: int, accumulate: int) -> None:
    random = generator("kills", workers, accumulate)
    promise = "a run that is killed at any moment and resumed has the same weights, rows, logs and best checkpoint"
    with Score(f"kills, {workers} workers", promise) as score, scratch() as folder:
        path = write_small_run(folder, workers=workers, accumulate=accumulate, epochs=2)
        expected, seconds = undisturbed(folder, path)
        kills = chains = 0
        while kills < trials(50, 500):
            chains += 1
            out = folder / f"chain-{chains}"
            ended = list(killed_until_done(folder, path, out, lambda: random.uniform(0.05, 1.0) * seconds))
            for each in ended[:-1]:
                score.trial(each.code == -9, each.out)
            kills += len(ended) - 1
            found = differences(expected, outcome(out)) if ended[-1].code == 0 else ended[-1].out
            score.trial(not found, (out.name, found))
            shutil.rmtree(out)


def undisturbed(folder: Path, path: Path) -> tuple[dict[str, Any], float]:
    """The outcome of a run that is not interrupted, and its seconds."""
    Forked(folder, command, "train", path, "--out", "first").end()  # it makes the process server import everything
    began = time.monotonic()
    whole = Forked(folder, command, "train", path, "--out", "whole").end()
    seconds = time.monotonic() - began
    assert whole.code == 0, whole.out
    expected = outcome(folder / "whole")
    assert expected["scalars"]
    assert expected["steps"]
    return expected, seconds


def killed_until_done(folder: Path, path: Path, out: Path, seconds: Callable[[], float]) -> Iterator[Ended]:
    """Start or resume a run and kill it, again and again, until one comes to its end."""
    while True:
        arguments = ["--resume", out] if (out / "pipeline.json").exists() else [path, "--out", out]
        ended = Forked(folder, command, "train", *arguments).kill_after(seconds())
        yield ended
        if ended.code != -9:
            return


def test_a_resume_without_the_state_would_be_seen() -> None:
    """The control: weights alone, with everything else from the start, end elsewhere."""
    with scratch() as folder:
        path = write_small_run(folder)
        expected, _ = undisturbed(folder, path)
        out = folder / "control"
        Forked(folder, command, "train", path, "--out", out, "--set", "train.epochs=1").end()
        weights = out / "checkpoints" / "step-00000015" / "model.safetensors"
        tuned = ["--set", f"finetune={{weights: {weights}}}", "--set", "train.epochs=2"]
        again = Forked(folder, command, "train", path, "--out", folder / "again", *tuned).end()
        assert again.code == 0, again.out
        assert {"weights", "state"} <= {*differences(expected, outcome(folder / "again"))}


def test_a_kill_between_a_save_and_its_pointers_is_made_good() -> None:
    """The newest checkpoint is there, while ``latest`` and ``best`` still name an older one."""
    with scratch() as folder:
        path = write_small_run(folder, epochs=2)
        expected, _ = undisturbed(folder, path)
        out = Path(shutil.copytree(folder / "whole", folder / "killed"))
        for pointer in ("latest", "best"):
            (out / "checkpoints" / pointer).write_text(expected["checkpoints"][-1])
        assert "pointers" in differences(expected, outcome(out))
        assert Forked(folder, command, "train", "--resume", out).end().code == 0
        assert differences(expected, outcome(out)) == []
