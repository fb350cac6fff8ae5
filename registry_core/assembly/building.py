"""Build a component and check that the object has the type of its kind."""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any, TypeVar

from registry_core.catalog import KINDS
from registry_core.components import CheckFailed, Component
from registry_core.diagnostics import BrokenComponent, InvalidParameters, RegistryError
from registry_core.diagnostics.foreign_code import failure, pass_interrupt

T = TypeVar("T")


def build(component: Component, make: Callable[..., T], *arguments: Any) -> T:
    """``make(*arguments)``, where ``make`` is the component's ``build``; errors name the component.

    Raises InvalidParameters if the parameters contradict each other, BrokenComponent if the component is at fault.
    """
    label = component.label
    try:
        built = make(*arguments)
    except CheckFailed as failed:
        raise InvalidParameters(failed.message, failed.remedy).blaming(component) from failed
    except RegistryError as error:  # raised by a component inside it
        if error.about is None:
            error.blaming(component)
        raise
    except (TypeError, ValueError) as error:
        message = f"The {label} does not accept these parameters: {error}."
        raise InvalidParameters(message).blaming(component) from error
    except BaseException as error:  # a plugin may raise anything
        pass_interrupt(error)
        raise failure(f"The {label} failed while it was built", error).blaming(component) from error
    kind = KINDS[component.kind]
    expected = resolve_name(kind.builds)  # importing torchmetrics takes seconds: only if a metric is built
    if not (isinstance(built, expected) if isinstance(expected, type) else expected(built)):
        what = "be an instance of" if isinstance(expected, type) else "satisfy"
        message = f"{kind.one} must {what} {kind.builds.replace(':', '.')}."
        found = f"The {label} built an object of type {type(built).__name__!r}"
        raise BrokenComponent(f"{found}, but {message}").blaming(component)
    return built
