"""Turn the names in a tree into component declarations, guided by the annotations of the models.

For a field of a component class, a file has a name or a one-key mapping from a name to parameters. All problems are
collected; an empty component of its kind replaces one that cannot be made, so that checking continues. Modules that
describe mistakes are imported only if there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from registry_core.catalog import Preferences
from registry_core.components import Component
from registry_core.components.base import field_at, file_keys
from registry_core.config.loading.annotations import (
    forms,
    is_sequence,
    item_of,
    mapping_in,
    model_in,
    model_of,
    sequence_in,
)
from registry_core.config.loading.limits import MAX_MISTAKES, and_more
from registry_core.config.loading.numbers import number_meant
from registry_core.config.text.fixes import likely_fix
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import (
    BrokenComponent,
    Fix,
    Keys,
    NameConflict,
    PipelineError,
    Problem,
    RegistryError,
    UnknownComponent,
)
from registry_core.registry.registries import registry_of


class Resolver:
    """Resolves one tree, and collects problems, deprecated components, and the keys of replaced components."""

    def __init__(self, tree: Tree, prefer: Preferences | None = None) -> None:
        self.tree = tree
        self.prefer = prefer
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.broken: set[Keys] = set()

    def fields(self, model: type[BaseModel], data: Any, keys: Keys) -> Any:
        """The data of a model, with component names replaced by components."""
        if not isinstance(data, dict):
            return data
        annotations = {key: model.model_fields[name].annotation for key, name in file_keys(model).items()}
        return {
            key: self.value(annotations[key], value, (*keys, key)) if key in annotations else value
            for key, value in data.items()
        }

    def value(self, annotation: Any, value: Any, keys: Keys) -> Any:
        """The value of a field with this annotation."""
        if value is None or model_in(annotation) is None:
            return value
        if isinstance(value, list) and (sequence := sequence_in(annotation)) is not None:
            items = [self.value(item_of(sequence, place), item, (*keys, place)) for place, item in enumerate(value)]
            return items if get_origin(sequence) is list else tuple(items)
        target = model_of(annotation)
        if isinstance(value, dict) and not self._is_written_so(target, value):
            inner = mapping_in(annotation)
            if inner is not None:
                return {key: self.value(item_of(inner, key), item, (*keys, key)) for key, item in value.items()}
        if target is None or (not isinstance(value, (str, dict, list)) and _takes_plain(annotation)):
            return value
        if issubclass(target, Component):
            return value if self._is_text(target, annotation, value) else self.component(target, value, keys)
        return self.fields(target, value, keys)

    def _is_written_so(self, target: type[BaseModel] | None, value: dict[str, Any]) -> bool:
        """True if a mapping is a component or model, where a mapping of others could be, too."""
        if target is None or not issubclass(target, Component):
            return target is not None
        return len(value) == 1 and next(iter(value)) in registry_of(target)

    def _is_text(self, target: type[Component], annotation: Any, value: Any) -> bool:
        """True if a text is one, or a number in quotes, where the name of a component could be, too."""
        if not isinstance(value, str) or value in registry_of(target):
            return False
        others = {form for form in forms(annotation) if isinstance(form, type)}
        return str in others or bool(others & {int, float} and number_meant(value, whole=False))

    def component(self, base: type[Component], value: Any, keys: Keys) -> Component:
        """The component that a name or a one-key mapping describes."""
        if len(self.problems) >= MAX_MISTAKES:
            raise PipelineError(and_more(self.problems))
        name, parameters = _split(value)
        if name is None:
            from registry_core.config.loading.component_form import wrong_form

            message, remedy, key = wrong_form(base, value)
            place = self.tree.keys.get((*keys, key)) if key is not None else None
            return self._stand_in(base, keys, Problem(message, remedy, place, code="component-form"))
        if name_place := self.tree.keys.get((*keys, name)):
            self.tree.values[keys] = name_place  # problems of a component are shown at its name
        registry = registry_of(base)
        try:
            record = registry.record(name, self.prefer)
        except UnknownComponent as error:
            return self._stand_in(base, keys, self._unknown(base, value, keys, error))
        except NameConflict as error:
            return self._stand_in(base, keys, error.problem())
        try:
            declaration: type[Component] = registry.declaration(record)
        except BrokenComponent as error:
            return self._stand_in(base, keys, error.problem())
        inner: Keys = (*keys, name) if isinstance(value, dict) else keys
        as_written, parameters = parameters, self.fields(declaration, parameters, inner)
        made: Component | None = None
        try:
            made = declaration.model_validate(parameters).with_record(name, record, as_written)
        except ValidationError as error:
            from registry_core.config.loading.messages import problems_of

            self.problems += problems_of(error, declaration, parameters, self.tree, inner, f"{base.kind} {name!r}")
            self.broken.add(keys)
        if declaration.successor:
            self._deprecated(keys, name, declaration, made, parameters)
        return base.model_construct() if made is None else made

    def _unknown(self, base: type[Component], value: Any, keys: Keys, error: UnknownComponent) -> Problem:
        """The problem of an unknown component name, which may be a key whose value is the name."""
        from registry_core.config.loading.component_form import name_inside, wrong_form

        if isinstance(value, dict) and not error.closest and name_inside(value, set(registry_of(base))):
            message, remedy, _ = wrong_form(base, value)
            return Problem(message, remedy, code="component-form")
        name, _ = _split(value)
        return error.problem()._replace(fix=self._renamed(keys, str(name), error.closest))

    def _deprecated(
        self, keys: Keys, name: str, declaration: type[Component], made: Component | None, parameters: Any
    ) -> None:
        """Warn of a deprecated component; the fix is its successor if all parameters are the same."""
        fix, origin = None, name.rpartition(":")[0]
        successor = f"{origin}:{declaration.successor}" if origin else declaration.successor
        try:
            after = registry_of(declaration)[successor].model_validate(parameters)
            if made is not None and all(
                getattr(after, each, made) == getattr(made, each) for each in declaration.model_fields
            ):
                fix = self._renamed(keys, name, successor)
        except (RegistryError, ValidationError):  # the successor has other parameters
            pass
        message, remedy = f"The {declaration.kind} {name!r} is deprecated.", f"Use {successor!r}."
        place = self.tree.place(keys)
        self.warnings.append(Problem(message, remedy, place, keys, code="deprecated-component", warning=True, fix=fix))

    def _stand_in(self, base: type[Component], keys: Keys, problem: Problem) -> Component:
        place = problem.place or self.tree.place(keys)
        self.problems.append(problem._replace(place=place, keys=keys))
        self.broken.add(keys)
        return base.model_construct()

    def _renamed(self, keys: Keys, name: str, closest: str) -> Fix | None:
        """The fix of a component's name."""
        return likely_fix(self.tree.place(keys), name, closest) if closest else None


