"""The run directory: the files that are needed to read, resume and repeat a run.

lock                held by the process that runs in the directory
run.json            the identity of the run, which its checkpoints have too, and the run that it continues, if it does
pipeline.json       the resolved spec in force: a pipeline file with all variables, and all defaults that a file can say
changes.jsonl       one object per resume that changed the pipeline or the environment: the step, and what changed
environment.json    Python, torch, device, and every plugin used with version and file hashes
init.txt            every parameter with its shape and the rule of `init` that filled it, if any
parameters.txt      every parameter with its group, and the options of each group
weights.txt         if the run starts from weights: every tensor of the file and of the model, and their matches
metrics.jsonl       one object per line: step, epoch, and the metrics
checkpoints/        see ``checkpoint``
skipped.jsonl       if faulty samples were skipped: one object for each, with section, index, path and reason
summary.json        at the end: best and last value of each metric, steps, seconds, images per second
"""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from registry_core.components import Row
from registry_core.components.run_files import replace_file
from registry_core.config import Spec
from registry_core.config.dump import pipeline_text, recorded
from registry_core.config.run_layout import CHECKPOINTS, is_unfinished, open_own
from registry_core.diagnostics import RunError
from registry_core.diagnostics.json_text import json_text
from registry_core.engine.claim import LOCK
from registry_core.engine.provenance import environment, plugins
from registry_core.engine.rows import Rows, cannot_write

_BEFORE_THE_FIRST_STEP = {
    LOCK, "run.json", "pipeline.json", "environment.json", "init.txt", "parameters.txt", "weights.txt",
}  # fmt: skip
_MAX_FACTS = 10_000_000
"""Bytes of a JSON file of the run directory."""


class RunDirectory:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / CHECKPOINTS
        self.pipeline = path / "pipeline.json"
        self.rows = Rows(path / "metrics.jsonl")
        self.changes = Rows(path / "changes.jsonl")
        self.skipped = Rows(path / "skipped.jsonl")
        self.summary = path / "summary.json"

    def refuse_taken(self) -> None:
        """Raise RunError if it is not empty; files of a run without a step are ignored."""
        there = {entry.name for entry in self.path.iterdir() if not is_unfinished(entry)}
        if there - _BEFORE_THE_FIRST_STEP:
            message = f"The folder {str(self.path)!r} is not empty."
            raise RunError(message, "Choose another with --out, or resume that run with --resume.")

    def refuse_what_leads_outside(self) -> None:
        """Raise RunError for links out of the directory, and for pipes and devices: a run would write through them.

        Those among the checkpoints are not followed, and do no harm.
        """
        for message in self.leading_outside():
            raise RunError(message, "Remove it, or resume a copy of the run without it.")

    def leading_outside(self) -> Iterator[str]:
        """A sentence for each link out of the directory, pipe and device."""
        inside = Path(os.path.realpath(self.path))
        for entry in _entries(self.path, self.checkpoints):
            leads_out = entry.is_symlink() and not _is_below(entry.path, inside)
            if leads_out or not (entry.is_dir() or entry.is_file()):
                what = "a link out of the run directory" if leads_out else "neither a file nor a folder"
                yield f"{entry.path!r} is {what}, and nothing is written through it."

    @classmethod
    def create(
        cls, path: Path, spec: Spec, device: Any, tables: Mapping[str, str], parent: Mapping[str, Any] | None = None
    ) -> RunDirectory:
        """A new run directory with the files of a run's start; ``tables`` are texts by file name.

        ``parent`` describes the checkpoint of another run that it goes on from.
        """
        run = cls(path)
        identity: dict[str, Any] = {"run": uuid.uuid4().hex}
        run._write_json("run.json", identity if parent is None else {**identity, "continues": dict(parent)})
        run._write("pipeline.json", pipeline_text(recorded(spec)))
        run._write_json("environment.json", {**environment(device), "plugins": plugins(spec)})
        for name, text in tables.items():
            run._write(name, text + "\n")
        return run

    def identity(self) -> str | None:
        """The identity of the run; None if ``run.json`` is missing or damaged."""
        found = self.facts("run.json").get("run")
        return found if isinstance(found, str) and found else None

    def continues(self) -> dict[str, Any] | None:
        """The identity of the run that it continues, as ``run``, and its ``checkpoint``; None if it continues none."""
        found = self.facts("run.json").get("continues")
        return found if isinstance(found, dict) else None

    def has_saved_nothing(self) -> bool:
        """True for a run that began with the first step and was killed before its first checkpoint."""
        saved = self.checkpoints.is_dir() and not all(map(is_unfinished, self.checkpoints.iterdir()))
        return not (saved or self.summary.exists() or self.continues()) and self.identity() is not None

    def identify(self, run: str) -> None:
        """Write ``run.json`` again, with the identity that the checkpoints have."""
        self._write_json("run.json", {"run": run})

    def change(self, step: int, spec: Spec, changes: Mapping[str, Any]) -> None:
        """Put another pipeline into force and, if ``changes`` has anything, note what changed at which step."""
        if changes:
            line = {"step": step, **changes}
            if line not in self.changes.read():
                self.changes.keep_up_to(step, lambda _: None)
                self.changes.append(line)
        self._write("pipeline.json", pipeline_text(recorded(spec)))

    def write(self, row: Row) -> None:
        """Append a row to metrics.jsonl."""
        self.rows.append({"step": row.step, "epoch": row.epoch, **row.values})

    def list_skipped_anew(self, samples: Sequence[Mapping[str, Any]]) -> None:
        """Write skipped.jsonl anew; without any samples there is no such file."""
        if samples:
            self._write("skipped.jsonl", "".join(json_text(sample) + "\n" for sample in samples))
        else:
            self.skipped.path.unlink(missing_ok=True)

    def summarise(self, better: Mapping[str, str], facts: dict[str, Any]) -> dict[str, Any]:
        """Write summary.json: ``facts``, and the best and last value of each metric with a better direction."""
        metrics: dict[str, Any] = {}
        for row in self.rows.read():
            for name in better:
                if name in row:
                    seen = metrics.setdefault(name, {"best": None, "best_step": None})
                    _note(seen, row[name], row["step"], higher=better[name] == "higher")
        summary = {**facts, "metrics": metrics}
        self._write_json("summary.json", summary)
        return summary

    def _write_json(self, name: str, data: Any) -> None:
        self._write(name, json_text(data, indent=2, ensure_ascii=False) + "\n")

    def _write(self, name: str, text: str) -> None:
        try:
            replace_file(self.path / name, text)
        except OSError as error:
            then = "resume the run" if self.pipeline.exists() else "start the run again"
            raise cannot_write(self.path / name, error, then) from error

    def facts(self, name: str) -> dict[str, Any]:
        """The content of a JSON file such as ``run.json``; empty if it is missing or damaged."""
        try:
            with open_own(self.path / name) as file:
                found = json.loads(file.read(_MAX_FACTS))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def _entries(folder: Path, besides: Path) -> Iterator[os.DirEntry[str]]:
    """All entries of a folder and of those in it, without the content of one of them."""
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry
            if Path(entry.path) != besides and entry.is_dir(follow_symlinks=False):
                yield from _entries(Path(entry.path), besides)


def _is_below(path: str, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(folder)


def _note(seen: dict[str, Any], value: Any, step: int, *, higher: bool) -> None:
    """Note a value of a metric as the last, and as the best if it is; null is a value that was not finite."""
    seen["last"] = value
    best = seen["best"]
    finite = isinstance(value, (int, float)) and math.isfinite(value)
    if finite and (best is None or (value > best if higher else value < best)):
        seen.update(best=value, best_step=step)
