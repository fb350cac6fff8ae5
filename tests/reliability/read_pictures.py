"""Read pictures, each in a child process under an audit hook, and print what each did, took and said as JSON lines.

Run as a program, with the paths of the pictures as arguments: a hook cannot be removed from a process.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy  # noqa: F401  # images of 16 bits are read with it: its own import is not theirs

from registry_core.components.image_file import decode_deep_image, decode_image, read_size
from registry_core.components.image_opening import open_image
from registry_core.components.image_reading import MAX_PIXELS, ImageReading
from registry_core.diagnostics import DataError

SECONDS = 20
"""A picture that takes longer is stopped, and fails."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HARMFUL = ("subprocess.", "socket.", "ctypes.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove")
_HARMFUL = (*_HARMFUL, "os.rename", "os.mkdir", "os.kill", "shutil.", "tempfile.", "urllib.", "pickle.")


def _is_harmful(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "import":
        top = str(arguments[0]).partition(".")[0]
        return top not in ("PIL", "numpy") and top not in sys.stdlib_module_names
    if event == "open":
        return bool(isinstance(arguments[2], int) and arguments[2] & _WRITING)
    return event.startswith(_HARMFUL)


def _read(path: Path) -> dict[str, Any]:
    harm: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if _is_harmful(event, arguments):
            harm.append(f"{event} {arguments!r}"[:200])

    sys.addaudithook(watch)
    said: list[str] = []
    for read, reading in (
        (read_size, ImageReading()),
        (decode_image, ImageReading()),
        (decode_image, ImageReading("L", background=None)),
        (decode_deep_image, ImageReading("RGB16")),
    ):
        try:
            read(path, reading)  # type: ignore[operator]  # functions of one form, whose results are left
        except DataError as error:
            said.append(str(error))
    try:
        with open_image(path, MAX_PIXELS) as image:
            said.append(f"{getattr(image, 'n_frames', 1)} frames")
    except Exception as error:  # the check of all data calls it in the same way
        said.append(str(error))
    return {"harm": [*harm], "said": said}


def _in_child(path: Path) -> dict[str, Any]:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        try:
            found = _read(path)
        except BaseException as error:  # all of it is a fault
            found = {"harm": [], "said": [], "raised": repr(error)}
        with os.fdopen(theirs, "w") as out:
            json.dump(found, out)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        text = answer.read()
    _, status, used = os.wait4(child, 0)
    facts = {"path": str(path), "seconds": used.ru_utime + used.ru_stime, "bytes": used.ru_maxrss * 1024}
    return {**facts, "status": status, **(json.loads(text) if text else {})}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for argument in sys.argv[1:]:
        print(json.dumps(_in_child(Path(argument))), flush=True)
