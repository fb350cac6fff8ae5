"""A tensorboardX writer without a thread: a full disk is an error at once, and everything can be flushed on request.

tensorboardX itself hands events to a thread through a queue. If the thread dies, the queue fills and the run waits for
it for ever; and what is in the queue is lost if the process is killed.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import RecordWriter
from tensorboardX.writer import FileWriter

from registry_core.components.run_files import AppendedFile

_VERSION = "brain.Event:2"


class EventWriter(SummaryWriter):  # type: ignore[misc]  # tensorboardX has no types
    """Writes summaries to an event file of a folder that begins at a step."""

    file_writer: Any

    def __init__(self, folder: Path, start: int) -> None:
        self._start = start
        super().__init__(logdir=str(folder))

    def _get_file_writer(self) -> Any:
        if self.file_writer is None:
            writer = _FileWriter(Path(self.logdir), f".from-{self._start:08d}")
            self.file_writer, self.all_writers = writer, {self.logdir: writer}
            # Purge what an interrupted run wrote after this start. The first run needs a purge too, because TensorBoard
            # treats the first purge that it sees as the start of the run.
            step = self._start + 1 if self._start else 0
            writer.add_event(Event(step=step, file_version=_VERSION))
            writer.add_event(Event(step=step, session_log=SessionLog(status=SessionLog.START)))
            writer.event_writer.has_begun()
        return self.file_writer

    def sync(self) -> None:
        """Write all events to the disk."""
        self._get_file_writer().event_writer.sync()

    @property
    def waiting(self) -> bytes:
        """The events that are not written yet, or could not be, in the form of the file."""
        return bytes(self._get_file_writer().event_writer.waiting)

    def add_waiting(self, events: bytes) -> None:
        """Add events that a writer before this one could not write."""
        self._get_file_writer().event_writer.add_waiting(events)


class _FileWriter(FileWriter):  # type: ignore[misc]  # tensorboardX has no types
    """Makes events of summaries, as its base does, and hands them to a file instead of a thread."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.event_writer = _Events(folder, suffix)
        self._default_metadata: dict[str, Any] = {}


class _Events:
    """The events of one file, in the place of tensorboardX's EventFileWriter."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.folder = folder
        self._header = b""
        # Files created in the same second would share a name without the suffix.
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}{suffix}"
        self._records = _Records(folder / name)
        self.add_event(Event(wall_time=time.time(), file_version=_VERSION))

    def get_logdir(self) -> str:
        return str(self.folder)

    def add_event(self, event: Any) -> None:
        self._records.write(event.SerializeToString())

    def flush(self) -> None:
        self._records.flush()

    def sync(self) -> None:
        self._records.sync()

    def has_begun(self) -> None:
        """Note that all events until now are those that every file begins with."""
        self._header = self._records.waiting

    @property
    def waiting(self) -> bytes:
        return self._records.waiting.removeprefix(self._header)

    def add_waiting(self, events: bytes) -> None:
        self._records.add(events)

    def close(self) -> None:
        self.flush()

    def reopen(self) -> None:
        """Nothing to do: the file is opened at every flush."""


class _Records(RecordWriter):  # type: ignore[misc]  # tensorboardX has no types
    """The form of records that TensorBoard reads, in a file that is appended to."""

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self._is_made = False
        self._writer = AppendedFile(path)

    def flush(self) -> None:
        self._make_folder()
        self._writer.flush()

    def sync(self) -> None:
        self._make_folder()
        self._writer.sync()

    @property
    def waiting(self) -> bytes:
        return self._writer.waiting

    def add(self, records: bytes) -> None:
        self._writer.write(records)

    def _make_folder(self) -> None:
        """Make the folder once: one that is removed during the run stays away."""
        if not self._is_made:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._is_made = True
