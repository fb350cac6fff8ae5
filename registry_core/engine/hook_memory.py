"""The memory of hooks across a resume: it belongs to its owner, wherever the owner is in the list.

A hook is known by its name and by the parameters that its memory depends on (``Hook.memory_of``). Where a run has
several such hooks, the other parameters tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from registry_core.components import Hook
from registry_core.config import dump
from registry_core.diagnostics import format_value


@dataclass(frozen=True)
class Owner:
    """The owner of a memory: the hook's name, with its distribution, and all its parameters as in a file."""

    name: str
    parameters: dict[str, Any]
    decisive: frozenset[str] | None = None
    """The parameters that the memory depends on; None: all."""

    @classmethod
    def of(cls, hook: Hook) -> Owner:
        """The identity of a hook of this run."""
        (parameters,) = dump(hook).values()
        record = hook.record
        name = hook.name_in_file if record is None else f"{record.distribution}:{record.name}"
        return cls(name, parameters, None if hook.memory_of is None else frozenset(hook.memory_of))

    @property
    def label(self) -> str:
        """The name without the distribution, for messages."""
        return self.name.rpartition(":")[2]

    def changed(self, saved: dict[str, Any]) -> list[str]:
        """The parameters that the memory depends on and that differ from saved ones."""
        names = {*self.parameters, *saved} if self.decisive is None else self.decisive
        return sorted(name for name in names if self.parameters.get(name) != saved.get(name))


@dataclass(frozen=True)
class Match:
    """The memory of a hook: its place among the saved ones, or the reason why the hook starts anew."""

    saved: int | None
    reason: str = ""


def match(here: Sequence[Owner], saved: Sequence[Owner]) -> list[Match]:
    """The memory of each hook of this run; the order of the hooks does not matter.

    Hooks that are equal in all parameters come first, then those that are equal in what their memory depends on, if
    there is no choice. A hook with another value there starts anew, as one does that was not there before.
    """
    found: list[Match | None] = [None] * len(here)
    left = list(range(len(saved)))

    def pair(place: int, memory: int) -> None:
        found[place] = Match(memory)
        left.remove(memory)

    for place, owner in enumerate(here):
        equal = next((each for each in left if _equal(owner, saved[each])), None)
        if equal is not None:
            pair(place, equal)
    open_places = [place for place in range(len(here)) if found[place] is None]
    for place, memory in list(_fitting(here, saved, open_places, left)):
        pair(place, memory)
    for place in open_places:
        if found[place] is None:
            same = [saved[each] for each in left if saved[each].name == here[place].name]
            found[place] = Match(None, _reason(here[place], same))
    return [each for each in found if each is not None]


def _equal(owner: Owner, saved: Owner) -> bool:
    return (owner.name, owner.parameters) == (saved.name, saved.parameters)


def _fitting(
    here: Sequence[Owner], saved: Sequence[Owner], places: Sequence[int], left: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """The pairs of hooks and memories that fit each other and nothing else."""
    fits = {
        place: [
            each
            for each in left
            if saved[each].name == here[place].name and not here[place].changed(saved[each].parameters)
        ]
        for place in places
    }
    for place, memories in fits.items():
        if len(memories) == 1 and sum(memories[0] in others for others in fits.values()) == 1:
            yield place, memories[0]


def _reason(owner: Owner, same: Sequence[Owner]) -> str:
    """The reason why a hook starts anew; empty if there was none of its name."""
    if not same:
        return ""
    if len(same) > 1:
        return f"{owner.label} starts anew: its parameters changed, and the run had several such hooks."
    changed = owner.changed(same[0].parameters)
    if not changed:
        return f"{owner.label} starts anew: several hooks of this run may be the one that the run had."
    name = changed[0]
    before, now = (format_value(each.get(name)) for each in (same[0].parameters, owner.parameters))
    return f"{owner.label} starts anew: its {name} changed from {before} to {now}."
