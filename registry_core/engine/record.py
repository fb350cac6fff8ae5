"""The run directory: the files that are needed to read, resume and repeat a run.

pipeline.json       the resolved spec: a pipeline file with all variables, and all defaults that a file can say, filled in
environment.json    Python, torch, device, and every plugin used with version and file hashes
init.txt            every parameter with its shape and the rule of `init` that filled it, if any
parameters.txt      every parameter with its group, and the options of each group
weights.txt         if the run starts from weights: every tensor of the file and of the model, and their matches
metrics.jsonl       one object per line: step, epoch, and the metrics
checkpoints/        see ``checkpoint``
summary.json        at the end: best and last value of each metric, steps, seconds, images per second
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry_core.analysis.machine import unwritable
from registry_core.components import Row
from registry_core.config import Spec
from registry_core.config.dump import pipeline_text, recorded
from registry_core.config.run_layout import CHECKPOINTS
from registry_core.diagnostics import RunError
from registry_core.diagnostics.json_text import json_text
from registry_core.engine.provenance import environment, plugins

_BEFORE_THE_FIRST_STEP = {"pipeline.json", "environment.json", "init.txt", "parameters.txt", "weights.txt"}


class RunDirectory:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / CHECKPOINTS
        self.pipeline = path / "pipeline.json"
        self.metrics = path / "metrics.jsonl"
        self.summary = path / "summary.json"

    def refuse_taken(self) -> None:
        """Raise RunError if it is not writable or not empty; files of a run without a step are ignored."""
        if reason := unwritable(self.path):
            raise RunError(
                f"The run directory {str(self.path)!r} cannot be made: {reason}.", "Choose another with --out."
            )
        if not self.path.exists():
            return
        if {entry.name for entry in self.path.iterdir()} - _BEFORE_THE_FIRST_STEP:
            message = f"The folder {str(self.path)!r} is not empty."
            raise RunError(message, "Choose another with --out, or resume that run with --resume.")

    @classmethod
    def create(cls, path: Path, spec: Spec, device: Any, tables: Mapping[str, str]) -> RunDirectory:
        """A new run directory with the files of a run's start; ``tables`` are texts by file name."""
        run = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            run.pipeline.write_text(pipeline_text(recorded(spec)), encoding="utf-8")
            _write_json(path / "environment.json", {**environment(device), "plugins": plugins(spec)})
            for name, text in tables.items():
                (path / name).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            message = f"The run directory {str(path)!r} cannot be made: {error.strerror}."
            raise RunError(message, "Choose another.") from error
        return run

    def plugins_used(self) -> dict[str, Any]:
        """The distributions that the run was started with, from ``environment.json``."""
        try:
            found: Any = json.loads((self.path / "environment.json").read_text(encoding="utf-8"))["plugins"]
        except (OSError, ValueError, KeyError, TypeError):  # the file is informative: the run does not need it
            return {}
        is_whole = isinstance(found, dict) and all(isinstance(facts, dict) for facts in found.values())
        return found if is_whole else {}

    def write(self, row: Row) -> None:
        """Append a row to metrics.jsonl."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json_text({"step": row.step, "epoch": row.epoch, **row.values}) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl, up to the first line that is damaged, as by a crash."""
        if not self.metrics.exists():
            return []
        found = []
        for line in self.metrics.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                break
            if not isinstance(row, dict) or not isinstance(row.get("step"), int):
                break
            found.append(row)
        return found

    def forget_after(self, step: int) -> None:
        """Drop the rows after a step, which a resumed run will measure again."""
        kept = "".join(json_text(row) + "\n" for row in self.rows() if row["step"] <= step)
        temporary = self.metrics.with_suffix(".tmp")
        temporary.write_text(kept, encoding="utf-8")
        temporary.replace(self.metrics)

    def summarise(self, better: Mapping[str, str], facts: dict[str, Any]) -> dict[str, Any]:
        """Write summary.json: ``facts``, and the best and last value of each metric with a better direction."""
        metrics: dict[str, Any] = {}
        for row in self.rows():
            for name in better:
                if name in row:
                    seen = metrics.setdefault(name, {"best": None, "best_step": None})
                    _note(seen, row[name], row["step"], higher=better[name] == "higher")
        summary = {**facts, "metrics": metrics}
        _write_json(self.summary, summary)
        return summary


def _note(seen: dict[str, Any], value: Any, step: int, *, higher: bool) -> None:
    """Note a value of a metric as the last, and as the best if it is; null is a value that was not finite."""
    seen["last"] = value
    best = seen["best"]
    finite = isinstance(value, (int, float)) and math.isfinite(value)
    if finite and (best is None or (value > best if higher else value < best)):
        seen.update(best=value, best_step=step)


def new_run_path(name: str) -> Path:
    """The first of ``runs/NAME-1``, ``runs/NAME-2``, … that is free."""
    number = 1
    while (path := Path("runs") / f"{name}-{number}").exists():
        number += 1
    return path


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json_text(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
