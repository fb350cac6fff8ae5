"""Checks of optimizers and schedulers."""

from __future__ import annotations

import copy
import json
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from registry_core.assembly.optim.schedule import Schedule
from registry_core.engine.checkpoint.tensor_tree import put_together, take_apart
from registry_core.testing.checks import check
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import HORIZON, Subject, Trainable

STEPS = 60
_FEW = 12
"""Steps after which every optimizer has moved: some only gather statistics in the first ones."""


class _Problem:
    """A quadratic in the parameters of an optimizer: half their squared distance from a point, strongly curved."""

    def __init__(self, component: Any, rates: tuple[float, ...] = ()) -> None:
        self.component = component
        self.trainable = Trainable.of(component)
        self.parameters = self.trainable.parameters
        groups = [{"params": [p], "lr": rate} for p, rate in zip(self.parameters, rates, strict=False)]
        self.optimizer = component.build(groups or self.parameters)

    def loss(self) -> Tensor:
        """The value, with gradients as sparse as the optimizer wants them."""
        rows = torch.arange(6)
        values = [F.embedding(rows, p, sparse=True) if self.trainable.sparse else p for p in self.parameters]
        return torch.stack([(value - 0.5).square().sum() for value in values]).sum() / 2

    def step(self) -> None:
        def closure() -> Tensor:
            self.optimizer.zero_grad()
            loss = self.loss()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            return loss

        if self.component.needs_closure:
            self.optimizer.step(closure)
        else:
            closure()
            self.optimizer.step()

    def values(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.parameters]


def _kept(state: Any) -> Any:
    """A state as a checkpoint gives it back: tensors and plain data."""
    structure, tensors = take_apart(state)
    return put_together(json.loads(json.dumps(structure)), copy.deepcopy(tensors))


@check("optimizer")
def lowers_a_quadratic(subject: Subject) -> None:
    """It brings a quadratic down, and keeps its parameters finite."""
    problem = _Problem(subject.component())
    before = problem.loss().item()
    for _ in range(STEPS):
        problem.step()
    after = problem.loss().item()
    assert all(value.isfinite().all() for value in problem.values()), "its parameters are not finite"
    assert after < before, f"after {STEPS} steps the quadratic is {after:g}, and was {before:g}"


@check("optimizer")
def goes_on_from_a_checkpoint(subject: Subject) -> None:
    """Its state survives a checkpoint: saved, loaded into a new one, it takes the same steps bit for bit."""
    whole = _Problem(subject.component())
    for _ in range(3):
        whole.step()
    parted = _Problem(subject.component())
    with torch.no_grad():
        for parameter, value in zip(parted.parameters, whole.values(), strict=True):
            parameter.copy_(value)
    parted.optimizer.load_state_dict(_kept(whole.optimizer.state_dict()))
    for problem in (whole, parted):
        torch.manual_seed(3)  # a checkpoint has the state of the generator too
        for _ in range(3):
            problem.step()
    assert all(map(torch.equal, whole.values(), parted.values())), "after a checkpoint it takes other steps"


@check("optimizer")
def supports_groups(subject: Subject) -> None:
    """Groups of parameters may have learning rates of their own: with a smaller one they move less."""
    component = subject.component()
    if not component.supports_groups:
        raise NotApplicable("it declares that it takes no groups")
    if not isinstance(getattr(component, "lr", None), float):
        raise NotApplicable("it has no number `lr` for groups to differ in")
    rate = component.lr
    problem = _Problem(component, (rate, rate / 1000))
    with torch.no_grad():
        problem.parameters[1].copy_(problem.parameters[0])
    before = problem.values()
    for _ in range(_FEW):
        problem.step()
    first, second = ((a - b).abs().max().item() for a, b in zip(problem.values()[:2], before[:2], strict=True))
    assert first > 0, "the first group does not move"
    assert second < first, "a group with a thousandth of the learning rate moves as far"


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


@check("scheduler")
def gives_rates(subject: Subject) -> None:
    """Over a run its rates are finite and not negative."""
    rates = _rates(_schedule(subject.component()), 0, HORIZON.total_steps)
    assert all(0 <= rate < float("inf") for rate in rates), f"it gives the rates {rates}"


@check("scheduler")
def goes_on_as_it_would(subject: Subject) -> None:
    """Saved in the middle of a run and loaded into a new one, it gives the same rates."""
    half = HORIZON.total_steps // 2
    whole = _schedule(subject.component())
    _rates(whole, 0, half)
    parted = _schedule(subject.component())
    parted.optimizer.load_state_dict(_kept(whole.optimizer.state_dict()))
    parted.load_state_dict(_kept(whole.state_dict()))
    expected, found = _rates(whole, half, HORIZON.total_steps), _rates(parted, half, HORIZON.total_steps)
    assert found == expected, f"after a checkpoint it gives {found}, not {expected}"


@check("scheduler")
def fits_a_run(subject: Subject) -> None:
    """Its example is right for a run of some length."""
    component = subject.component()
    component.check(component.horizon_after_warmup(HORIZON))
