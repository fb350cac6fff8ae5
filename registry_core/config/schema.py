"""JSON Schema of pipeline files with all installed components, for completion and checks in editors.

The schema rejects wrong names, keys, types and ranges. A file that `extends` another one has no required keys, and any
value may be a variable. The schema cannot check values against each other: `validate` does that.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry_core.catalog import KINDS, Record, installed
from registry_core.catalog.policy import OWN
from registry_core.catalog.records import SESSION
from registry_core.config.json_schema import KIND, Schema, written_schema
from registry_core.config.models import Spec
from registry_core.diagnostics import BrokenComponent
from registry_core.registry.isolated import each_isolated, here
from registry_core.registry.registries import BY_KIND

_DRAFT = "http://json-schema.org/draft-07/schema#"
_PARTIAL = "partial."
_VARIABLE = r"\$\{[^}]*\}"
_HEADER: Schema = {
    "extends": {"type": "string", "description": "The pipeline file that this one extends."},
    "vars": {
        "type": "object",
        "description": "Plain values, used elsewhere in the file as ${name}.",
        "additionalProperties": {"type": ["number", "string", "boolean", "array", "null"]},
    },
}
"""Keys of a file that the pipeline itself does not have."""


@dataclass(frozen=True)
class ComponentSchemas:
    """The schemas of components, and the broken components, which have none."""

    schemas: dict[Record, Schema] = field(default_factory=dict)
    broken: dict[Record, str] = field(default_factory=dict)


def describe_all(timeout: float) -> ComponentSchemas:
    """The schemas of all installed components."""
    return _described(installed().records, timeout)


def describe_needed(records: Sequence[Record], timeout: float) -> ComponentSchemas:
    """The schemas of components and of all components that they can contain."""
    found, wanted = ComponentSchemas(), list(records)
    while wanted:
        more = _described(wanted, timeout)
        found.schemas.update(more.schemas)
        found.broken.update(more.broken)
        kinds = {kind for schema in more.schemas.values() for kind in _kinds_in(schema)}
        wanted = [
            record
            for record in installed().records
            if record.kind in kinds and record not in found.schemas and record not in found.broken
        ]
    return found


def _described(records: Sequence[Record], timeout: float) -> ComponentSchemas:
    """The schemas of components; components of other distributions are imported in other processes."""
    found = ComponentSchemas()
    for record in records:
        if record.distribution == OWN:
            found.schemas[record] = schema_of(record)
    foreign = [record for record in records if record.distribution != OWN]
    for distribution in dict.fromkeys(record.distribution for record in foreign):
        own = [record for record in foreign if record.distribution == distribution]
        outcomes = each_isolated(_schema_or_fault, own, timeout=timeout)
        if distribution == SESSION:
            outcomes = (here(_schema_or_fault, record) for record in own)
        for record, outcome in zip(own, outcomes, strict=True):
            if isinstance(outcome.value, dict):
                found.schemas[record] = outcome.value
            else:
                found.broken[record] = outcome.value or f"Its import {outcome.failure}."
    return found


def _kinds_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if KIND in schema:
            yield schema[KIND]
        for item in schema.values():
            yield from _kinds_in(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from _kinds_in(item)


def schema_of(record: Record) -> Schema:
    """The schema of a component's parameters."""
    return written_schema(BY_KIND[record.kind].declaration(record))


def _schema_or_fault(record: Record) -> Schema | str:
    try:
        return schema_of(record)
    except BrokenComponent as error:
        return str(error)


def pipeline_schema(described: ComponentSchemas) -> Schema:
    """The schema of whole pipeline files."""
    document = _Document(described)
    document.add("pipeline", written_schema(Spec))
    document.definitions["pipeline"]["properties"] |= _HEADER
    return document.with_extensions("pipeline")


def kind_schema(kind: str, described: ComponentSchemas) -> Schema:
    """The schema of a component of a kind, as written in a pipeline."""
    return _Document(described).complete({"$ref": f"#/$defs/{kind}"}, f"{KINDS[kind].one} of a pipeline")


