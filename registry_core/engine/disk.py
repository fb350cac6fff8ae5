"""The disk space that the checkpoints of a run need."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from registry_core.assembly.pipeline import Pipeline
from registry_core.diagnostics import RunError
from registry_core.engine.checkpoint.state import gather
from registry_core.engine.memory import stored_bytes, tensors_in, written_bytes
from registry_core.engine.optimizer_state import state_after_a_step


@dataclass(frozen=True)
class DiskNeed:
    """The disk space of the checkpoints of a run: bytes of one, their number at a time, and the free bytes."""

    folder: Path
    checkpoint: int
    copies: int
    free: int
    is_exact: bool = True
    """False if the optimizer's state is not known before the run: only its current state is counted."""

    @property
    def bytes(self) -> int:
        """The bytes of all of them."""
        return self.checkpoint * self.copies

    @property
    def fits(self) -> bool:
        """True if they fit on the disk."""
        return self.bytes <= self.free

    def __str__(self) -> str:
        least = "" if self.is_exact else "at least "
        each = f" ({self.copies} of {written_bytes(self.checkpoint)})" if self.copies > 1 else ""
        return f"{least}{written_bytes(self.bytes)}{each}, {written_bytes(self.free)} free in {str(self.folder)!r}"

    def shortage(self) -> str:
        """The message for a disk that is too small."""
        least = "" if self.is_exact else "at least "
        copies = "one, which needs" if self.copies == 1 else f"{self.copies} at a time, which need"
        message = f"The disk of {str(self.folder)!r} is too small for the checkpoints of this run: {copies} {least}"
        return f"{message}{written_bytes(self.bytes)}, and {written_bytes(self.free)} are free."


REMEDY = "Free some space, choose another folder with --out, or keep fewer checkpoints."


def require_space(pipeline: Pipeline, run: Path, *, there: int = 0) -> None:
    """Raise RunError if the checkpoints of a run directory do not fit on the disk; ``there`` of them exist already."""
    state = optimizer_state_bytes(pipeline)
    need = disk_need(pipeline, run, state, there=there)
    if not need.fits:
        raise RunError(need.shortage(), REMEDY)


def disk_need(pipeline: Pipeline, run: Path, optimizer_state: int | None, *, there: int = 0) -> DiskNeed:
    """The space for the checkpoints besides the ``there`` existing ones; one more exists while it is written.

    ``optimizer_state`` is its size in bytes during a run; None: unknown, so the current state is counted.
    """
    parts, state = gather(pipeline, torch.amp.GradScaler(enabled=False))
    held = stored_bytes(tensors_in(state.pop("optimizer")))
    size = stored_bytes(tensors_in([parts, state])) + (held if optimizer_state is None else optimizer_state)
    kept = sum(hook.max_checkpoints(pipeline.horizon) for hook in pipeline.plan.hooks)
    folder = next((each for each in (run.absolute(), *run.absolute().parents) if each.is_dir()), Path("/"))
    return DiskNeed(
        folder=folder,
        checkpoint=size,
        copies=max(1, kept + 1 - there),
        free=shutil.disk_usage(folder).free,
        is_exact=optimizer_state is not None,
    )


def optimizer_state_bytes(pipeline: Pipeline) -> int | None:
    """The bytes of an optimizer's state after its first step; None for those that cannot step on the meta device."""
    states = state_after_a_step(pipeline)
    return None if states is None else sum(count * stored_bytes(tensors_in(state)) for count, state in states)
