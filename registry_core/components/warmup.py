"""Warm-up: how a learning rate rises before its schedule begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from registry_core.components.base import ConfigModel
from registry_core.components.facts import UnexpectedValue
from registry_core.components.interval import LENGTH_SCHEMA, Length


class Warmup(ConfigModel):
    """A linear rise of every group's learning rate, step by step, to the first rate of its schedule.

    In step k (from 0) of n it is ``start + (1 - start) * k / n`` of the schedule's first rate.
    """

    length: Length = Field(description="Length of the warm-up: `500 steps` or `1 epoch`.")
    start: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.01, description="Share of the schedule's first rate in the first step."
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        mapping = handler.resolve_ref_schema(handler(schema))
        return {"anyOf": [LENGTH_SCHEMA, dict(mapping)]}

    @model_validator(mode="before")
    @classmethod
    def _length_alone(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"length": data}
        if not isinstance(data, (Mapping, Warmup)):
            raise UnexpectedValue("a length, such as '500 steps' or '1 epoch', or {length: …, start: …}", data)
        return data

    def __str__(self) -> str:
        return f"{self.length}, from {self.start:g} of the rate"