def component_class(model: type[BaseModel], keys: Keys) -> type[Component] | None:
    """The component class at ``keys`` of a file of ``model``; None if there is no component."""
    annotation: Any = model
    rest = list(keys)
    while rest:
        key = rest.pop(0)
        target = None if isinstance(key, int) and is_sequence(annotation) else model_of(annotation)
        if target is None:
            annotation = item_of(annotation, key)
        else:
            if issubclass(target, Component):
                try:
                    target = registry_of(target)[str(key)]
                except RegistryError:
                    return None
                if not rest:  # the parameters of a component, not a component
                    return None
                key = rest.pop(0)
            field = field_at(target, str(key))
            annotation = field.annotation if field else None
    target = model_of(annotation)
    return target if target is not None and issubclass(target, Component) else None


def components(value: Any) -> Iterator[Component]:
    """All components in a spec, outer ones first, in the order of the file."""
    for _, component in placed_components(value):
        yield component


def placed_components(value: Any, keys: Keys = ()) -> Iterator[tuple[Keys, Component]]:
    """All components in a spec with their keys in a file that writes each component as a mapping."""
    if isinstance(value, (tuple, list)):
        for index, item in enumerate(value):
            yield from placed_components(item, (*keys, index))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from placed_components(item, (*keys, key))
    elif isinstance(value, BaseModel):
        inside = keys
        if isinstance(value, Component):
            yield keys, value
            inside = (*keys, value.name_in_file)
        for key, name in file_keys(type(value)).items():
            yield from placed_components(getattr(value, name, None), (*inside, key))


def _takes_plain(annotation: Any) -> bool:
    """True if a value may be one without components, such as that of ``Loss | float``."""
    return any(model_in(form) is None and form is not NoneType for form in forms(annotation))


def _split(value: Any) -> tuple[str | None, Any]:
    if isinstance(value, str):
        return value, {}
    if isinstance(value, dict) and len(value) == 1:
        name, parameters = next(iter(value.items()))
        return name, {} if parameters is None else parameters
    return None, {}
