"""Claims of run directories: one process at a time runs in a directory, and two starts never share one.

A claim is a lock of the operating system on the file ``lock`` in the directory. It ends with its process, however that
ends, so a dead run blocks nothing. Forked processes, such as loader processes, give up their copy of it: they may
outlive the run for some seconds.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from registry_core.analysis.machine import unwritable
from registry_core.config.run_layout import open_own
from registry_core.diagnostics import RunError

LOCK = "lock"

_SECONDS = 15.0
"""Time for a loader process to notice that the run that forked it was killed."""

_held: set[int] = set()
"""The descriptors of the locks that this process holds."""

_REMEDY = "Choose another with --out."


class Claim:
    """A claimed run directory; as a context manager, the claim ends with the context."""

    def __init__(self, path: Path, descriptor: int, made: Sequence[Path]) -> None:
        self.path = path
        self.made = made
        """The folders that the claim made, the inner ones first."""
        self._descriptor = descriptor
        _held.add(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.path in self.made and kind is not None:
            self._remove_empty()
        self.release()

    def release(self) -> None:
        """End the claim."""
        if self._descriptor in _held:
            _held.discard(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _remove_empty(self) -> None:
        """Remove a directory in which nothing was written: nothing had been built when the run failed."""
        if [entry.name for entry in self.path.iterdir()] == [LOCK]:
            (self.path / LOCK).unlink()
            with suppress(OSError):  # another run was made in one of them
                for folder in self.made:
                    folder.rmdir()


def claim_new(path: Path) -> Claim:
    """Claim a new run directory, or an empty one; RunError if it cannot be made or another process claimed it."""
    if reason := unwritable(path):
        raise RunError(f"The run directory {str(path)!r} cannot be made: {reason}.", _REMEDY)
    try:
        made = [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        return _claim(path, [path, *made] if _made(path) else ())
    except OSError as error:
        raise RunError(f"The run directory {str(path)!r} cannot be made: {error.strerror}.", _REMEDY) from error


def claim_numbered(name: str) -> Claim:
    """Claim the first of ``runs/NAME-1``, ``runs/NAME-2``, … that does not exist."""
    folder = Path("runs")
    if reason := unwritable(folder):
        raise RunError(f"The folder {str(folder)!r} cannot be made: {reason}.", _REMEDY)
    number = 1
    try:
        made = [folder] if _made(folder) else []
        while True:
            path = folder / f"{name}-{number}"
            if not os.path.lexists(path) and _made(path):
                return _claim(path, [path, *made])
            number += 1
    except OSError as error:
        raise RunError(f"A run directory in {str(folder)!r} cannot be made: {error.strerror}.", _REMEDY) from error


def claim_existing(path: Path) -> Claim:
    """Claim the directory of a run that goes on; RunError if another process runs in it."""
    try:
        return _claim(path, ())
    except OSError as error:
        message = f"The run directory {str(path)!r} cannot be claimed: {error.strerror}."
        raise RunError(message, "Make it writable, or copy the run to another place.") from error


def holder_of(path: Path) -> str | None:
    """The process that runs in a directory now, in words; None if there is none. Nothing is written.

    If the process that signed the lock lives, the lock is tried for a moment, shared and without waiting.
    Raises RunError if the lock is one that no run would claim.
    """
    try:
        file = open_own(path / LOCK)
    except (FileNotFoundError, PermissionError):
        return None
    except OSError as error:
        raise _not_own(path / LOCK) from error
    with file:
        if not _is_own(file.fileno()):
            raise _not_own(path / LOCK)
        holder = _Holder.of(file.fileno())
        if holder is not None and not holder.is_alive():
            return None
        try:
            _lock(file.fileno(), shared=True)
        except OSError as error:
            return str(holder or "another process") if error.errno in (errno.EACCES, errno.EAGAIN) else None
        return None  # closing the file ends the lock


def _made(path: Path) -> bool:
    """Make a directory; False if it exists, also if another process has just made it."""
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def _claim(path: Path, made: Sequence[Path]) -> Claim:
    until = time.monotonic() + _SECONDS
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path / LOCK, flags, 0o644)
        if not _is_own(descriptor):
            os.close(descriptor)
            raise _not_own(path / LOCK)
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                os.close(descriptor)
                raise
            holder = _Holder.of(descriptor)
            os.close(descriptor)
            if holder is None or holder.is_alive() or time.monotonic() > until:
                raise _in_use(path, holder) from None
            time.sleep(0.1)
            continue
        if _is_at(path / LOCK, descriptor):
            _sign(descriptor)
            return Claim(path, descriptor, made)
        os.close(descriptor)  # its owner removed the file between our opening and locking it


def _lock(descriptor: int, *, shared: bool = False) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # only on Windows
    else:
        import fcntl

        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def _forget_in_child() -> None:
    """Close the copies of locks in a forked process."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


def _is_own(descriptor: int) -> bool:
    facts = os.fstat(descriptor)
    return stat.S_ISREG(facts.st_mode) and facts.st_nlink <= 1


def _not_own(lock: Path) -> RunError:
    message = f"{str(lock)!r} is not a file of this run alone: it is a link, a pipe or a device."
    return RunError(message, "Remove it.")


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    """Write who holds the lock, for the message of others."""
    text = json.dumps({"process": os.getpid(), "machine": socket.gethostname()})
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


@dataclass(frozen=True)
class _Holder:
    """The process that wrote its name into a lock, and its machine."""

    process: int
    machine: str

    @classmethod
    def of(cls, descriptor: int) -> _Holder | None:
        try:
            facts = json.loads(os.pread(descriptor, 1000, 0))
            return cls(int(facts["process"]), str(facts["machine"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def is_alive(self) -> bool:
        """False only if the process is known to have ended: then one that it had just forked has the lock, for now."""
        if self.machine != socket.gethostname():
            return True
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):  # it belongs to another user, or is no process number
            return True
        return True

    def __str__(self) -> str:
        here = self.machine == socket.gethostname()
        return f"process {self.process}" + ("" if here else f" on {self.machine[:80]!r}")


def _in_use(path: Path, holder: _Holder | None) -> RunError:
    message = f"The run directory {str(path)!r} is in use by {holder or 'another process'}."
    return RunError(message, "Wait until that run ends or stop it, or start another run with another --out.")
