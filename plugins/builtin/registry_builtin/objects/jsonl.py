"""Log of training steps as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry_core.components import Every, Run, Step, hookimpl
from registry_core.components.run_files import AppendedFile, replace_file
from registry_core.diagnostics.json_text import json_text


class StepLog:
    """Writes the loss of steps to a file in the run directory."""

    file: AppendedFile | None = None

    def __init__(self, file: str, every: Every) -> None:
        self.name = file
        self.every = every
        self.unwritten = ""
        """Lines that the run before a resume could not write."""

    @hookimpl
    def run_started(self, run: Run) -> None:
        """Begin the file, without the lines after the start of this run."""
        path = run.directory / self.name
        kept = [*_lines_up_to(path, run.start.step), self.unwritten] if path.exists() else []
        replace_file(path, "".join(kept))
        self.file = AppendedFile(path)

    @hookimpl
    def step_ended(self, step: Step) -> None:
        """Write a line if one is due."""
        position = step.position
        epoch_ended = position.batch == 0
        if self.file is None or not self.every.due(
            step=position.step, epochs_done=position.epoch, epoch_ended=epoch_ended
        ):
            return
        epoch = position.epoch if epoch_ended else position.epoch + 1
        line = {"step": position.step, "epoch": epoch, "samples": step.samples, "loss": float(step.loss)}
        self.file.write(f"{json_text(line)}\n".encode())

    @hookimpl
    def metrics_measured(self) -> None:
        """Write all lines, so that they can be read."""
        if self.file is not None:
            self.file.flush()

    @hookimpl
    def checkpoint_saving(self) -> None:
        """Write all lines to the disk."""
        if self.file is not None:
            self.file.sync()

    @hookimpl
    def run_ended(self) -> None:
        """Write the last lines."""
        if self.file is not None:
            self.file.flush()

    def state_dict(self) -> dict[str, Any]:
        """Return the lines that could not be written."""
        return {"unwritten": "" if self.file is None else self.file.waiting.decode()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the lines."""
        self.unwritten = state["unwritten"]


def _lines_up_to(path: Path, step: int) -> list[str]:
    """Return the intact lines of steps up to ``step``; a crash may have truncated the last line."""
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        try:
            if line.endswith("\n") and json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, LookupError, TypeError, RecursionError):
            continue
    return kept
