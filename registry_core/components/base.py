"""The declaration of a component: typed parameters, and a way to build the torch object from them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator
from pydantic.fields import FieldInfo

from registry_core.catalog import Record, shield
from registry_core.components.example_tensor import ExampleTensor
from registry_core.components.own_default import OwnDefault
from registry_core.components.target import load_target
from registry_core.components.written_forms import Read, reader

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass

    from registry_core.components.facts import CheckFailed, RunFacts
else:
    ModelMetaclass = type(BaseModel)  # pydantic has no public name for it

shield()  # before the first model is made


class _Metaclass(ModelMetaclass):
    """Metaclass of models that do not evaluate the annotations of class variables, which takes as long as of fields."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        """Replace the text of annotations such as ``ClassVar[Mapping[str, Any]]``."""
        annotations = namespace.get("__annotations__", {})
        for variable, written in annotations.items():
            if isinstance(written, str) and written.startswith("ClassVar"):
                annotations[variable] = ClassVar
        return super().__new__(cls, name, bases, namespace, **options)


class ConfigModel(BaseModel, metaclass=_Metaclass):
    """Base of the models of what users write: strict, immutable, and closed to unknown keys.

    A string is never read as a number, nor a number as a boolean; tuples may be written as lists, paths as strings,
    and numbers as the keys of mappings as strings.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True, protected_namespaces=()
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_written_forms(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        readers = _readers(cls)
        return {name: readers[name](value) if name in readers else value for name, value in data.items()}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; with other values it computes its cached properties anew."""
        copied = super().model_copy(update=update, deep=deep)
        if update and len(vars(copied)) > len(type(copied).model_fields):
            for name in _cached(copied):
                del vars(copied)[name]
        return copied

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Keep the annotations of fields only: those of class variables would be evaluated for every subclass again."""
        own = inspect.get_annotations(cls)
        cls.__annotations__ = {name: own[name] for name in own if name in cls.__pydantic_fields__}


@dataclass(frozen=True)
class _AsWritten:
    """Parameters as a file wrote them; two components are equal whatever these are."""

    parameters: Mapping[str, Any] = field(compare=False)


class Component(ConfigModel):
    """Base of all declarations; authors derive from the class of a kind, such as ``Loss``; fields are parameters."""

    kind: ClassVar[str] = ""
    """Name of the kind; set by the class of the kind."""

    target: ClassVar[str] = ""
    """``module:attribute`` of the class or function that is called to build the object, imported only then."""

    argument_names: ClassVar[Mapping[str, str]] = {}
    """Parameters whose name at the target differs: field to argument."""

    requirements: ClassVar[Mapping[str, str]] = {}
    """Top-level modules that only this component needs: module to the requirement for pip that brings it."""

    example: ClassVar[Mapping[str, Any]] = {}
    """Parameters of a valid example, as written in a pipeline file; ``show`` prints it."""

    example_inputs: ClassVar[Mapping[str, ExampleTensor]] = {}
    """Inputs for the example, by the names in its ``inputs``; the conformance kit calls it with them."""

    old_spellings: ClassVar[Mapping[str, str]] = {}
    """Old spellings that are refused, each with its replacement: a parameter, or a value of one.

    ``size_average`` is an example of the former, ``reduction: elementwise_mean`` of the latter.
    """

    successor: ClassVar[str] = ""
    """The component of the same kind that replaces it; it is deprecated, and files that name it get a warning."""

    leading_arguments: ClassVar[int] = 0
    """The number of leading arguments that the core passes to plain classes of this kind when it builds them."""

    function_leading_arguments: ClassVar[int] = 0
    """The number of leading arguments that the core passes to plain functions of this kind when it calls them."""

    _record: Record | None = PrivateAttr(default=None)
    _name_in_file: str = PrivateAttr(default="")
    _as_written: _AsWritten = PrivateAttr(default_factory=lambda: _AsWritten({}))

    @property
    def record(self) -> Record | None:
        """The registration of the component, if it was looked up by name."""
        return self._record or _looked_up.get(type(self), (None, ""))[0]

    @property
    def name(self) -> str:
        """The name it was looked up by, or the name of its class."""
        return self.record.name if self.record else type(self).__name__

    @property
    def label(self) -> str:
        """Kind, name and origin for messages: ``loss 'focal' of acme-losses 1.0``."""
        return self.record.label if self.record else f"{self.kind} {self.name!r}"

    @property
    def name_in_file(self) -> str:
        """The name as a pipeline file has to write it: with the distribution if the file names it."""
        return self._name_in_file or _looked_up.get(type(self), (None, ""))[1] or self.name

    @property
    def as_written(self) -> Mapping[str, Any]:
        """The parameters as the file wrote them, if it was read from one."""
        return self._as_written.parameters

    def with_record(self, written: str, record: Record, parameters: Mapping[str, Any] | None = None) -> Self:
        """The same component, with the name that it was looked up by, its registration, and its written parameters."""
        self._name_in_file, self._record = written, record
        if parameters is not None:
            self._as_written = _AsWritten(parameters)
        return self

    def arguments(self) -> dict[str, Any]:
        """The parameters as keyword arguments of the target."""
        fields = filter(self.is_argument, type(self).model_fields)
        own = {self.argument_names.get(name, name): getattr(self, name) for name in fields}
        known = {name: value for name, value in own.items() if not isinstance(value, OwnDefault)}
        return {**known, **(self.model_extra or {})}

    def is_argument(self, field: str) -> bool:
        """True if a field is passed to the target, and not read by the core alone."""
        return True

    def make(self, *leading: Any) -> Any:
        """Import the target and call it with ``leading`` arguments and the parameters."""
        return load_target(self.target)(*leading, **self.arguments())

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Return warnings about a component that works in this run, but probably not as intended.

        Its place among the parameters is that of the warning. Warnings are asked for only where there is no error.
        """
        return ()

    @classmethod
    def summary(cls) -> str:
        """The first sentence of the docstring."""
        return (inspect.getdoc(cls) or "").partition("\n")[0]


_looked_up: WeakKeyDictionary[type[Component], tuple[Record, str]] = WeakKeyDictionary()


def looked_up(declaration: type[Component], record: Record, name: str) -> None:
    """Note that a declaration was looked up by this name, for components that are made from it without a file."""
    _looked_up[declaration] = record, name


def file_keys(model: type[BaseModel]) -> dict[str, str]:
    """The fields of a model by the names that files have for them."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


def field_at(model: type[BaseModel], key: str) -> FieldInfo | None:
    """The field of a model that files write as ``key``."""
    name = file_keys(model).get(key)
    return None if name is None else model.model_fields[name]


def file_values(model: BaseModel) -> dict[str, Any]:
    """The values of a model by the names that files have for them, with those that no field is declared for."""
    own = {written: getattr(model, name) for written, name in file_keys(type(model)).items()}
    return {**own, **_added(model), **(model.model_extra or {})}


def values_set(model: BaseModel) -> dict[str, Any]:
    """The values of a model that were set, by the names that files have for them."""
    written = keys_set(model)
    return {key: value for key, value in file_values(model).items() if key in written}


def keys_set(model: BaseModel) -> set[str]:
    """The names in files of the values of a model that were set; the others have their defaults."""
    own = {written for written, name in file_keys(type(model)).items() if name in model.model_fields_set}
    return own | {*_added(model), *(model.model_extra or {})}


def _added(model: BaseModel) -> dict[str, Any]:
    """The values that ``model_copy(update=...)`` added under names that are no fields."""
    others = vars(model).keys() - type(model).model_fields.keys() - _cached(model)
    return {name: vars(model)[name] for name in others}


def _cached(model: BaseModel) -> set[str]:
    """The cached properties of a model that were computed."""
    kind = type(model)
    others = vars(model).keys() - kind.model_fields.keys()
    return {name for name in others if isinstance(getattr(kind, name, None), cached_property)}


@cache
def _readers(model: type[BaseModel]) -> dict[str, Read]:
    """The functions that read values of a model that are not as they are written, by the names of files."""
    annotations = {key: model.model_fields[name].annotation for key, name in file_keys(model).items()}
    return {key: read for key, annotation in annotations.items() if (read := reader(annotation)) is not None}
