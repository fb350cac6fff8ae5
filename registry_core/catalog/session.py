"""Components that were registered in this process: the objects themselves, which no entry point names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from registry_core.catalog.records import SESSION, Record


@dataclass(frozen=True)
class SessionComponent:
    """A component of the session, with the facts that the catalog reads from source text for other components."""

    record: Record
    thing: Any
    """The class, function, declaration or object that was registered."""
    declaration: Any
    """Its declaration: the registered one, or one made from the signature of ``thing``."""
    interface: str
    """The parts that a loaded pipeline relies on; a component with an equal interface may replace this one."""
    file: Path | None = None
    line: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Maps the name of each parameter to its description."""

    @property
    def written_target(self) -> str:
        """``module:name`` of the class or function, for display; for an object, that of its class."""
        named = self.thing if hasattr(self.thing, "__qualname__") else type(self.thing)
        return f"{named.__module__}:{named.__qualname__}"


_components: dict[str, SessionComponent] = {}
"""Keyed by kind and name: ``loss/focal``."""

_numbers = count(1)


def session_target(full_name: str) -> str:
    """A new target for a component to register as ``kind/name``; no module and no earlier component has it."""
    return f"{SESSION}:{full_name}#{next(_numbers)}"


def add_to_session(component: SessionComponent) -> None:
    """Add a component, replacing an earlier one of the same kind and name."""
    _components[component.record.full_name] = component


def session_component(full_name: str) -> SessionComponent | None:
    """The component of the session that is registered as ``kind/name``."""
    return _components.get(full_name)


def in_session(target: str) -> SessionComponent | None:
    """The component of the session that has this target; None if another component replaced it."""
    found = session_component(name_in_session(target))
    return found if found is not None and found.record.target == target else None


def name_in_session(target: str) -> str:
    """Kind and name in the target of a component of the session; empty for any other target."""
    return target.removeprefix(f"{SESSION}:").partition("#")[0] if target.startswith(f"{SESSION}:") else ""


def session_records() -> tuple[Record, ...]:
    """The records of all components of the session."""
    return tuple(component.record for component in _components.values())
