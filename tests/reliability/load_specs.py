"""Load and plan hostile pipelines under an audit hook, and print what each did, took and said as JSON lines.

    python tests/reliability/load_specs.py FIRST COUNT

A program of its own, because a hook cannot be removed from a process. Everything that right pipelines need is imported
before the hook is installed: whatever is imported, compiled, executed or written afterwards is a pipeline's doing.
"""

from __future__ import annotations

import json
import os
import pwd  # noqa: F401
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

from corpus import FOLDER, mistakes, problems_of  # noqa: E402  # found in the folders above
from hostile_specs import hostile, right_trees, write  # noqa: E402  # found in the folders above
from mutations import ROOT, bases  # noqa: E402

from registry_core.diagnostics import PipelineError, RegistryError  # noqa: E402
from registry_core.loaded import load  # noqa: E402
from registry_core.planning.data import plan_data  # noqa: E402
from registry_core.planning.make import make_plan  # noqa: E402
from registry_core.registry.registries import BY_KIND  # noqa: E402

SECONDS = 10
"""A pipeline that takes longer is stopped."""

BYTES = 3 * 10**9
"""The limit of the address space: what needs more raises MemoryError."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HARMFUL = ("subprocess.", "socket.", "ctypes.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove")
_HARMFUL = (*_HARMFUL, "os.rename", "os.mkdir", "os.rmdir", "os.kill", "os.chmod", "os.link", "os.symlink", "shutil.")
_HARMFUL = (*_HARMFUL, "tempfile.", "urllib.", "pickle.", "compile", "exec", "import", "webbrowser.", "ftplib.")

harm: list[str] = []
watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not watching or not (event.startswith(_HARMFUL) or event == "open"):
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & _WRITING):
        return
    harm.append(f"{event} {arguments!r}"[:200])


def _attempt(path: Path, options: tuple[str, ...]) -> str:
    """What a pipeline comes to: ``right``, ``refused``, or what must not be."""
    try:
        loaded = load(path, options)
        plan = make_plan(loaded)
        json.dumps(plan_data(plan), default=str)
        return f"right {len(str(plan))}"
    except PipelineError as error:
        if not error.problems or any(not problem.message or not problem.code for problem in error.problems):
            return "refused without a message or a code"
        return "refused"
    except RegistryError as error:
        return f"raised {type(error).__name__}: {error}"
    except BaseException as error:  # whatever it is, a user must not see it
        return f"raised {type(error).__name__}: {error}"[:300]


def _import_everything() -> None:
    """Import what right and wrong pipelines need: all declarations, with their models, and what tells of mistakes."""
    for registry in BY_KIND.values():
        for name in registry:
            registry[name].model_rebuild()
    for mistake in mistakes():
        problems_of(mistake)
        _attempt(mistake.path.relative_to(FOLDER), mistake.options)
    for path in (ROOT / "tests" / "pipelines").rglob("*.yaml"):
        _attempt(path, ())


def _peak() -> int:
    """The largest memory since the last call, in bytes."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    Path("/proc/self/clear_refs").write_text("5")
    return int(found[1]) * 1024 if found else 0


def _hangs(_: int, __: FrameType | None) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def main() -> None:
    """Try the numbers of the command line."""
    global watching
    first, count = int(sys.argv[1]), int(sys.argv[2])
    texts, trees = bases(), right_trees()
    os.chdir(ROOT / "tests" / "mistakes")
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _hangs)
    with tempfile.TemporaryDirectory() as parent:
        _import_everything()
        sys.addaudithook(_watch)
        _peak()
        for number in range(first, first + count):
            spec = hostile(number, texts, trees)
            folder = Path(parent, str(number))
            path = write(spec, folder)
            before = _peak()
            harm.clear()
            signal.alarm(SECONDS)
            started = time.perf_counter()
            watching = True
            found = _attempt(path, spec.options)
            watching = False
            seconds = time.perf_counter() - started
            signal.alarm(0)
            facts = {"number": number, "kind": spec.kind, "found": found, "harm": [*harm]}
            print(json.dumps({**facts, "seconds": seconds, "bytes": _peak() - before}), flush=True)
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
