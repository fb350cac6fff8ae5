"""The form of the state in a checkpoint: every value that a resumed run reads, with its type."""

from __future__ import annotations

from typing import Annotated, Any, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from registry_core.config.models import Section

Count = Annotated[int, Field(ge=0, lt=2**63)]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, arbitrary_types_allowed=True, extra="forbid")


class _Position(_Form):
    epoch: Count
    batch: Count
    step: Count


class _Torch(_Form):
    optimizer: dict[str, Any]
    scheduler: dict[str, Any]
    scaler: dict[str, Any]
    random: dict[str, Any]


class _Loss(_Form):
    loss_sum: torch.Tensor
    samples: Count
    loss_divisors: torch.Tensor | None = None


class _Owner(_Form):
    saved: list[Count]
    best: Count | None
    keep: Count
    metric: str


class _Hook(_Form):
    name: str
    parameters: dict[str, Any]
    state: Any
    checkpoints: _Owner


class _SkippedSample(_Form):
    section: Section
    index: Count
    path: str
    reason: str


class _Plugin(_Form):
    version: str
    components: list[str]
    sha256: str | None = None
    files: dict[str, str | None]
    helpers: dict[str, str | None] = {}
    sources: dict[str, str | None] = {}


class _MadeWith(_Form):
    environment: dict[str, Any]
    plugins: dict[str, _Plugin]
    pipeline: dict[str, Any]
    class_names: list[str]
    target_form: str
    image_channels: int | None


class _State(_Form):
    torch: _Torch
    position: _Position
    batches_per_epoch: Count
    running: _Loss
    since_evaluation: _Loss | None
    skipped_steps: Count
    uncounted_steps: Count
    skipped_samples: list[_SkippedSample]
    images: Count
    seconds: float
    stopped: str
    row_is_due: bool
    hooks: list[_Hook]
    checkpoints: _Owner
    made_with: _MadeWith

    @model_validator(mode="after")
    def _position_is_in_an_epoch(self) -> Self:
        if self.position.batch >= max(self.batches_per_epoch, 1):
            raise ValueError(f"batch {self.position.batch} of an epoch of {self.batches_per_epoch}")
        return self


def require_form(state: Any) -> None:
    """Raise ValueError, with the first wrong value, unless a state has the form of a checkpoint."""
    try:
        _State.model_validate(state)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"its state is not in the form of a checkpoint, at {where}: {first['msg']}") from None