def component_schema(record: Record, described: ComponentSchemas) -> Schema:
    """The schema of the parameters of one component; BrokenComponent if it has none."""
    if record in described.broken:
        raise BrokenComponent(described.broken[record])
    document = _Document(described)
    return document.complete({"$ref": f"#/$defs/{document.places[record]}"}, record.full_name)


class _Document:
    """Assembles a schema: a definition for each component, and for each kind a choice of its components."""

    def __init__(self, described: ComponentSchemas) -> None:
        self.definitions: dict[str, Schema] = {}
        self.places: dict[Record, str] = {}
        """The definition of each component's parameters; components with equal schemas share one."""
        known: dict[str, str] = {}
        conflicts = {record for claims in installed().conflicts() for record in claims}
        for record, schema in described.schemas.items():
            text = json.dumps(schema, sort_keys=True)
            place = f"{record.kind}.{record.distribution}:{record.name}" if record in conflicts else _dotted(record)
            if text not in known:
                known[text] = place
                self.add(place, schema)
            self.places[record] = known[text]
        for kind in KINDS:
            self.definitions[kind] = _kind(kind, self.places, described.schemas)

    def add(self, place: str, schema: Schema) -> None:
        """Add a definition, with its inner definitions under separate names."""
        made = copy.deepcopy(schema)
        inner = made.pop("$defs", {})
        for name, definition in inner.items():
            self.definitions[f"{place}.{name}"] = _placed(definition, place)
        self.definitions[place] = _placed(made, place)

    def complete(self, root: Schema, title: str) -> Schema:
        """A document with a schema and the definitions that it needs."""
        definitions = _shared({name: _with_variables(each) for name, each in self._needed(root).items()})
        return {"$schema": _DRAFT, "title": title, **root, "$defs": definitions}

    def with_extensions(self, place: str) -> Schema:
        """A document for whole files, in which a file that extends another one may omit any key."""
        root = {
            "if": {"required": ["extends"]},
            "then": {"$ref": f"#/$defs/{_PARTIAL}{place}"},
            "else": {"$ref": f"#/$defs/{place}"},
        }
        self.definitions |= {f"{_PARTIAL}{name}": _partial(each) for name, each in self.definitions.items()}
        return {"type": "object", **self.complete(root, "A pipeline of registry-core")}

    def _needed(self, root: Schema) -> dict[str, Schema]:
        needed: dict[str, Schema] = {}
        open_names = list(_references(root))
        while open_names:
            name = open_names.pop()
            if name not in needed:
                needed[name] = self.definitions[name]
                open_names += _references(self.definitions[name])
        return dict(sorted(needed.items()))


def _dotted(record: Record) -> str:
    return f"{record.kind}.{record.name}"


def _kind(kind: str, places: dict[Record, str], schemas: dict[Record, Schema]) -> Schema:
    """A name alone, or a name with its parameters; the distribution before it is optional."""
    records = [record for record in places if record.kind == kind]
    alone = [record for record in records if not schemas[record].get("required")]
    properties: dict[str, Schema] = {}
    qualified: dict[str, Schema] = {}
    for record in records:
        parameters = _parameters(places[record], record in alone, _summary(schemas[record]))
        qualified[f"^{re.escape(record.distribution)}:{re.escape(record.name)}$"] = parameters
        if record.name in properties:  # a name in conflict: `prefer` chooses one
            properties[record.name] = {"anyOf": [properties[record.name], parameters]}
        else:
            properties[record.name] = parameters
    names: list[Schema] = []
    if alone:
        said = dict(sorted((record.name, _summary(schemas[record])) for record in alone))
        names = [{"enum": list(said), "markdownEnumDescriptions": list(said.values())}]
    patterns = [{"type": "string", "pattern": f"^{_alternatives(alone)}$"}] if alone else []
    one = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": properties,
        "patternProperties": qualified,
    }
    return {"anyOf": [*names, one, *patterns, {"type": "string", "pattern": f"^{_VARIABLE}$"}]}


