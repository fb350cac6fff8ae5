"""Build a component and check the object against the type of its kind."""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any, TypeVar

from registry_core.catalog import KINDS
from registry_core.components import CheckFailed, Component
from registry_core.diagnostics import BrokenComponent, InvalidParameters, RegistryError

T = TypeVar("T")


def build(component: Component, make: Callable[..., T], *arguments: Any) -> T:
    """``make(*arguments)``, where ``make`` is the component's ``build``; errors name the component.

    Raises InvalidParameters if the parameters do not work together, BrokenComponent if the component is at fault.
    """
    label = component.label
    try:
        built = make(*arguments)
    except CheckFailed as failed:
        named = failed.message.startswith(f"The {component.kind} {component.name!r}")
        message = failed.message if named else f"The {label} cannot be built: {failed.message}"
        raise InvalidParameters(f"{message} {failed.remedy}").blaming(component) from failed
    except RegistryError as error:  # of something inside it
        if error.about is None:
            error.blaming(component)
        raise
    except (TypeError, ValueError) as error:
        message = f"The {label} does not take these parameters: {error}."
        raise InvalidParameters(message).blaming(component) from error
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        message = f"The {label} failed while it was built: {type(error).__name__}: {error}."
        raise BrokenComponent(message).blaming(component) from error
    if not _fits(component.kind, built):
        message = f"The {label} built a {type(built).__name__}, which is not what a {component.kind} is."
        raise BrokenComponent(message).blaming(component)
    return built


def _fits(kind: str, built: object) -> bool:
    expected = resolve_name(KINDS[kind].builds)  # torchmetrics takes seconds to import: only where a metric is built
    return isinstance(built, expected) if isinstance(expected, type) else bool(expected(built))
