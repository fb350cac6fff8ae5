"""Load and plan hostile pipelines under an audit hook, and print what each did, took and said as JSON lines.

    python tests/reliability/load_specs.py FIRST COUNT

A program of its own, because a hook cannot be removed from a process. Everything that right pipelines and mistakes need
is imported before the hook is installed: whatever is imported, compiled, executed or written after that is the doing of
a pipeline.
"""

from __future__ import annotations

import json
import os
import pwd  # noqa: F401  # for ~NAME in paths
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from corpus import FOLDER, mistakes  # noqa: E402  # found in the folders above
from hostile_specs import Sources, hostile, write  # noqa: E402
from mutations import ROOT  # noqa: E402
from registry_builtin.models.torchvision_modules import torchvision_modules  # noqa: E402

from registry_core.diagnostics import PipelineError, RegistryError  # noqa: E402
from registry_core.loaded import load  # noqa: E402
from registry_core.planning.data import plan_data  # noqa: E402
from registry_core.planning.make import make_plan  # noqa: E402
from registry_core.registry.registries import BY_KIND  # noqa: E402

SECONDS = 30
"""A pipeline that takes longer, on the clock, is stopped: it hangs."""

BYTES = 3 * 10**9
"""The limit of the address space: what needs more raises MemoryError."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HARMFUL = ("subprocess.", "socket.", "ctypes.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove")
_HARMFUL = (*_HARMFUL, "os.rename", "os.mkdir", "os.rmdir", "os.kill", "os.chmod", "os.link", "os.symlink", "shutil.")
_HARMFUL = (*_HARMFUL, "tempfile.", "urllib.", "pickle.", "compile", "exec", "import", "webbrowser.", "ftplib.")


class Watch:
    """An audit hook that notes harmful events while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.harm: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and _is_harmful(event, arguments):
            self.harm.append(f"{event} {arguments!r}"[:200])


def _is_harmful(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "open":
        return bool(isinstance(arguments[2], int) and arguments[2] & _WRITING)
    return event.startswith(_HARMFUL)


def _attempt(path: Path, options: list[str]) -> str:
    """What a pipeline comes to: ``right``, ``refused``, or what must not be."""
    try:
        plan = make_plan(load(path, options))
        json.dumps(plan_data(plan), default=str)
        return f"right: a plan of {len(str(plan)):,} characters"
    except PipelineError as error:
        if not error.problems or any(not problem.message or not problem.code for problem in error.problems):
            return "refused without a message or a code"
        return "refused"
    except RegistryError as error:  # load promises PipelineError
        return f"raised {type(error).__name__}: {error}"[:300]
    except BaseException as error:  # whatever it is, a user must not see it
        return f"raised {type(error).__name__}: {error}"[:300]


def _import_everything() -> None:
    """Import what right and wrong pipelines need: all declarations, with their models, and what tells of mistakes."""
    torchvision_modules("resnet18", 10, 3)  # few mistakes need this file
    for registry in BY_KIND.values():
        for name in registry:
            registry[name].model_rebuild()
    for mistake in mistakes():
        _attempt(mistake.path.relative_to(FOLDER), list(mistake.options))
    for path in (ROOT / "tests" / "pipelines").rglob("*.yaml"):
        _attempt(path, [])


def _peak() -> int:
    """The largest memory since the last call, in bytes."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    Path("/proc/self/clear_refs").write_text("5")
    return int(found[1]) * 1024 if found else 0


def _hangs(_: int, __: FrameType | None) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def main() -> None:
    """Try the numbers of the command line."""
    first, count = int(sys.argv[1]), int(sys.argv[2])
    sources, watch = Sources.read(), Watch()
    os.chdir(FOLDER)
    _import_everything()
    sys.addaudithook(watch)
    signal.signal(signal.SIGALRM, _hangs)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as parent:
        for number in range(first, first + count):
            spec = hostile(number, sources)
            path, options = write(spec, Path(parent, str(number)))
            before = _peak()
            watch.harm.clear()
            signal.alarm(SECONDS)
            started = time.process_time()
            watch.on = True
            found = _attempt(path, options)
            watch.on = False
            seconds = time.process_time() - started
            signal.alarm(0)
            facts = {"number": number, "kind": spec.kind, "found": found, "harm": watch.harm}
            print(json.dumps({**facts, "seconds": seconds, "bytes": _peak() - before}), flush=True)
            shutil.rmtree(path.parent)


if __name__ == "__main__":
    main()
