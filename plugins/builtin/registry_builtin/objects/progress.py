"""Progress bar on stderr."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from registry_core.components import Row, Run, Step, hookimpl
from registry_core.diagnostics.printable import printable


class Progress:
    """Shows completed steps, remaining time and the latest metrics."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.bar: Bar | None = None

    @hookimpl
    def run_started(self, run: Run) -> None:
        """Start the bar if stderr is a terminal."""
        self.epochs = run.epochs
        if not self.console.is_terminal:
            return
        columns = (TextColumn("epoch {task.fields[epoch]}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Bar(*columns, TextColumn("{task.fields[metrics]}", markup=False), console=self.console)
        self.bar.start()
        self.task = self.bar.add_task(
            "train",
            total=run.total_steps,
            completed=run.start.step,
            epoch=f"{run.start.epoch + 1}/{run.epochs}",
            metrics="",
        )

    @hookimpl
    def step_ended(self, step: Step) -> None:
        """Advance the bar."""
        if self.bar is not None:
            self.bar.update(self.task, completed=step.position.step)

    @hookimpl
    def metrics_measured(self, row: Row) -> None:
        """Show the latest metrics."""
        words = "  ".join(f"{printable(name)} {value:.4g}" for name, value in row.values.items())
        if self.bar is None:
            self.console.print(
                f"epoch {row.epoch}/{self.epochs}  step {row.step}  {words}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
        else:
            self.bar.update(self.task, epoch=f"{row.epoch}/{self.epochs}", metrics=words)

    @hookimpl
    def run_ended(self) -> None:
        """Stop the bar where it is."""
        if self.bar is not None:
            self.bar.stop()
