"""The state of a run in a checkpoint: gathered from a run, and restored to it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch

from registry_core.assembly.pipeline import Pipeline
from registry_core.components import Position
from registry_core.diagnostics import CheckpointError
from registry_core.diagnostics.sentences import describe_error
from registry_core.engine.checkpoint.retention import Retention
from registry_core.engine.checkpoint.state import Parts, gather, restore
from registry_core.engine.checkpoint.store import Checkpoint
from registry_core.engine.hook_memory import Match, Owner, match
from registry_core.engine.hooks import Hooks
from registry_core.engine.refusals import Refusals
from registry_core.engine.running_loss import RunningLoss
from registry_core.engine.skipped import SkippedSamples


class RunState(Protocol):
    """The parts of a training that its state consists of."""

    pipeline: Pipeline
    scaler: torch.amp.GradScaler
    owners: list[Owner]
    hooks: Hooks
    retention: Retention
    position: Position
    running: RunningLoss
    of_evaluation: RunningLoss | None
    refusals: Refusals
    skipped: SkippedSamples
    images: int
    seconds: float
    stopped: str
    row_is_due: bool
    made_with: dict[str, Any]

    def elapsed(self) -> float:
        """Seconds of training so far."""


def gathered_state(run: RunState) -> tuple[Parts, dict[str, Any]]:
    """The sets of weights, and the state that a resumed run reads, in the form of ``checkpoint.form``."""
    parts, torch_state = gather(run.pipeline, run.scaler)
    owned = zip(run.owners, run.hooks.states(), run.retention.of_hooks, strict=True)
    return parts, {
        "torch": torch_state,
        "position": asdict(run.position),
        "batches_per_epoch": len(run.pipeline.loaders["train"]),
        "running": run.running.state_dict(),
        "since_evaluation": None if run.of_evaluation is None else run.of_evaluation.state_dict(),
        **run.refusals.state_dict(),
        **run.skipped.state_dict(),
        "images": run.images,
        "seconds": run.elapsed(),
        "stopped": run.stopped,
        "row_is_due": run.row_is_due,
        "hooks": [
            {"name": owner.name, "parameters": owner.parameters, "state": state, "checkpoints": saved.state_dict()}
            for owner, state, saved in owned
        ],
        "checkpoints": run.retention.of_run.state_dict(),
        "made_with": run.made_with,
    }


def require_same_length(run: RunState, path: Path, state: dict[str, Any]) -> None:
    """Raise CheckpointError if the data have another number of batches than at the checkpoint."""
    batches, then = len(run.pipeline.loaders["train"]), state["batches_per_epoch"]
    if then != batches:
        message = f"The training data have {batches} batches an epoch, but had {then} at {str(path)!r}."
        raise CheckpointError(message, "Put the data back that the run was started with, or start a new run.")


def restored_state(run: RunState, path: Path, saved: Checkpoint) -> list[str]:
    """Restore the state of a checkpoint; return the reasons of hooks that start anew.

    Raises CheckpointError if the state does not fit the pipeline.
    """
    state = saved.state
    try:
        restore(run.pipeline, run.scaler, saved.weights, state["torch"])
        run.running.load_state_dict(state["running"])
        if run.of_evaluation is not None and state["since_evaluation"] is not None:
            run.of_evaluation.load_state_dict(state["since_evaluation"])
        run.refusals.load_state_dict(state)
        run.skipped.load_state_dict(state)
        matches = _remembered(run, state)
    except Exception as error:  # torch and plugins raise anything for a state that does not fit
        message = f"The state of the checkpoint {str(path)!r} does not fit the pipeline: {describe_error(error)}."
        raise CheckpointError(message) from error
    run.position = Position(**state["position"])
    run.images, run.seconds = state["images"], state["seconds"]
    run.stopped, run.row_is_due = state["stopped"], state["row_is_due"]
    return [each.reason for place, each in enumerate(matches) if each.reason and run.hooks.has_memory(place)]


def _remembered(run: RunState, state: dict[str, Any]) -> list[Match]:
    """Give every hook its memory and its checkpoints back, as far as they are its own."""
    matches = match(run.owners, [Owner(each["name"], each["parameters"]) for each in state["hooks"]])
    for place, found in enumerate(matches):
        if found.saved is not None:
            run.hooks.remember(place, state["hooks"][found.saved]["state"])
            run.retention.of_hooks[place].load_state_dict(state["hooks"][found.saved]["checkpoints"])
    run.retention.of_run.load_state_dict(state["checkpoints"])
    return matches
