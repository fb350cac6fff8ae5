"""Select parameters and modules by name and class; suggest the nearest name if nothing matches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from registry_core.analysis.matching import fullmatch, may_suggest, search
from registry_core.components import ModuleFacts, Modules
from registry_core.config.groups import ModuleTypes
from registry_core.diagnostics import closest, near


def is_of_type(module: ModuleFacts, types: ModuleTypes) -> bool:
    """True if a module is an instance of one of these classes or of a subclass."""
    return any(name in module.classes for name in ((types,) if isinstance(types, str) else types))


def of_types(types: ModuleTypes) -> str:
    """Names of classes in a sentence: ``of class Conv2d or Linear``."""
    return f"of class {types if isinstance(types, str) else ' or '.join(types)}"


def names_matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a pattern matches completely."""
    return [name for name in names if fullmatch(pattern, name)]


def quoted(pattern: str) -> str:
    """A pattern in quotes, as YAML accepts it."""
    return "'" + pattern.replace("'", "''") + "'"


def some_of(names: Sequence[str]) -> str:
    """The first four names, for messages."""
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")


def nearest_types(types: ModuleTypes, modules: Modules) -> str:
    """The remedy for classes that no module has: the nearest name, or the existing classes."""
    known = dict.fromkeys(name for module in modules for name in module.classes)
    for wanted in (types,) if isinstance(types, str) else types:
        if closest(wanted, known):
            return near(wanted, known)
    own = list(dict.fromkeys(module.classes[0] for module in modules))
    return f"Its modules are: {', '.join(own[:12])}{', …' if len(own) > 12 else ''}."


def nearest_pattern(pattern: str, names: Sequence[str], of_what: str = "Its parameters are") -> str:
    """The remedy for a pattern that matches no name: a pattern that does, or the first names."""
    found = (_as_a_part(pattern, names) or _misspelt(pattern, names)) if may_suggest() else ""
    return found or f"{of_what}: {some_of(names)}"


def _as_a_part(pattern: str, names: Sequence[str]) -> str:
    """The remedy for a pattern that matches only a part of names."""
    inside = [(name, match) for name in names if (match := search(pattern, name)) and match.group()]
    if not inside:
        return ""
    name, match = next((pair for pair in inside if pair[1].start() == 0), inside[0])
    core = f"(?:{pattern})" if "|" in pattern else pattern
    start = "" if match.start() == 0 else r".*\." if name[match.start() - 1] == "." else ".*"
    rest = name[match.end() :]
    end = "" if not rest else r"\..*" if rest.startswith(".") else ".*"
    if not (fitting := names_matching(start + core + end, names)):
        return ""
    return f"A pattern has to match the whole name: {quoted(start + core + end)} matches {some_of(fitting)}."


def _misspelt(pattern: str, names: Sequence[str]) -> str:
    """The remedy for a pattern whose words nearly equal a name, or the start or end of names."""
    words = _words(pattern)
    if not words:
        return ""
    if pattern.startswith(".*"):
        known = {name.rpartition(".")[2]: rf".*\.{name.rpartition('.')[2]}" for name in names}
    elif pattern.endswith(("*", "+")):
        starts = dict.fromkeys(start for name in names for start in _starts(name))
        known = {start: start.replace(".", r"\.") + r"\..*" for start in starts}
    else:
        known = {name: name.replace(".", r"\.") for name in names}
    from difflib import get_close_matches  # a right file needs no suggestions

    close = get_close_matches(words, known, n=2, cutoff=0.6)
    return f"Did you mean {' or '.join(quoted(known[each]) for each in close)}?" if close else ""


def _words(pattern: str) -> str:
    """The literal characters of a pattern, without regular expression syntax, with digits as 0."""
    text = re.sub(r"\[[^]]*\]|\\d", "0", pattern).replace(r"\.", ".")
    return re.sub(r"\\.|[*+?^$(){}|]", "", re.sub(r"\.[*+]", "", text)).strip(".")


def _starts(name: str) -> list[str]:
    """The modules that contain a name, the outermost first."""
    parts = name.split(".")[:-1]
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
