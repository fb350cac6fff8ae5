"""The name that a pipeline file has to write for a component that was made in Python."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.catalog import Preferences, Record, installed
from registry_core.catalog.session import in_session
from registry_core.components.base import Component
from registry_core.diagnostics import RegistryError
from registry_core.registry.registries import BY_KIND


def registered_name(component: Component, prefer: Preferences | None = None) -> str | None:
    """A name that resolves to the declaration of a component under these preferences; None if it has none.

    It is the name that the component was looked up by, if that still resolves to it; else its registered name, with
    the distribution where several register it.
    """
    if component.kind not in BY_KIND:
        return None
    return next((name for name in _candidates(component) if _resolves(component, name, prefer)), None)


def _candidates(component: Component) -> Iterator[str]:
    if component.record is not None:
        yield component.name_in_file
    for record in installed().of_kind(component.kind):
        if record == component.record or _may_declare(record, type(component)):
            yield record.name
            yield f"{record.distribution}:{record.name}"


def _may_declare(record: Record, declaration: type[Component]) -> bool:
    """True if a record, without importing anything, may be that of a declaration."""
    if (component := in_session(record.target)) is not None:
        return component.declaration is declaration
    module, _, attribute = record.target.partition(":")
    same_package = module.partition(".")[0] == declaration.__module__.partition(".")[0]
    return same_package and attribute == declaration.__qualname__


def _resolves(component: Component, name: str, prefer: Preferences | None) -> bool:
    registry = BY_KIND[component.kind]
    try:
        record = registry.record(name, prefer)
        declaration: type[Component] = registry.declaration(record)
    except RegistryError:
        return False
    # What was registered again with the same parameters is built in the place of the earlier one.
    return declaration is type(component) or (record.is_of_session and record.target == component.target)
