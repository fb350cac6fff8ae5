"""Keys that may differ between a run and its resumption without changing the results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from registry_core.diagnostics import Keys


@dataclass(frozen=True)
class MayChange:
    """Marks a key of the pipeline file that may differ when a run is resumed."""

    when: Literal["any time", "no schedule was laid out for the length of the run"]


ANY_TIME = MayChange("any time")
"""For keys of loading and monitoring, on which no result depends, and the device, which the guarantee takes care of."""

LENGTH = MayChange("no schedule was laid out for the length of the run")
"""For keys of the length of a run, on which some schedules depend."""


def keys_that_may_change(model: type[BaseModel], keys: Keys = ()) -> Iterator[tuple[Keys, MayChange]]:
    """The marked keys of a model of the pipeline file and of the models inside it."""
    from registry_core.config.loading.annotations import is_sequence, model_in

    for name, field in model.model_fields.items():
        mark = next((mark for mark in field.metadata if isinstance(mark, MayChange)), None)
        if mark is not None:
            yield (*keys, name), mark
        elif (inner := model_in(field.annotation)) and not is_sequence(field.annotation):
            yield from keys_that_may_change(inner, (*keys, name))
