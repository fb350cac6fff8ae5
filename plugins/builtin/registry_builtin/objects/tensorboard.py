"""Event file of a run, the base of hooks that write to it, and the hook for scalars and text."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from tensorboardX.summary import hparams

from registry_builtin.objects.event_writer import EventWriter
from registry_core.components import Every, Row, Run, Step, hookimpl
from registry_core.components.run_files import replace_file


class EventFile:
    """The single event file of a run.

    There is only one, because TensorBoard reads the files of a folder in sequence: the purge at the start of a second
    file would hide the contents of the first.
    """

    def __init__(self, run: Run) -> None:
        self.folder = run.directory / "tensorboard"
        self.start = run.start.step
        self.users = 0
        self.lines: dict[tuple[str, str], Any] = {}
        self.writer = self._open(self.folder)
        self.writer.flush()
        self.is_completed = False

    def complete(self, unwritten: bytes) -> None:
        """Add what the run before a resume could not write; hooks that share the file call it, and the first does."""
        if not self.is_completed:
            self.is_completed = True
            self.writer.add_waiting(unwritten)

    @classmethod
    def join(cls, run: Run) -> EventFile:
        """Return the event file of a run, which the first caller opens."""
        file: EventFile = run.shared.get("tensorboard") or run.shared.setdefault("tensorboard", cls(run))
        file.users += 1
        return file

    def leave(self) -> None:
        """Close the file if it has no other users."""
        self.users -= 1
        if self.users == 0:
            for writer in (*self.lines.values(), self.writer):
                writer.close()

    def line(self, chart: str, name: str) -> Any:
        """Return the writer of one line of a chart; tensorboardX's own would not purge after a resume."""
        if (chart, name) not in self.lines:
            self.lines[chart, name] = self._open(self.folder / chart / name.replace("/", "_"))
        return self.lines[chart, name]

    def add(self, summary: Any, step: int | None) -> None:
        """Write an existing summary."""
        self.writer.file_writer.add_summary(summary, step)

    def flush(self) -> None:
        """Write all events, so that TensorBoard shows them."""
        for writer in (*self.lines.values(), self.writer):
            writer.flush()

    def sync(self) -> None:
        """Write all events to the disk."""
        for writer in (*self.lines.values(), self.writer):
            writer.sync()

    def _open(self, folder: Path) -> EventWriter:
        return EventWriter(folder, self.start)


class TensorBoardHook:
    """Base of hooks that write to the event file; ``run`` and ``file`` exist once the run has started."""

    run: Run
    file: EventFile
    joined = False
    begun = False
    """True once ``begin`` was called, in this process or before a resume."""
    unwritten = b""
    """Events that the run before a resume could not write."""

    @hookimpl
    def run_started(self, run: Run) -> None:
        """Open the event file, and write what is written once."""
        self.run, self.file, self.joined = run, EventFile.join(run), True
        self.file.complete(self.unwritten)
        self.started()
        if not self.begun:
            self.begun = True
            self.begin(run.start.step)

    @hookimpl
    def checkpoint_saving(self) -> None:
        """Write all events to the disk."""
        if self.joined:
            self.file.sync()

    @hookimpl
    def run_ended(self) -> None:
        """Close the event file."""
        if self.joined:
            try:
                self.ended()
            finally:
                self.file.leave()

    def started(self) -> None:
        """Prepare for a run that starts or resumes."""

    def begin(self, step: int) -> None:
        """Write what is written once per run."""

    def ended(self) -> None:
        """Write what is written at the end of the run."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return {"begun": self.begun, "unwritten": self.file.writer.waiting if self.joined else b""}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state."""
        self.begun, self.unwritten = state["begun"], state.get("unwritten", b"")


