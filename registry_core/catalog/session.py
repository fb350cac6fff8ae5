"""Components that were registered in this process: the things themselves, which no entry point names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry_core.catalog.records import SESSION, Record


@dataclass(frozen=True)
class SessionComponent:
    """A component of the session, with what the catalog reads from source text for all others."""

    record: Record
    thing: Any
    """The class, function, declaration or object that was registered."""
    declaration: Any
    """Its declaration: what was registered, or what was made of its signature."""
    file: Path | None = None
    line: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Names of its parameters, each with its description."""

    @property
    def written_target(self) -> str:
        """``module:name`` of the class or function, for people; of an object, that of its class."""
        named = self.thing if hasattr(self.thing, "__qualname__") else type(self.thing)
        return f"{named.__module__}:{named.__qualname__}"


_components: dict[str, SessionComponent] = {}
"""By target."""


def session_target(kind: str, name: str) -> str:
    """What stands in a record as the target of a component of the session; no module has such a name."""
    return f"{SESSION}:{kind}/{name}"


def add_to_session(component: SessionComponent) -> None:
    """Add a component, in the place of an earlier one of its kind and name."""
    _components[component.record.target] = component


def in_session(target: str) -> SessionComponent | None:
    """The component of the session that has this target."""
    return _components.get(target)


def session_records() -> tuple[Record, ...]:
    """The records of all components of the session."""
    return tuple(component.record for component in _components.values())
