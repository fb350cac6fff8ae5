"""Run directories as a stranger may send them, and the command line under an audit hook that watches what it does."""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import sysconfig
import time
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import registry_builtin
from reliability.forked import command

import registry_core

Change = Callable[[Path, Path], object]
"""A change of a run directory; the other folder lies outside of it."""


def _link(name: str, target: str = "") -> Change:
    """A link at the place of a file or folder, to one outside of the same content or to another path."""

    def apply(run: Path, outside: Path) -> None:
        place, there = run / name, outside / Path(name).name
        if os.path.lexists(place):
            place.rename(there)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target or there)

    return apply


def _hard_link(name: str) -> Change:
    def apply(run: Path, outside: Path) -> None:
        if not (run / name).exists():
            (run / name).write_text("")
        os.link(run / name, outside / name)

    return apply


def _fifo(name: str) -> Change:
    def apply(run: Path, _: Path) -> None:
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)

    return apply


def _text(name: str, text: str | bytes) -> Change:
    def apply(run: Path, _: Path) -> None:
        (run / name).unlink(missing_ok=True)
        (run / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    return apply


def _pipeline(change: Callable[[dict[str, Any]], object]) -> Change:
    def apply(run: Path, _: Path) -> None:
        data = json.loads((run / "pipeline.json").read_text())
        change(data)
        (run / "pipeline.json").write_text(json.dumps(data))

    return apply


def _extends_outside(run: Path, outside: Path) -> None:
    (outside / "base.yaml").write_text("version: 1\n")
    data = json.loads((run / "pipeline.json").read_text())
    (run / "pipeline.json").write_text(json.dumps({"extends": str(outside / "base.yaml"), **data}))


def _plugins(name: str) -> Change:
    """Plugins of such a name in environment.json, and hooks of it in pipeline.json."""

    def apply(run: Path, _: Path) -> None:
        facts = json.loads((run / "environment.json").read_text())
        facts["plugins"] = {name: {"version": "1.0; touch HARM", "files": {"x.py": "0"}}}
        (run / "environment.json").write_text(json.dumps(facts))
        data = json.loads((run / "pipeline.json").read_text())
        data["hooks"] = [{f"{name}:evil": {}}]
        (run / "pipeline.json").write_text(json.dumps(data))

    return apply


def _module(run: Path, _: Path) -> None:
    """Modules in the run directory that have the names of those that a run imports, and of its plugins."""
    for name in ("torch", "json", "registry_builtin", "sitecustomize", "conftest", "yaml"):
        (run / f"{name}.py").write_text("raise SystemExit('imported')\n")


FOREIGN: dict[str, Change] = {
    **{
        f"{name} is a link": _link(name)
        for name in (
            *("metrics.jsonl", "steps.jsonl", "summary.json", "tensorboard", "checkpoints", "checkpoints/best"),
            *("checkpoints/latest", "checkpoints/step-00000010", "lock", "run.json", "changes.jsonl", "pipeline.json"),
            *("skipped.jsonl", "scalars.json", "environment.json", "tensorboard/loss"),
        )
    },
    "metrics.jsonl is a link to /dev/full": _link("metrics.jsonl", "/dev/full"),
    "steps.jsonl is a link to a new file": _link("steps.jsonl", "../outside/new"),
    "pipeline.json is a link to /dev/zero": _link("pipeline.json", "/dev/zero"),
    "best names ../../x": _text("checkpoints/best", "../../outside"),
    "latest names an absolute path": _text("checkpoints/latest", "/etc"),
    **{f"{name} is a pipe": _fifo(name) for name in ("metrics.jsonl", "pipeline.json", "lock", "run.json")},
    **{f"{name} is a pipe": _fifo(name) for name in ("steps.jsonl", "checkpoints/best", "environment.json")},
    **{f"{name} is a hard link": _hard_link(name) for name in ("metrics.jsonl", "steps.jsonl", "lock")},
    **{f"{name} is a list": _text(name, "[1, 2]") for name in ("run.json", "environment.json", "pipeline.json")},
    **{f"{name} is deep": _text(name, "[" * 200_000) for name in ("run.json", "environment.json", "pipeline.json")},
    **{f"{name} is large": _text(name, b" " * 10**8) for name in ("run.json", "environment.json", "pipeline.json")},
    "run.json has an object as run": _text("run.json", '{"run": {"$": []}}'),
    "metrics.jsonl is binary": _text("metrics.jsonl", bytes(range(256)) * 100),
    "metrics.jsonl is deep": _text("metrics.jsonl", '{"step": ' + "[" * 200_000),
    "changes.jsonl is binary": _text("changes.jsonl", bytes(range(256)) * 100),
    "extends an absolute path": _extends_outside,
    "a plugin is shell text": _plugins("evil; touch HARM"),
    "a plugin is an option": _plugins("--index-url=http://localhost"),
    "a plugin is a path": _plugins("../../outside/evil"),
    "a hook writes outside": _pipeline(lambda data: data.update(hooks=[{"jsonl": {"file": "../outside/steps"}}])),
    "a hook names a class": _pipeline(lambda data: data.update(hooks=[{"_target_": "os.system"}])),
    "modules lie beside": _module,
}
"""Changes of a run directory, by what was changed."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PROCESSES = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.kill", "pty.", "webbrowser.")
_NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "urllib.", "ftplib.", "http.")
_CHANGES: dict[str, dict[int, int | None]] = {
    "os.rename": {0: 2, 1: 3},
    "os.remove": {0: 1},
    "os.rmdir": {0: 1},
    "os.mkdir": {0: 2},
    "os.truncate": {0: None},
    "os.link": {1: 3},
    "os.symlink": {1: 2},
    "os.chmod": {0: 2},
    "os.utime": {0: 3},
}
"""Events that change a path: the places of paths among their arguments, and of the folders that these start from."""
_KNOWN = {*sys.stdlib_module_names, *packages_distributions(), "registry_core", "registry_builtin"}
_INSTALLED = tuple(
    str(Path(os.path.realpath(folder)))
    for folder in (
        *(sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")),
        *(Path(str(module.__file__)).parent for module in (registry_core, registry_builtin)),
    )
)


def watched(run: Path, report: Path, *arguments: object) -> None:
    """Run the command line, and write into a file what it did that no run directory may bring about."""
    inside = (os.path.realpath(run), "/dev/null", "/proc/self")
    harm: list[str] = []
    is_watching = True

    def lies_inside(path: Any, start: int = -1) -> bool:
        if isinstance(path, int) or path is None:
            return True
        text = os.fsdecode(path) if start < 0 else f"/proc/self/fd/{start}/{os.fsdecode(path)}"
        return os.path.join(os.path.realpath(os.path.dirname(text)), os.path.basename(text)).startswith(inside)  # noqa: PTH118, PTH119, PTH120  # a link itself, not its target

    def watch(event: str, found: tuple[Any, ...]) -> None:
        if not is_watching:
            return
        harmful = event.startswith((*_PROCESSES, *_NETWORK, "pickle."))
        if event == "open":
            harmful = bool((found[2] or 0) & _WRITING) and not (
                lies_inside(found[0]) and (isinstance(found[0], int) or _is_inside(os.path.realpath(found[0]), inside))
            )
            harmful = harmful and not (found[2] & os.O_NOFOLLOW and Path(os.fsdecode(found[0])).is_symlink())
        elif event in _CHANGES:
            starts = {place: -1 if at is None else found[at] for place, at in _CHANGES[event].items()}
            harmful = not all(lies_inside(found[place], start) for place, start in starts.items())
        elif event == "import":
            harmful = str(found[0]).partition(".")[0] not in _KNOWN
        elif event == "exec":
            name = str(getattr(found[0], "co_filename", ""))
            harmful = not name.startswith(("<", *_INSTALLED)) and not os.path.realpath(name).startswith(_INSTALLED)
        if harmful:
            harm.append(f"{event} {found!r}"[:200])

    leave = os._exit
    began, before = time.process_time(), _peak()

    def end(code: int) -> None:
        nonlocal is_watching
        is_watching = False
        facts = {"harm": harm, "seconds": time.process_time() - began, "bytes": _peak() - before}
        report.write_text(json.dumps(facts))
        leave(code)

    os._exit = end  # type: ignore[assignment]  # the end of ``command``
    platform.processor()  # asks a program once, whatever the run directory says
    sys.addaudithook(watch)
    command(*arguments)


def _is_inside(path: str, inside: tuple[str, ...]) -> bool:
    return path.startswith(inside)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
