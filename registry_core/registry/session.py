"""Components of the session: classes, functions and objects of a notebook, a script or a test."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, overload

from registry_core.catalog import KINDS, Record, add_session
from registry_core.catalog.records import SESSION
from registry_core.catalog.scan import NAME
from registry_core.catalog.session import SessionComponent, in_session, session_component, session_target
from registry_core.components.base import Component, file_keys, looked_up
from registry_core.components.target import load_target
from registry_core.diagnostics import BrokenComponent, near
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.diagnostics.sentences import text_of
from registry_core.registry.plain import declare_plain, own_documentation
from registry_core.registry.registries import BY_KIND
from registry_core.registry.requirements import fault_of, is_class_or_function
from registry_core.registry.session_digest import digest_of
from registry_core.registry.session_objects import declare_object
from registry_core.registry.session_source import source_of

T = TypeVar("T")

_NOTHING: Any = object()
"""Default for the component if ``register`` is a decorator; None is not used, because registering it is a mistake."""


@overload
def register(name: str) -> Callable[[T], T]: ...
@overload
def register(name: str, component: T) -> T: ...
def register(name: str, component: Any = _NOTHING) -> Any:
    """Register a class, a function or an object of this process as the component ``name``, written ``kind/name``.

    As a decorator and as a call::

        @registry_core.register("loss/focal")
        class FocalLoss(nn.Module): ...

        registry_core.register("model/mine", my_module)

    A class or function has the parameters of its signature; a declaration, such as a subclass of
    ``registry_core.components.Loss``, is used unchanged. An object has no parameters, and building it returns the
    object itself: training a registered model trains that model. Returns the component.

    Registering a name again replaces the earlier component of this session. If a distribution registers the same
    name, pipelines must choose one, by ``this session:focal`` or ``prefer: {loss/focal: this session}``.

    Raises BrokenComponent if the name is malformed, or if the component cannot be of that kind.
    """
    kind, bare = _split(name)
    return partial(_add, kind, bare) if component is _NOTHING else _add(kind, bare, component)


def _split(name: Any) -> tuple[str, str]:
    if not isinstance(name, str):
        found = "a class" if isinstance(name, type) else f"a {type(name).__name__}"
        remedy = "Pass the name first: @registry_core.register('kind/name')."
        raise BrokenComponent(f"The name of a component must be a string, not {found}.", remedy)
    kind, slash, bare = name.partition("/")
    if not slash:
        example = f"{kind}/my_{kind}" if kind in KINDS else f"loss/{kind if NAME.fullmatch(kind) else 'focal'}"
        raise BrokenComponent(f"{name!r} is not of the form kind/name.", f"Write it as in {example!r}.")
    if kind not in KINDS:
        raise BrokenComponent(f"The kind {kind!r} in {name!r} is unknown.", near(kind, KINDS))
    if not NAME.fullmatch(bare):
        snake = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", bare)).lower()
        remedy = f"Write {f'{kind}/{snake}'!r}." if NAME.fullmatch(snake) else "Begin it with a lower-case letter."
        raise BrokenComponent(f"{bare!r} is not a snake_case name.", remedy)
    return kind, bare


def _add(kind: str, name: str, thing: T) -> T:
    record = Record(kind, name, SESSION, "", session_target(f"{kind}/{name}"))
    declaration = _declaration(record, thing)
    interface = _interface(declaration, thing)
    earlier = session_component(record.full_name)
    if earlier is not None and earlier.interface == interface:
        record = record._replace(target=earlier.record.target)
        declaration.target = record.target
    documented = thing if is_class_or_function(thing) else declaration
    source = source_of(thing)
    component = SessionComponent(
        record=record._replace(summary=own_documentation(documented).partition("\n")[0]),
        thing=thing,
        declaration=declaration,
        interface=interface,
        file=source.file if source and source.file.is_file() else None,  # a cell of a notebook is not a file
        line=source.line if source else None,
        parameters={
            written: declaration.model_fields[field].description or ""
            for written, field in file_keys(declaration).items()
        },
    )
    add_session(component)
    looked_up(declaration, component.record, name)
    return thing


def _interface(declaration: type[Component], thing: Any) -> str:
    """The facts of a component that checks of a pipeline depend on: its parameters, or the number of samples."""
    if declaration is thing:  # pipelines that are loaded keep their declaration
        return f"declaration {id(thing)}"
    if not is_class_or_function(thing):
        return f"object of {len(thing)}" if declaration.kind == "dataset" else "object"
    fields = ((key, field.annotation, field.default) for key, field in declaration.model_fields.items())
    return repr((isinstance(thing, type), declaration.model_config.get("extra"), *fields))


def session_digest(component: Component) -> str | None:
    """SHA-256 of the source of a component of the session; None if it has no source, or no complete one.

    The target of a declaration is included if it is defined in the same module.
    """
    registered = in_session(component.target)
    if registered is not None:
        return digest_of(registered.thing)
    declaration = type(component)
    built_here = component.target.partition(":")[0] == declaration.__module__
    return digest_of(declaration, load_target(component.target)) if built_here else digest_of(declaration)


def _declaration(record: Record, thing: Any) -> type[Component]:
    """The declaration of a registered object; BrokenComponent if it cannot be of this kind."""
    base = BY_KIND[record.kind].base
    if isinstance(thing, Component):
        message = f"It is the {thing.label} with its parameters."
        raise _unfit(record, message, "Register what it builds, or write it in the pipeline with these parameters.")
    if isinstance(thing, type) and issubclass(thing, Component):
        if not issubclass(thing, base):
            other = KINDS[thing.kind].one if thing.kind in KINDS else "no kind"
            raise _unfit(record, f"{thing.__name__} is declared as {other}.", f"Derive it from {base.__name__}.")
        return thing
    if fault := fault_of(record.kind, thing):
        raise _unfit(record, *fault)
    try:
        declare = declare_plain if is_class_or_function(thing) else declare_object
        declared: type[Component] = declare(base, thing, record)
        declared.model_rebuild()
    except BaseException as error:  # a signature may contain anything, and pydantic raises errors of many classes
        pass_interrupt(error)
        message = f"Its parameters cannot be read from its signature: {text_of(error)}."
        raise _unfit(record, message, "Rename or annotate them, or register a declaration.") from error
    return declared


def _unfit(record: Record, reason: str, remedy: str) -> BrokenComponent:
    return BrokenComponent(f"The {record.kind} {record.name!r} cannot be registered. {reason}", remedy)
