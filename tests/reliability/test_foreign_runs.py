"""A run directory of a stranger starts nothing, and changes nothing but itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy
from PIL import Image
from reliability.foreign_runs import FOREIGN, watched
from reliability.forked import Forked, command
from reliability.scratch import scratch
from reliability.small_runs import write_small_run
from reliability.trials import LONG, Score

SECONDS, BYTES = 5, 10**9
_CODES = (0, 2, 3, 4, 5)


def interrupted_run(folder: Path) -> Path:
    """A run that was killed after some steps."""
    path = write_small_run(folder, epochs=2)
    started = Forked(folder, command, "train", path, "--out", "interrupted")
    assert started.kill_once(folder / "interrupted" / "checkpoints" / "step-00000010").code == -9
    return folder / "interrupted"


def content(folder: Path) -> dict[str, Any]:
    """All that is in a folder."""
    return {
        str(path.relative_to(folder)): (path.read_bytes() if path.is_file() else None, path.lstat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def test_foreign_run_directories_change_nothing_but_themselves() -> None:
    promise = "a run directory of a stranger starts no process, opens no socket, imports and writes nothing outside"
    with Score("foreign run directories", promise) as score, scratch() as folder:
        run = interrupted_run(folder)
        image = folder / "image.png"
        Image.fromarray(numpy.zeros((8, 8), numpy.uint8)).save(image)
        changes = {"nothing is changed": lambda *_: None, **FOREIGN}
        for number, (kind, change) in enumerate(changes.items()):
            case = folder / "case"
            outside = case / "outside"
            outside.mkdir(parents=True)
            foreign = Path(shutil.copytree(run, case / "run", symlinks=True))
            change(foreign, outside)
            before = content(outside)
            readers: list[list[object]] = [["eval", foreign], ["predict", foreign, image]]
            for arguments in [*(readers if LONG else readers[number % 2 :][:1]), ["train", "--resume", foreign]]:
                report = folder / "report"
                ended = Forked(case, watched, foreign, report, *arguments).end()
                facts = json.loads(report.read_text())
                holds = ended.code in _CODES and "Traceback" not in ended.out and not facts["harm"]
                holds = holds and facts["seconds"] < SECONDS and facts["bytes"] < BYTES and content(outside) == before
                holds = holds and not list(case.rglob("HARM"))
                score.trial(
                    holds, (kind, arguments[0], ended.code, ended.out[-500:], facts, content(outside) == before)
                )
                report.unlink()
            shutil.rmtree(case)
