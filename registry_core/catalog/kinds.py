"""The table of kinds: one row for each kind of component."""

from __future__ import annotations

import re
from typing import NamedTuple

CONTRACT = "v1"
"""Version of the contract between components and the core; part of every entry-point group."""

PREFIX = "registry_core."


class Kind(NamedTuple):
    """A kind of component: its name, its plural, and the entry-point group that registers it."""

    name: str
    plural: str

    @property
    def one(self) -> str:
        """The kind with its article, for messages: ``a loss``, ``an optimizer``."""
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"

    @property
    def group(self) -> str:
        """Entry-point group, such as ``registry_core.v1.losses``."""
        return f"{PREFIX}{CONTRACT}.{self.plural}"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("transform", "transforms"),
        Kind("init", "inits"),
        Kind("loss", "losses"),
        Kind("optimizer", "optimizers"),
        Kind("scheduler", "schedulers"),
        Kind("dataset", "datasets"),
        Kind("sampler", "samplers"),
        Kind("model", "models"),
        Kind("layer", "layers"),
        Kind("metric", "metrics"),
        Kind("hook", "hooks"),
        Kind("function", "functions"),
    )
}

PROVIDERS = f"{PREFIX}{CONTRACT}.providers"
"""Entry-point group of providers: each yields components of one kind, whose names an index file beside it lists."""

_BY_PLURAL = {kind.plural: kind for kind in KINDS.values()}
_GROUP = re.compile(re.escape(PREFIX) + r"(v[0-9]+)\.(\w+)")


class Group(NamedTuple):
    """What the name of an entry-point group says: the contract, and the kind (None for providers)."""

    contract: str
    kind: Kind | None


def read_group(name: str) -> Group | None:
    """The meaning of a group's name; None if it is none of ours, in this or another version of the contract."""
    match = _GROUP.fullmatch(name)
    if match is None:
        return None
    contract, plural = match.groups()
    if plural == "providers":
        return Group(contract, None)
    return Group(contract, _BY_PLURAL[plural]) if plural in _BY_PLURAL else None


def kind_of_plural(plural: str) -> Kind | None:
    """The kind that a plural such as ``losses`` names."""
    return _BY_PLURAL.get(plural)


def group_names() -> list[str]:
    """The names of all groups of this contract."""
    return [*(kind.group for kind in KINDS.values()), PROVIDERS]
