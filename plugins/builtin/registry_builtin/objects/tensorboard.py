"""Scalars for TensorBoard."""

from __future__ import annotations

from typing import Any

from tensorboardX import SummaryWriter

from registry_core.components import Row, Run, hookimpl


class TensorBoard:
    """Writes every row of metrics as scalars."""

    writer: Any = None

    @hookimpl
    def run_started(self, run: Run) -> None:
        """Open the event file; what an interrupted run wrote after this start is purged."""
        step = run.start.step
        self.writer = SummaryWriter(
            logdir=str(run.directory / "tensorboard"),
            purge_step=step + 1 if step else None,
            filename_suffix=f".from-{step:08d}",  # two files of one second would have the same name
        )

    @hookimpl
    def metrics_measured(self, row: Row) -> None:
        """Write a scalar for each metric and learning rate."""
        for name, value in row.values.items():
            self.writer.add_scalar(name, value, row.step)

    @hookimpl
    def run_ended(self) -> None:
        """Close the event file."""
        if self.writer is not None:
            self.writer.close()
