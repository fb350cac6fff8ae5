"""Checks for schedulers."""

from __future__ import annotations

from typing import Any

import torch

from registry_core.assembly.building import build
from registry_core.assembly.optim.schedule import Schedule
from registry_core.components import Horizon
from registry_core.testing.checkpoints import through_checkpoint
from registry_core.testing.checks import check
from registry_core.testing.subject import Subject

HORIZON = Horizon(epochs=90, steps_per_epoch=10, total_steps=900)
"""The length of the run for tests of schedules."""


def built_scheduler(component: Any) -> Any:
    """A scheduler for an optimizer with the rate 0.1 and a short run."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1, momentum=0.9)
    return build(component, component.build, optimizer, component.horizon_after_warmup(HORIZON))


def _schedule(component: Any) -> Schedule:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1, momentum=0.9)
    schedule = Schedule(component, optimizer, HORIZON)
    optimizer.step()  # torch expects it before the first step of a schedule
    return schedule


def _rates(schedule: Schedule, start: int, end: int) -> list[float]:
    found = []
    for step in range(start + 1, end + 1):
        ended = step % HORIZON.steps_per_epoch == 0
        measured = dict.fromkeys(("val/loss", "train/loss", "val/accuracy"), 1.0) if ended else {}
        schedule.advance(step, ended, measured)
        found.append(float(schedule.optimizer.param_groups[0]["lr"]))
    return found


@check()
def gives_rates(subject: Subject) -> None:
    """Its rates during a run are finite and not negative."""
    rates = _rates(_schedule(subject.component()), 0, HORIZON.total_steps)
    assert all(0 <= rate < float("inf") for rate in rates), f"its rates are {rates}"


@check()
def goes_on_as_it_would(subject: Subject) -> None:
    """A new one with the state saved in the middle of a run sets the same rates."""
    half = HORIZON.total_steps // 2
    whole = _schedule(subject.component())
    _rates(whole, 0, half)
    parted = _schedule(subject.component())
    parted.optimizer.load_state_dict(through_checkpoint(whole.optimizer.state_dict()))
    parted.load_state_dict(through_checkpoint(whole.state_dict()))
    expected, found = _rates(whole, half, HORIZON.total_steps), _rates(parted, half, HORIZON.total_steps)
    assert found == expected, f"after a checkpoint its rates are {found}, not {expected}"


@check()
def fits_a_run(subject: Subject) -> None:
    """Its example fits a run of some length."""
    component = subject.component()
    component.check(component.horizon_after_warmup(HORIZON))
