"""Runs in a process whose disk fills, in several ways."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import threading
import time
from pathlib import Path

from reliability.faults import Faults
from reliability.forked import command


def train_with_fault(folder: Path, action: str, at: int, *arguments: object) -> None:
    """Run the command line; the ``at``-th file operation below a folder fails as ``action`` says. 0: count them."""
    faults = Faults(action)
    faults.arm(folder, at)
    if at == 0:
        _write_at_exit(faults, folder.with_name("count"))
    command(*arguments)


def _write_at_exit(faults: Faults, path: Path) -> None:
    real = os._exit

    def leave(code: int) -> None:
        faults.disarm()
        path.write_text(str(faults.count))
        real(code)

    os._exit = leave  # type: ignore[assignment]  # the end of ``command``


def train_with_small_files(size: int, *arguments: object) -> None:
    """Run the command line with a limit on the size of each file, in bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    command(*arguments)


def train_disturbed(run: Path, what: str, *arguments: object) -> None:
    """Run the command line; once it has saved step 10, something happens to its directory."""
    threading.Thread(target=_disturb, args=(run, what), daemon=True).start()
    command(*arguments)


def _disturb(run: Path, what: str) -> None:
    while not (run / "checkpoints" / "step-00000010").exists():
        time.sleep(0.0005)
    if what == "renamed":
        run.rename(run.with_name("renamed"))
    elif what == "removed":
        while run.exists():
            shutil.rmtree(run, ignore_errors=True)
    else:
        name = what.split()[0]
        (run / name).unlink()
        (run / name).symlink_to("/dev/full")
