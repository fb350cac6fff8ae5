"""Hooks: progress, logs, checkpoints and early stopping."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from registry_core.components import Every, Hook, Horizon, Interval, ParameterError
from registry_core.components.types import NonNegativeFloat, PositiveInt, text_matching, text_schema

_FILE_NAME = r"^[\w.-]+$"
FileName = Annotated[str, text_matching(_FILE_NAME, "a file name without folders"), text_schema(_FILE_NAME)]
"""Letters, digits, `_`, `-` and `.`."""

_OF_A_RUN = (
    "checkpoints", "environment.json", "init.txt", "metrics.jsonl", "parameters.txt", "pipeline.json", "scalars.json",
    "summary.json", "tensorboard", "weights.txt",
)  # fmt: skip


class Progress(Hook):
    """Show a progress bar with the remaining time and the latest metrics on stderr, drawn by rich.

    If stderr is not a terminal, one line per row of metrics is printed instead. The hook never synchronizes with the
    device.
    """

    target = "registry_builtin.objects.progress:Progress"
    distinct_by: ClassVar[tuple[str, ...]] = ()


class Jsonl(Hook):
    """Log training steps as JSON lines: step, epoch (from 1), samples, and the loss of the step.

    The log is denser than the ``metrics.jsonl`` of every run. Reading the loss synchronizes with the device: on a GPU,
    prefer an interval of many steps. A resumed run drops the lines after its start.
    """

    target = "registry_builtin.objects.jsonl:StepLog"
    distinct_by: ClassVar[tuple[str, ...]] = ("file",)
    file: FileName = Field(default="steps.jsonl", description="Name of the file in the run directory.")
    every: Interval = Field(default=Every(1, "step"), description="Interval between lines.")

    @field_validator("file")
    @classmethod
    def _is_free(cls, file: str) -> str:
        if file in _OF_A_RUN or not file.strip("."):
            message = f"{file!r} is a reserved name in the run directory"
            raise ParameterError(message, "Choose another name, such as steps.jsonl")
        return file


class Checkpoint(Hook):
    """Save checkpoints during training, keeping the newest ones and the best.

    Every run saves a checkpoint at its end or when it is interrupted; this hook adds those in between.
    """

    target = "registry_builtin.objects.checkpointing:Checkpoint"
    memory_of: ClassVar[tuple[str, ...]] = ("best",)
    every: Interval = Field(default=Every(1, "epoch"), description="Interval between checkpoints.")
    keep: PositiveInt = Field(
        default=2, description="Number of newest checkpoints to keep, in addition to the best one."
    )
    best: str | None = Field(
        default=None, description="Metric that determines the best checkpoint, such as val/accuracy."
    )

    def max_checkpoints(self, horizon: Horizon) -> int:
        """Return the number of newest checkpoints plus the best one; fewer in a short run."""
        if self.best is not None:  # a best checkpoint may be saved at any measurement
            return min(horizon.total_steps, self.keep + 1)
        return min(horizon.count(self.every.unit) // self.every.count, self.keep)


class EarlyStopping(Hook):
    """Stop the run when a metric has not improved for a number of evaluations.

    An improvement is a change of more than ``min_delta`` in the better direction, which the metric itself declares.
    """

    target = "registry_builtin.objects.early_stopping:EarlyStopping"
    memory_of: ClassVar[tuple[str, ...]] = ("monitor", "better")
    monitor: str = Field(default="val/loss", description="Metric to monitor.")
    patience: PositiveInt = Field(
        default=5, description="Number of evaluations without improvement before the run stops."
    )
    min_delta: NonNegativeFloat = Field(
        default=0.0, description="Minimum change that counts as an improvement, in the unit of the metric."
    )
    better: Literal["higher", "lower"] | None = Field(
        default=None, description="Direction of improvement; default: that of the metric."
    )
