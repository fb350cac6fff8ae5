"""Log of training steps as JSON lines."""

from __future__ import annotations

import json
from pathlib import Path

from registry_core.components import Every, Run, Step, hookimpl
from registry_core.components.run_files import AppendedFile, replace_file
from registry_core.diagnostics.json_text import json_text


class StepLog:
    """Writes the loss of steps to a file in the run directory."""

    file: AppendedFile | None = None

    def __init__(self, file: str, every: Every) -> None:
        self.name = file
        self.every = every

    @hookimpl
    def run_started(self, run: Run) -> None:
        """Begin the file, without the lines after the start of this run."""
        path = run.directory / self.name
        replace_file(path, "".join(_lines_up_to(path, run.start.step) if path.exists() else []))
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
    def checkpoint_saving(self) -> None:
        """Write all lines to the disk."""
        if self.file is not None:
            self.file.sync()

    @hookimpl
    def run_ended(self) -> None:
        """Write the last lines."""
        if self.file is not None:
            self.file.flush()


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
