"""Hooks: progress, logs, checkpoints and early stopping."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from registry_core.components import Every, Hook, Horizon, Interval
from registry_core.components.types import NonNegativeFloat, PositiveInt, matching, text_schema

_FILE_NAME = r"^[\w.-]+$"
FileName = Annotated[str, matching(_FILE_NAME, "a file name without folders"), text_schema(_FILE_NAME)]
"""Letters, digits, `_`, `-` and `.`."""

_OF_A_RUN = (
    "checkpoints", "environment.json", "init.txt", "metrics.jsonl", "parameters.txt", "pipeline.json", "scalars.json",
    "summary.json", "tensorboard", "weights.txt",
)  # fmt: skip


class Progress(Hook):
    """Show a progress bar with the remaining time and the newest metrics, drawn by rich on stderr.

    Where stderr is not a terminal, a line is printed for every row of metrics instead. Never reads the device.
    """

    target = "registry_builtin.objects.progress:Progress"
    distinct_by: ClassVar[tuple[str, ...]] = ()


class Jsonl(Hook):
    """Write training steps, one JSON object a line: step, epoch (from 1), samples, and the loss of that step.

    Denser than the ``metrics.jsonl`` that every run keeps. Reading the loss waits for the device: on a GPU prefer an
    interval of many steps. A resumed run drops the lines after its start.
    """

    target = "registry_builtin.objects.jsonl:StepLog"
    distinct_by: ClassVar[tuple[str, ...]] = ("file",)
    file: FileName = Field(default="steps.jsonl", description="Name of the file in the run directory.")
    every: Interval = Field(default=Every(1, "step"), description="How often a line is written.")

    @field_validator("file")
    @classmethod
    def _is_free(cls, file: str) -> str:
        if file in _OF_A_RUN or not file.strip("."):
            raise ValueError(f"{file!r} is a name that every run directory has: choose another, such as steps.jsonl")
        return file


class Checkpoint(Hook):
    """Save checkpoints, keep the newest ones, and remember the best.

    A run saves one at its end, or when it is interrupted, in any case; this hook adds those in between.
    """

    target = "registry_builtin.objects.checkpointing:Checkpoint"
    every: Interval = Field(default=Every(1, "epoch"), description="How often one is saved.")
    keep: PositiveInt = Field(default=2, description="How many of the newest are kept; the best one is kept besides.")
    best: str | None = Field(default=None, description="Metric of the best checkpoint, such as val/accuracy.")

    def max_checkpoints(self, horizon: Horizon) -> int:
        """The newest ones and the best, in a short run fewer."""
        if self.best is not None:  # it is saved whenever it is measured
            return min(horizon.total_steps, self.keep + 1)
        return min(horizon.count(self.every.unit) // self.every.count, self.keep)


class EarlyStopping(Hook):
    """End the run when a metric has not improved for a number of evaluations.

    An improvement is a change of more than ``min_delta`` in the better direction, which the metric itself declares.
    """

    target = "registry_builtin.objects.early_stopping:EarlyStopping"
    monitor: str = Field(default="val/loss", description="The metric that is watched.")
    patience: PositiveInt = Field(default=5, description="Evaluations without improvement until the run ends.")
    min_delta: NonNegativeFloat = Field(default=0.0, description="Least change that counts, in units of the metric.")
    better: Literal["higher", "lower"] | None = Field(
        default=None, description="Which way is better; default: the metric's."
    )
