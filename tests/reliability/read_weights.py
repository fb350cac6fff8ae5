"""Read files of weights, digits, lists and matrices, each in a child process under an audit hook.

Run as a program, with the kind of the files and their paths as arguments: a hook cannot be removed from a process. It
prints what each did, took and said as JSON lines. All children have torch from the one process that imported it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from registry_builtin.datasets.image_files import ImageIndex
from registry_builtin.datasets.mnist import Mnist
from registry_builtin.objects.linear import linear_transformation
from registry_builtin.transforms.matrix_file import matrix_size
from torch import nn

from registry_core.analysis.weights import analyse_weights
from registry_core.assembly.model.weights import load_weights
from registry_core.components import CheckFailed
from registry_core.config.finetune import Finetune
from registry_core.diagnostics import RegistryError

SECONDS = 30
"""A file that takes longer is stopped, and fails."""

MEMORY = 4 * 2**30
"""A file that takes more bytes fails, and not the machine with it."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HARMFUL = ("subprocess.", "socket.", "ctypes.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove")
_HARMFUL = (
    *_HARMFUL,
    "os.rename",
    "os.mkdir",
    "os.kill",
    "shutil.",
    "tempfile.",
    "urllib.",
    "pickle.",
    "marshal.",
    "exec",
)


def _is_harmful(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "import":
        top = str(arguments[0]).partition(".")[0]
        return top not in ("registry_core", "registry_builtin", "numpy") and top not in sys.stdlib_module_names
    if event == "open":
        return bool(isinstance(arguments[2], int) and arguments[2] & _WRITING)
    return event.startswith(_HARMFUL) and not (event in ("exec", "marshal.loads") and _is_an_import())


def _is_an_import() -> bool:
    """True if Python runs the code of one of its own modules, or of ours."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap_external>":
            return True
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    return False


def _weights(path: Path) -> list[Callable[[], object]]:
    finetune = Finetune(weights=path, strict=False)
    return [lambda: _raised(analyse_weights(finetune, None).error), lambda: load_weights(nn.Linear(3, 2), finetune)]


def _raised(error: Exception | None) -> None:
    if error is not None:
        raise error


def _digits(path: Path) -> list[Callable[[], object]]:
    declared = Mnist(root=path.parent)
    return [declared.facts, declared.build, declared.lenient.facts, declared.inventory]


def _lists(path: Path) -> list[Callable[[], object]]:
    declared = ImageIndex(index=path, classes=2)
    return [declared.facts, declared.build, declared.inventory]


def _matrices(path: Path) -> list[Callable[[], object]]:
    return [lambda: matrix_size(path), lambda: linear_transformation(path)]


KINDS: dict[str, Callable[[Path], list[Callable[[], object]]]] = {
    "weights": _weights,
    "digits": _digits,
    "lists": _lists,
    "matrices": _matrices,
}
"""The calls that read a file of each kind: by checks, which know no torch, and by a run."""


def _looks(kind: str, path: Path) -> dict[str, Any]:
    """What the calls said, and the seconds of a processor that the longest took."""
    said, longest = [], 0.0
    for call in KINDS[kind](path):
        started = time.process_time()
        try:
            call()
        except (RegistryError, CheckFailed) as refused:
            said.append(str(refused))
        longest = max(longest, time.process_time() - started)
    return {"said": said, "seconds": longest}


def _watched(kind: str, path: Path) -> dict[str, Any]:
    harm: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if _is_harmful(event, arguments):
            harm.append(f"{event} {arguments!r}"[:200])

    sys.addaudithook(watch)
    looks = _looks(kind, path)
    return {"harm": [*harm], **looks}


def _in_child(kind: str, path: Path) -> dict[str, Any]:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        try:
            found = _watched(kind, path)
        except BaseException as error:  # all of it is a fault
            found = {"harm": [], "said": [], "raised": repr(error)}
        with os.fdopen(theirs, "w") as out:
            json.dump(found, out)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        text = answer.read()
    _, status, used = os.wait4(child, 0)
    facts = {"path": str(path), "bytes": used.ru_maxrss * 1024, "status": status}
    return {**facts, **(json.loads(text) if text else {})}


def _import_what_is_needed(kind: str) -> None:
    """Read a file that is right: modules are imported where they are needed, which is no harm that a file does."""
    sys.path.insert(0, str(Path(__file__).parent))
    import hostile_data

    with tempfile.TemporaryDirectory() as folder:
        for name, content in {**hostile_data.GOOD_FILES[kind], **hostile_data.BESIDE.get(kind, {})}.items():
            (Path(folder) / name).write_bytes(content())
        for name in hostile_data.GOOD_FILES[kind]:
            assert _looks(kind, Path(folder) / name)["said"] == [], name


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    torch.set_num_threads(1)
    _import_what_is_needed(sys.argv[1])
    for argument in sys.argv[2:]:
        print(json.dumps(_in_child(sys.argv[1], Path(argument))), flush=True)
