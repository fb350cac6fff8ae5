"""Typed registries, which map the name of a component to its declaration."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from registry_core.catalog import KINDS, Preferences, Record, installed
from registry_core.catalog.session import in_session
from registry_core.components.base import Component, looked_up
from registry_core.components.target import load_target
from registry_core.diagnostics import BrokenComponent, as_clause, describe_error
from registry_core.diagnostics.foreign_code import foreign_code, pass_interrupt
from registry_core.diagnostics.sentences import text_of
from registry_core.registry.plain import declare_plain

D = TypeVar("D", bound=Component)


class Registry(Generic[D]):
    """The components of one kind; a look-up imports only the requested declaration."""

    def __init__(self, base: type[D]) -> None:
        self.base = base
        self.kind = base.kind

    def __getitem__(self, name: str) -> type[D]:
        record = self.record(name)
        declaration = self.declaration(record)
        looked_up(declaration, record, name)
        return declaration

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({record.name for record in installed().of_kind(self.kind)}))

    def __contains__(self, name: object) -> bool:
        return name in set(self)

    def __len__(self) -> int:
        return len(set(self))

    def __repr__(self) -> str:
        return f"<registry of kind {self.kind}: {len(self)} components>"

    def record(self, name: str, prefer: Preferences | None = None) -> Record:
        """The record of the component; UnknownComponent or NameConflict unless exactly one matches."""
        return installed().find(self.kind, name, prefer)

    def declaration(self, record: Record) -> type[D]:
        """The declaration of a registered component of this kind; BrokenComponent if it cannot be used."""
        if component := in_session(record.target):  # not cached: another one of this name may replace it
            of_session: type[D] = component.declaration
            return of_session
        return _declaration(self.base, record)


@cache
def _declaration(base: type[D], record: Record) -> type[D]:
    found = load_target(record.target, owner=f"The {record.label}")
    if record.provided:
        found = _provided(found, record)
    if isinstance(found, type) and issubclass(found, Component):
        if not issubclass(found, base) or found.kind != base.kind:
            declared = KINDS[found.kind].one if found.kind in KINDS else "no kind"
            raise BrokenComponent(f"The {record.label} is declared as {declared}, not {KINDS[record.kind].one}.")
        return found
    if not callable(found):
        raise BrokenComponent(f"The {record.label} is a {type(found).__name__}: neither a class nor a function.")
    try:
        return declare_plain(base, found, record)
    except BaseException as error:  # a signature may contain anything, and pydantic raises errors of many classes
        pass_interrupt(error)
        known = isinstance(error, (TypeError, ValueError, ValidationError))
        reason = as_clause(text_of(error)) if known else describe_error(error)
        message = f"The parameters of the {record.label} cannot be read from its signature: {reason}."
        raise BrokenComponent(message, "Write a declaration for it.") from error


def _provided(provider: Any, record: Record) -> Any:
    """The object of a provider for a name: a declaration, class or function."""
    with foreign_code(f"The provider of the {record.label} failed", remedy="Repair or reinstall it."):
        return provider(record.name)
