"""The table of kinds: one row for each kind of component."""

from __future__ import annotations

from dataclasses import dataclass

CONTRACT = "v1"
"""Version of the contract between components and the core; part of every entry-point group."""

PREFIX = "registry_core."


@dataclass(frozen=True, slots=True)
class Kind:
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

GROUPS: dict[str, Kind] = {kind.group: kind for kind in KINDS.values()}
