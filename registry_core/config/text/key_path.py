"""Key paths as users write them: ``data.train.transforms[0]``, ``hooks.-1``, ``requires."zope.interface"``."""

from __future__ import annotations

import re
from typing import NamedTuple

from registry_core.diagnostics import Keys

_STEP = re.compile(
    r"""
    (?P<dot>\.)?
    (?: "(?P<double>[^"]*)" | '(?P<single>[^']*)' | \[(?P<item>[^\[\]]*)\] | (?P<bare>[^.=\[\]"']+) )
    """,
    re.VERBOSE,
)
_INDEX = re.compile(r"-?[0-9]{1,9}", re.ASCII)


class Step(NamedTuple):
    """One step of a key path: a key of a mapping, or the index of an item of a list, counted from 0 or back from -1."""

    text: str
    form: str = "bare"
    """``bare``, ``quoted`` or ``item``, which is written in brackets."""

    @property
    def as_index(self) -> int | None:
        """The index that it may be; None if it can only be a key."""
        return int(self.text) if self.form != "quoted" and _INDEX.fullmatch(self.text) else None

    @property
    def key(self) -> str | int:
        """The step without knowledge of what it leads into: a whole number that is not quoted is an index."""
        return self.text if self.as_index is None else self.as_index


def split_path(text: str) -> tuple[list[Step], str]:
    """The steps at the beginning of a text, and the rest, which no step begins.

    A key that contains a dot, a bracket or an equals sign is written in quotes.
    """
    steps: list[Step] = []
    at = 0
    while (found := _STEP.match(text, at)) and _may_follow(found, steps):
        form = "item" if found["item"] is not None else "bare" if found["bare"] is not None else "quoted"
        steps.append(Step(next(each for each in found.groups()[1:] if each is not None), form))
        at = found.end()
    return steps, text[at:]


def flat(keys: Keys) -> Keys:
    """The keys with the versions of components, such as ``focal.v2``, as keys of their own, as paths write them."""
    return tuple(part for key in keys for part in (key.split(".") if isinstance(key, str) else [key]))


def _may_follow(found: re.Match[str], steps: list[Step]) -> bool:
    """True if a step has a dot before it exactly where one is needed: not before the first, nor before brackets."""
    return bool(found["dot"]) == (bool(steps) and found["item"] is None)