class Drawing(TensorBoardHook):
    """Base of hooks that plot once before the first step, and then at an interval."""

    def __init__(self, every: Every) -> None:
        self.every = every

    def begin(self, step: int) -> None:
        """Plot before the first step."""
        self.draw(step, self.run.start.epoch)

    @hookimpl
    def step_ended(self, step: Step) -> None:
        """Plot if it is due."""
        position = step.position
        ended = position.batch == 0
        if self.joined and self.every.due(step=position.step, epochs_done=position.epoch, epoch_ended=ended):
            self.draw(position.step, position.epoch - ended)

    def draw(self, step: int, epoch: int) -> None:
        """Plot the current state at a step of an epoch (from 0)."""
        raise NotImplementedError


class TensorBoard(TensorBoardHook):
    """Writes rows of metrics as scalars, the pipeline as text, and hyperparameters."""

    def __init__(self, charts: Mapping[str, tuple[str, ...]], text: bool, hparams: bool, export: bool) -> None:
        self.charts = charts
        self.text = text
        self.hparams = hparams
        self.export = export
        self.written: dict[str, list[tuple[float, int, float]]] = {}
        self.unwritten_lines: dict[tuple[str, str], bytes] = {}
        """Points of each line that the run before a resume could not write."""
        self.step = 0
        """Step of the latest row."""

    def started(self) -> None:
        """Add the points of the lines that could not be written."""
        for key, points in self.unwritten_lines.items():
            chart, name = key
            if name in self.charts.get(chart, ()):
                self.file.line(chart, name).add_waiting(points)

    def begin(self, step: int) -> None:
        """Write the pipeline and the hyperparameters."""
        if self.text:
            indented = "".join(f"    {line}\n" for line in _yaml(self.run.pipeline).splitlines())  # Markdown code block
            self.file.writer.add_text("pipeline", indented, step)
        if self.hparams:
            experiment, start, _ = self._hparams()
            self.file.add(experiment, None)
            self.file.add(start, None)

    @hookimpl
    def metrics_measured(self, row: Row) -> None:
        """Write a scalar for each metric and learning rate, and a point of each line."""
        now, self.step = time.time(), row.step
        for name, value in row.values.items():
            self.file.writer.add_scalar(name, value, row.step, now)
            if self.export:
                self.written.setdefault(name, []).append((now, row.step, value))
        for chart, names in self.charts.items():
            for name in names:
                if name in row.values:
                    self.file.line(chart, name).add_scalar(chart, row.values[name], row.step, now)
        self.file.flush()

    def ended(self) -> None:
        """Write the end of the hyperparameter session, and the export."""
        if self.hparams:
            self.file.add(self._hparams()[2], self.step)
        if self.export:
            path = self.run.directory / "scalars.json"
            replace_file(path, json.dumps(self.written) + "\n")

    def state_dict(self) -> dict[str, Any]:
        """Return what has been written."""
        lines = self.file.lines.items() if self.joined else ()
        waiting = {key: line.waiting for key, line in lines if line.waiting}
        return {**super().state_dict(), "written": self.written, "unwritten_lines": waiting}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state."""
        super().load_state_dict(state)
        self.unwritten_lines = dict(state.get("unwritten_lines", {}))
        self.written = {
            name: [(at, step, value) for at, step, value in all_] for name, all_ in state["written"].items()
        }

    def _hparams(self) -> Any:
        values = dict(_hyperparameters(self.run.pipeline))
        return hparams(values, dict.fromkeys(self.run.better, 0.0))


def _yaml(data: Any) -> str:
    return str(yaml.safe_dump(data, default_flow_style=None, sort_keys=False, width=120))


def _hyperparameters(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the plain values of a pipeline under dotted names; a component without parameters is a value."""
    if path[:1] in (("hooks",), ("version",)) or (len(path) == 3 and path[2] in ("dataset", "transforms")):
        return
    if isinstance(value, Mapping) and value:
        if len(value) == 1 and next(iter(value.values())) == {}:
            yield ".".join(path), next(iter(value))
        else:
            for key, item in value.items():
                yield from _hyperparameters(item, (*path, str(key)))
    elif isinstance(value, (list, Mapping)):
        if value:
            yield ".".join(path), json.dumps(value)
    elif value is not None:
        yield ".".join(path), value
