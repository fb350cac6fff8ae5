"""Intervals: a number of epochs or optimizer steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, InstanceOf, PlainSerializer, WithJsonSchema

from registry_core.components.facts import UnexpectedValue

_TEXT = re.compile(r"([1-9][0-9]{0,17}) (epoch|step)s?")


@dataclass(frozen=True)
class Every:
    """Every ``count`` epochs or optimizer steps."""

    count: int
    unit: Literal["epoch", "step"]

    def due(self, *, step: int, epochs_done: int, epoch_ended: bool) -> bool:
        """True if it is due after optimizer step ``step`` (from 1) with ``epochs_done`` complete epochs."""
        if self.unit == "step":
            return step % self.count == 0
        return epoch_ended and epochs_done % self.count == 0

    def steps(self, steps_per_epoch: int) -> int:
        """The number of optimizer steps in it."""
        return self.count if self.unit == "step" else self.count * steps_per_epoch

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"


def _reads(expected: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, Every):
            return value
        match = _TEXT.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise UnexpectedValue(f"{expected}, such as '1 epoch' or '500 steps'", value)
        return Every(int(match[1]), "epoch" if match[2] == "epoch" else "step")

    return read


LENGTH_SCHEMA = {"type": "string", "pattern": f"^\\s*{_TEXT.pattern}\\s*$"}
_SCHEMA = WithJsonSchema(LENGTH_SCHEMA)

Interval = Annotated[InstanceOf[Every], BeforeValidator(_reads("how often")), PlainSerializer(str), _SCHEMA]
"""Written ``1 epoch`` or ``500 steps``."""

Length = Annotated[InstanceOf[Every], BeforeValidator(_reads("a length")), PlainSerializer(str), _SCHEMA]
"""How long something lasts, written like an interval."""
