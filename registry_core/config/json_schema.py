"""JSON Schema (draft 7) of declarations and of other models, in the form in which users write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticSerializationError, core_schema

from registry_core.components.written_forms import Unwritable, written
from registry_core.registry.registries import BY_KIND

Schema = dict[str, Any]

KIND = "x-kind"
"""Placeholder in a schema for a component of a kind, until the document is assembled."""

_BASES = {registry.base for registry in BY_KIND.values()}


def written_schema(model: type[BaseModel]) -> Schema:
    """The schema of a model's fields; models inside it are under ``$defs``, components are ``{"x-kind": kind}``."""
    made: Schema = _draft7(model.model_json_schema(schema_generator=_Generator, by_alias=True))
    return made


class _Generator(GenerateJsonSchema):
    """Describes values as written in a file, instead of the values that pydantic makes of them."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        if schema["cls"] in _BASES:
            return {KIND: schema["cls"].kind}
        made = super().model_schema(schema)
        made.pop("title", None)
        return made

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """A function reads the value first; only an explicit schema beside it describes its input."""
        inner = schema["schema"]
        if inner["type"] in ("model", "model-fields", "definition-ref", "function-before", "function-after"):
            return self.generate_inner(inner)
        return {}

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        return {}

    def callable_schema(self, schema: core_schema.CallableSchema) -> JsonSchemaValue:
        return {}

    def encode_default(self, dft: Any) -> Any:
        """The default as written; one that no file can say is omitted."""
        if isinstance(dft, BaseModel):
            return super().encode_default(dft)
        try:
            return written(dft)
        except (Unwritable, RecursionError) as error:
            raise PydanticSerializationError(str(error)) from error

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Omit defaults that are not plain data, without a warning."""


def _draft7(value: Any) -> Any:
    """Convert a schema to draft 7, which editors support best, with the forms that a file may have for a value."""
    if isinstance(value, list):
        return [_draft7(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = dict(_renamed(value))
    if "$ref" in made and len(made) > 1:  # draft 7 ignores everything beside a reference
        made["allOf"] = [{"$ref": made.pop("$ref")}]
    return made


def _renamed(schema: Schema) -> Iterator[tuple[str, Any]]:
    for key, item in schema.items():
        if key in ("default", "const", "enum", "examples"):
            yield key, item
        elif key in ("properties", "$defs", "patternProperties"):
            yield key, {name: _draft7(inner) for name, inner in item.items()}
        elif key == "prefixItems":
            yield "items", _draft7(item)
            yield "additionalItems", False
        elif key == "oneOf":
            yield "anyOf", _draft7(item)
        elif key not in ("discriminator", "title"):
            yield key, _draft7(item)
