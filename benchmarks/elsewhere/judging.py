"""Judge from what was seen when a tool noticed a mistake, and what its message has."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from elsewhere.mistakes import Mistake
from elsewhere.running import Case, Seen, Server

WHEN = {"": "V", "parsed": "I", "instantiated": "B", "batch": "E", "epoch": "E", "finished": "E"}
"""The last stage that was reached, and what is said of a process that failed after it."""

_WARNING = re.compile(r"(\bwarn(ing)?\b|Warning\b)|^\S+\.py:\d+: |do not match|mismatch", re.IGNORECASE)
_FUTURE = re.compile(r"deprecat|FutureWarning|future version", re.IGNORECASE)
_EXCEPTION = re.compile(
    r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning)\b.*|^re\.error: .*", re.MULTILINE
)
_REMEDY = re.compile(
    r"\b(did you mean|use|set|write|put|add|remove|rename|choose|should|must|expected|valid|available|one of|supported|"
    r"try|check|please|instead|give|make|allowed|quote|leave|lower|map|needs?|requires|expects|only|install)\b",
    re.IGNORECASE,
)
_STANDING = re.compile(r"set (the environment variable|env var) HYDRA_FULL_ERROR=1[^\n]*", re.IGNORECASE)
_NEAR = r"(did you mean|closest|similar|perhaps you meant|maybe you meant)[^\n]*({})"


@dataclass(frozen=True)
class Verdict:
    """When a mistake was noticed, and what the message has."""

    when: str
    """V, I, B or E; with w after it where it is a warning only; N, ok, or n/a."""
    message: str = ""
    seconds: float = 0.0
    """Of the process that gave the message."""
    traceback: int = 0
    """Lines of the traceback, or 0."""
    path: bool = False
    line: bool = False

    def as_json(self) -> dict[str, Any]:
        """What is not said is left out."""
        return {key: value for key, value in asdict(self).items() if value}


def judge(mistake: Mistake, case: Case, server: Server | None, good_case: Case, goods: list[Seen]) -> Verdict:
    """Check and train the case, and compare with the good set-up."""
    checked = case.check(server) if case.tool.check_first else None
    seen = case.train(server) if checked is None or checked.code == 0 else checked
    if seen.code != 0:
        reached = seen.reached()
        return _described(WHEN[reached[-1] if reached else ""], _message(seen.output), seen, case, good_case)
    known = "\n".join(good.output for good in goods)
    if checked is not None and (new := list(_new_warnings(checked.output, known))):
        return _described("Vw", "\n".join(dict.fromkeys(new)), checked, case, good_case)
    if new := list(_new_warnings(seen.output, known)):
        before = seen.output[: seen.output.index(new[0])]
        reached = [stage for stage in Seen(before, 0, 0).reached() if stage != "finished"]
        when = f"{WHEN[reached[-1] if reached else '']}w"
        return _described(when, "\n".join(dict.fromkeys(new)), seen, case, good_case)
    if mistake.same and _alike(seen.figures(), *(good.figures() for good in goods)):
        return Verdict("ok", seconds=seen.seconds)
    return Verdict("N", seconds=seen.seconds)


def _described(when: str, message: str, seen: Seen, case: Case, good: Case) -> Verdict:
    tail = seen.output.partition("Traceback (most recent call last)")
    names = re.escape(case.tool.config)
    return Verdict(
        when,
        without_places(message, case.folder)[:1500],
        round(seen.seconds, 2),
        len((tail[1] + tail[2]).splitlines()) if tail[1] else 0,
        path=any(_named(path, message) for path in _paths(case, good)),
        line=re.search(rf"{names}[\"']?(:|, line )\s*\d+", seen.output) is not None,
    )


def _message(output: str) -> str:
    """The last exception with what follows it, or all that was printed without the markers."""
    lines = "\n".join(line for line in output.splitlines() if not line.startswith("@@ "))
    if "Traceback (most recent call last)" in lines:
        found = list(_EXCEPTION.finditer(lines))
        if found:
            return lines[found[-1].start() :].strip()
    error = re.search(r"^error: ", lines, re.MULTILINE)
    return lines[error.start() if error else 0 :].strip()


def _new_warnings(output: str, good: str) -> Iterator[str]:
    known = {_plain(line) for line in good.splitlines()}
    for line in output.splitlines():
        if _WARNING.search(line) and not _FUTURE.search(line) and _plain(line) not in known:
            yield line


def _plain(line: str) -> str:
    """Without what differs from run to run."""
    return re.sub(r"\S*/\S+|\d+", "#", line)


def _alike(figures: list[float] | None, one: list[float] | None, other: list[float] | None) -> bool:
    """Whether they differ from those of a good run by no more than a few times what two good runs differ by."""
    if figures is None or one is None or other is None:
        return False
    spread = max(abs(a - b) / abs(a) for a, b in zip(one, other, strict=True))
    return all(math.isclose(a, b, rel_tol=1e-4 + 4 * spread) for a, b in zip(figures, one, strict=True))


def without_places(message: str, folder: Path) -> str:
    """Without the folders of this machine: paths start in the case's folder, or in that of installed packages."""
    message = message.replace(f"{folder}/", "").replace(str(folder), ".")
    message = re.sub(r"/[^\s'\"(]*/site-packages/", "", message)
    return re.sub(r"/[^\s'\"(]*/lib/python3[^\s'\"]*", "...", message)


def has_remedy(message: str) -> bool:
    """Whether a word of the message tells what would be right; Hydra's standing advice on tracebacks is none."""
    return _REMEDY.search(_STANDING.sub("", message)) is not None


def has_near_match(message: str, near: str) -> bool:
    """Whether the message asks for the right name."""
    return re.search(_NEAR.format(near), message, re.IGNORECASE) is not None


Path_ = tuple[str | int, ...]


def _named(path: Path_, message: str) -> bool:
    """Whether the message has the path; one of a single step as a key, and not as a word."""
    if len(path) == 1:
        return re.search(rf"(key:? [\"']?|_key: |\d: |--){re.escape(str(path[0]))}\b", message) is not None
    forms = ("".join(form.format(p) if isinstance(p, int) else f".{p}" for p in path) for form in (".{}", "[{}]"))
    return any(form.removeprefix(".") in message for form in forms)


def _paths(case: Case, good: Case) -> Iterator[Path_]:
    """All places of the configuration; of the good one where it cannot be read."""
    try:
        yield from _places(_tree(case.folder / case.tool.config), ())
    except (yaml.YAMLError, SyntaxError, NameError, ImportError):
        yield from _places(_tree(good.folder / good.tool.config), ())


def _tree(path: Path) -> Any:
    if path.suffix == ".py":
        found: dict[str, Any] = {}
        exec(path.read_text(), found)
        return {key: value for key, value in found.items() if not key.startswith("__")}
    return yaml.safe_load(path.read_text())


def _places(tree: Any, at: Path_) -> Iterator[Path_]:
    if at:
        yield at
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from _places(value, (*at, key))
