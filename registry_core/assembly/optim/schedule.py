"""The learning-rate schedule of a run: a torch scheduler that advances by its unit, after a warm-up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from registry_core.assembly.building import build
from registry_core.components import CheckFailed, Horizon, Scheduler


class Schedule:
    """Sets the rates of an optimizer's groups; only the torch scheduler in it has state.

    During a warm-up of n steps the rates are a function of the step alone, and the scheduler keeps its first rates. An
    epoch or evaluation that ends with the last step of the warm-up is not counted.
    """

    def __init__(self, declared: Scheduler, optimizer: torch.optim.Optimizer, horizon: Horizon) -> None:
        self.declared = declared
        self.optimizer = optimizer
        self.total_steps = horizon.total_steps
        self.unit = declared.get_unit()
        self.warmup = declared.get_warmup()
        self.warmup_steps = declared.warmup_steps(horizon)

        def make() -> Any:
            rates = [float(group["lr"]) for group in optimizer.param_groups]
            built = declared.build(optimizer, declared.horizon_after_warmup(horizon))
            _keeps_differences(rates, [float(group["lr"]) for group in optimizer.param_groups])
            return built

        self.scheduler: Any = build(declared, make)
        self.first_rates = [float(group["lr"]) for group in optimizer.param_groups]
        if self.warmup is not None:
            self._warm_up(0)

    def advance(self, step: int, epoch_ended: bool, measured: Mapping[str, float]) -> None:
        """Set the rates after optimizer step ``step`` (from 1); ``metrics`` are those of its evaluation."""
        if step <= self.warmup_steps:
            self._warm_up(step)
        elif self.unit == "evaluation":
            monitor = getattr(self.declared, "monitor", "val/loss")
            if math.isfinite(measured.get(monitor, math.nan)):
                self.scheduler.step(measured[monitor])
        elif (self.unit == "step" or epoch_ended) and not self._is_over(step):
            self.scheduler.step()

    def _is_over(self, step: int) -> bool:
        """True if it was made for a run that ends here; other schedules continue if the run is made longer."""
        return step >= self.total_steps and self.declared.depends_on_length()

    def _warm_up(self, step: int) -> None:
        assert self.warmup is not None
        share = 1.0
        if step < self.warmup_steps:
            share = self.warmup.start + (1.0 - self.warmup.start) * step / self.warmup_steps
        for group, rate in zip(self.optimizer.param_groups, self.first_rates, strict=True):
            group["lr"] = rate if share == 1.0 else rate * share

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's state without the functions in it: a scheduler that loads it has its own."""
        state: dict[str, Any] = _without_functions(self.scheduler.state_dict())
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        self.scheduler.load_state_dict(_with_functions(self.scheduler.state_dict(), state))


def _keeps_differences(before: list[float], after: list[float]) -> None:
    """Raise CheckFailed if groups with different rates have all got the same one."""
    if len(set(before)) > 1 and len(set(after)) == 1:
        rates = ", ".join(f"{rate:.4g}" for rate in before)
        raise CheckFailed(
            f"It sets one rate for all parameter groups, but they have rates of their own: {rates}.",
            "Write a list with one rate for each group, or use a schedule that multiplies rates.",
        )


def _without_functions(state: Any) -> Any:
    """The state without functions: a dictionary lacks them, and a list has None in their places."""
    if type(state) is dict:
        return {key: _without_functions(value) for key, value in state.items() if not callable(value)}
    if type(state) in (list, tuple):
        return type(state)(None if callable(value) else _without_functions(value) for value in state)
    return state


def _with_functions(own: Any, saved: Any) -> Any:
    """The saved state with the functions of the scheduler's own in their places."""
    if type(own) is dict and type(saved) is dict:
        functions = {key: value for key, value in own.items() if callable(value) and key not in saved}
        return {**functions, **{key: _with_functions(own.get(key), value) for key, value in saved.items()}}
    if type(own) in (list, tuple) and type(saved) is type(own) and len(saved) == len(own):
        return type(own)(_with_functions(*pair) for pair in zip(own, saved, strict=True))
    return own if saved is None and callable(own) else saved
