"""Explain a malformed component; a component is a name, or a mapping from one name to its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from registry_core.catalog import KINDS
from registry_core.components import Component
from registry_core.components.base import file_keys
from registry_core.diagnostics import RegistryError, closest, format_value
from registry_core.registry.registries import registry_of

ONE_FORM = "Write `name` or `{name: {parameter: value}}`."


def wrong_form(base: type[Component], value: Any) -> tuple[str, str, str | None]:
    """The message, the remedy, and the key that they are about, or None."""
    message = f"Expected {KINDS[base.kind].one}: a name, or one name with its parameters, not {format_value(value)}."
    if not isinstance(value, dict) or not value:
        return message, ONE_FORM, None
    names = set(registry_of(base))
    known = [key for key in value if key in names]
    if len(known) == 1:
        return _beside(base, known[0], [key for key in value if key != known[0]])
    if known:
        remedy = f"Keep one of them; in a list, write each {base.kind} as a separate item."
        return f"Expected one {base.kind}, found {known[0]!r} and {known[1]!r}.", remedy, known[1]
    if named := name_inside(value, names):
        key, name = named
        message = f"The name of {KINDS[base.kind].one} must be a key, not the value of {key!r}."
        return message, f"Write `{{{name}: {{parameter: value}}}}`.", key
    return message, ONE_FORM, None


def _beside(base: type[Component], name: str, others: list[str]) -> tuple[str, str, str]:
    try:
        taken = file_keys(registry_of(base)[name])
    except RegistryError:  # the component itself is reported
        taken = {}
    one = others[0]
    what = f"{one!r} is on the same level as {name!r}, where only {KINDS[base.kind].one} can be."
    if one in taken:
        return f"{what} It is a parameter of {name!r}.", f"Indent it under {name!r}.", one
    return what, f"Indent it under {name!r} if it is a parameter, or remove it.", one


def name_inside(value: dict[str, Any], names: set[str]) -> tuple[str, str] | None:
    """A key whose value resembles a registered name, and that name: ``type: SGD`` or ``_target_: torch.optim.SGD``."""
    return _first(value, lambda text: next(iter(closest(text.rpartition(".")[2], names)), None))


def _first(value: dict[str, Any], meant: Callable[[str], str | None]) -> tuple[str, str] | None:
    for key, item in value.items():
        if isinstance(item, str) and (name := meant(item)):
            return key, name
    return None
