"""Runs in processes that are forked from a server with torch in its memory: a hundred of them take seconds."""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_SERVER = forkserver.ForkServer()
"""A server for the harnesses alone: that of Python's contexts may run already, without torch."""
_SERVER.set_forkserver_preload(["preloaded"])


def _start(process: BaseProcess) -> None:
    """Start a process from the server."""
    _start_server()
    usual = forkserver.connect_to_new_process
    forkserver.connect_to_new_process = _SERVER.connect_to_new_process
    try:
        process.start()
    finally:
        forkserver.connect_to_new_process = usual


def _start_server() -> None:
    """Start the server where it finds this folder: a module that it cannot import, it leaves out in silence."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    try:
        _SERVER.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


@dataclass(frozen=True)
class Ended:
    """The end of a process: its exit code, negative for a signal, and what it printed."""

    code: int | None
    out: str


class Forked:
    """A function in a process of its own, in a folder and in its own session."""

    def __init__(self, folder: Path, function: Callable[..., object], *arguments: object) -> None:
        self.output = folder / f"output-{time.monotonic_ns()}"
        context = multiprocessing.get_context("forkserver")
        self.process = context.Process(target=_run, args=(folder, self.output, function, arguments))
        _start(self.process)

    def kill_once(self, path: Path) -> Ended:
        """Kill it as soon as there is a file or folder."""
        while not path.exists() and self.process.is_alive():
            time.sleep(0.001)
        return self.kill_after(0)

    def kill_after(self, seconds: float) -> Ended:
        """Kill it after some time, unless it has ended."""
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
        return self.end()

    def end(self, seconds: float = 120.0) -> Ended:
        """Wait for its end."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"not within {seconds} s"
        return Ended(self.process.exitcode, self.output.read_text() if self.output.exists() else "")


def _run(folder: Path, output: Path, function: Callable[..., object], arguments: Sequence[object]) -> None:
    os.setsid()
    os.chdir(folder)
    multiprocessing.set_start_method(multiprocessing.get_all_start_methods()[0], force=True)  # not that of this process
    file = output.open("w")
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    sys.stdout = sys.stderr = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), write_through=True)
    try:
        function(*arguments)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def command(*arguments: object) -> None:
    """Run the command line in this process, and end with its exit code."""
    from registry_core.cli.main import main

    sys.argv = ["registry-core", *map(str, arguments)]
    code: Any = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    os._exit(code if isinstance(code, int) else 0)


def command_with_others(folder: Path, count: int, *arguments: object) -> None:
    """Run the command line at the moment when ``count`` processes are ready to do so, which meet in a folder."""
    (folder / f"ready-{os.getpid()}").touch()
    while len(list(folder.iterdir())) < count:
        time.sleep(0.001)
    command(*arguments)
