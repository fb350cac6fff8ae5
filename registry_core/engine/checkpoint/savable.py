"""The components of a run with a state that no checkpoint can keep, found before the first step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from registry_core.assembly.pipeline import Pipeline
from registry_core.diagnostics import BrokenComponent, Keys, RegistryError
from registry_core.diagnostics.foreign_code import failure, pass_interrupt
from registry_core.engine.checkpoint.forms import Unsavable
from registry_core.engine.checkpoint.tensor_tree import require_savable
from registry_core.engine.checkpoint.weights import separate
from registry_core.engine.optimizer_state import state_after_a_step
from registry_core.registry.blame import origin_in


class _Owner(NamedTuple):
    """A component with a state: its name in messages and its keys."""

    name: str
    keys: Keys
    state: Callable[[], Any]


def require_savable_states(pipeline: Pipeline) -> None:
    """Raise BrokenComponent, at its keys, for a component with a state that cannot be saved.

    Hooks are asked for their states, so they have been told that the run started.
    """
    for error in unsavable(pipeline, started=True):
        raise error


def unsavable(pipeline: Pipeline, *, started: bool) -> Iterator[RegistryError]:
    """An error, at its keys, for each component with a state that cannot be saved; no tensor is copied.

    ``started``: hooks were told that the run started. One that was not need not have a state yet.
    """
    for owner in _parts(pipeline):
        yield from _unsavable(owner)
    for place, (name, hook) in enumerate(pipeline.hooks):
        if state := getattr(hook, "state_dict", None):
            found = _unsavable(_Owner(f"hook {name!r}", ("hooks", place), state))
            yield from (error for error in found if started or error.code == "unsavable-state")


def _unsavable(owner: _Owner) -> Iterator[RegistryError]:
    try:
        require_savable(owner.state())
    except Unsavable as found:
        message = f"The state of the {owner.name} cannot be saved in a checkpoint: {found.path or 'it'} is {found.what}"
        yield BrokenComponent(f"{message}.", found.remedy).at(*owner.keys, code="unsavable-state")
    except BaseException as error:  # a plugin may raise anything
        pass_interrupt(error)
        origin = origin_in(error) if owner.keys[0] == "hooks" else ""  # the other names have it
        yield failure(f"The {owner.name}{origin} failed in state_dict", error).at(*owner.keys)


def _parts(pipeline: Pipeline) -> Iterator[_Owner]:
    plan, schedule = pipeline.plan, pipeline.schedule
    yield _Owner(plan.model.declared.label, ("model",), lambda: _besides_tensors(pipeline.model))
    yield _Owner(plan.spec.loss.label, ("loss",), lambda: _besides_tensors(pipeline.loss))
    yield _Owner(plan.optim.optimizer.label, ("optim", "optimizer"), lambda: _of_optimizer(pipeline))
    if schedule is not None:
        yield _Owner(schedule.declared.label, ("optim", "scheduler"), schedule.state_dict)


def _besides_tensors(module: Any) -> dict[str, Any]:
    """The state of a module without the tensors that can always be saved: the extra state of a part, for example."""
    return separate({"": module.state_dict()})[1].get("", {})


def _of_optimizer(pipeline: Pipeline) -> dict[str, Any]:
    """The state of the optimizer or, before its first step, that of a step on the meta device."""
    found: dict[str, Any] = pipeline.optimizer.state_dict()
    return found if found["state"] else {**found, "state": [each for _, each in state_after_a_step(pipeline) or ()]}