def _parameters(place: str, alone: bool, summary: str) -> Schema:
    reference = {"$ref": f"#/$defs/{place}"}
    return {"description": summary, "anyOf": [reference, {"type": "null"}] if alone else [reference]}


def _summary(schema: Schema) -> str:
    return str(schema.get("description", "")).partition("\n")[0]


def _alternatives(records: Sequence[Record]) -> str:
    by_distribution: dict[str, list[str]] = {}
    for record in records:
        by_distribution.setdefault(record.distribution, []).append(re.escape(record.name))
    parts = [f"{re.escape(name)}:({'|'.join(names)})" for name, names in by_distribution.items()]
    return f"({'|'.join(parts)})"


def _placed(schema: Any, place: str) -> Any:
    """The schema with references to its moved definitions and to the kinds of components."""
    if isinstance(schema, list):
        return [_placed(item, place) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if KIND in schema:
        return {"$ref": f"#/$defs/{schema[KIND]}"}
    made = {key: item if key in _DATA else _placed(item, place) for key, item in schema.items()}
    if isinstance(made.get("$ref"), str):
        made["$ref"] = made["$ref"].replace("#/$defs/", f"#/$defs/{place}.")
    return made


_DATA = ("default", "const", "enum", "examples", "required")
"""Keywords whose values are not schemas."""


def _partial(schema: Any) -> Any:
    """The schema without required keys."""
    if isinstance(schema, list):
        return [_partial(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, item in schema.items():
        if key == "$ref":
            made[key] = item.replace("#/$defs/", f"#/$defs/{_PARTIAL}")
        elif key in ("properties", "patternProperties"):
            made[key] = {name: _partial(inner) for name, inner in item.items()}
        elif key != "required":
            made[key] = item if key in _DATA else _partial(item)
    return made


_WORTH_SHARING = 120
"""Minimum length of a property, in characters, to be shared between components."""


def _shared(definitions: dict[str, Schema]) -> dict[str, Schema]:
    """The document with properties that several definitions have in common moved to ``$defs``.

    Hundreds of models of one family share most of their parameters.
    """
    texts = {
        (place, name): json.dumps(schema, sort_keys=True)
        for place, definition in definitions.items()
        for name, schema in definition.get("properties", {}).items()
    }
    counts = Counter(text for text in texts.values() if len(text) > _WORTH_SHARING)
    names: dict[str, str] = {}
    made = {}
    for place, definition in definitions.items():
        properties = dict(definition.get("properties", {}))
        for name in properties:
            text = texts[place, name]
            if counts[text] > 2:
                shared = names.setdefault(text, f"shared.{name}.{len(names)}")
                made[shared], properties[name] = properties[name], {"$ref": f"#/$defs/{shared}"}
        made[place] = {**definition, "properties": properties} if properties else definition
    return dict(sorted(made.items()))


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, item in schema.items():
            if key == "$ref":
                yield item.removeprefix("#/$defs/")
            elif key not in _DATA:
                yield from _references(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from _references(item)


def _with_variables(schema: Any) -> Any:
    """The schema in which any value except a mapping may be a variable: a string with ``${name}``."""
    if isinstance(schema, list):
        return [_with_variables(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: {name: _with_variables(inner) for name, inner in item.items()}
        if key in ("properties", "patternProperties")
        else item
        if key in _DATA
        else _with_variables(item)
        for key, item in schema.items()
    }
    return _or_variable(made)


def _or_variable(schema: Schema) -> Schema:
    kind = schema.get("type")
    if "enum" in schema or "const" in schema or (kind == "string" and "pattern" in schema):
        inner = {key: item for key, item in schema.items() if key not in ("default", "description")}
        outer = {key: item for key, item in schema.items() if key in ("default", "description")}
        return {**outer, "anyOf": [inner, {"type": "string", "pattern": _VARIABLE}]}
    kinds = [kind] if isinstance(kind, str) else kind or []
    if not kinds or kind == "null" or "object" in kinds or "string" in kinds:
        return schema
    return {**schema, "type": [*kinds, "string"], "pattern": _VARIABLE}
