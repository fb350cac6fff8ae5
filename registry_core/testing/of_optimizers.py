"""Checks for optimizers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from registry_core.assembly.building import build
from registry_core.components import CheckFailed, ParameterFacts
from registry_core.testing.checkpoints import through_checkpoint
from registry_core.testing.checks import check
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import Subject

STEPS = 60
_FEW = 12
"""Steps after which every optimizer has changed parameters: some only gather statistics at first."""


@dataclass(frozen=True)
class Trainable:
    """Parameters that an optimizer supports, and True if their gradients are sparse."""

    parameters: list[torch.nn.Parameter]
    sparse: bool

    @classmethod
    def of(cls, optimizer: Any) -> Trainable:
        """Two matrices and a vector, or matrices alone if the optimizer supports no vectors."""
        matrices: dict[str, tuple[int, ...]] = {"weight": (6, 4), "second": (6, 4)}
        for shapes, sparse in (({**matrices, "bias": (6,)}, False), (matrices, False), (matrices, True)):
            try:
                optimizer.check_parameters([ParameterFacts(name, shape, sparse) for name, shape in shapes.items()])
            except CheckFailed:
                continue
            generator = torch.Generator().manual_seed(0)
            made = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes.values()]
            return cls(made, sparse)
        raise NotApplicable("it supports matrices neither with dense gradients nor with sparse ones")


def built_optimizer(component: Any) -> Any:
    """An optimizer for a few parameters."""
    return build(component, component.build, Trainable.of(component).parameters)


class _Problem:
    """A quadratic function of the parameters: half their squared distance from a point, strongly curved."""

    def __init__(self, component: Any, rates: tuple[float, ...] = ()) -> None:
        self.component = component
        self.trainable = Trainable.of(component)
        self.parameters = self.trainable.parameters
        groups = [{"params": [p], "lr": rate} for p, rate in zip(self.parameters, rates, strict=False)]
        self.optimizer = component.build(groups or self.parameters)

    def loss(self) -> Tensor:
        """The value; its gradients are sparse if the optimizer needs them so."""
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


@check()
def lowers_a_quadratic(subject: Subject) -> None:
    """It decreases a quadratic function, and the parameters stay finite."""
    problem = _Problem(subject.component())
    before = problem.loss().item()
    for _ in range(STEPS):
        problem.step()
    after = problem.loss().item()
    assert all(value.isfinite().all() for value in problem.values()), "its parameters are not finite"
    assert after < before, f"after {STEPS} steps the quadratic is {after:g}, but was {before:g} before"


@check()
def goes_on_from_a_checkpoint(subject: Subject) -> None:
    """A new one with its saved state makes the same steps, bit for bit."""
    whole = _Problem(subject.component())
    for _ in range(3):
        whole.step()
    parted = _Problem(subject.component())
    with torch.no_grad():
        for parameter, value in zip(parted.parameters, whole.values(), strict=True):
            parameter.copy_(value)
    parted.optimizer.load_state_dict(through_checkpoint(whole.optimizer.state_dict()))
    for problem in (whole, parted):
        torch.manual_seed(3)  # a checkpoint also has the state of the generator
        for _ in range(3):
            problem.step()
    assert all(map(torch.equal, whole.values(), parted.values())), "after a checkpoint its steps differ"


@check()
def supports_groups(subject: Subject) -> None:
    """Groups of parameters may have their own learning rates: with a smaller one they change less."""
    component = subject.component()
    if not component.supports_groups:
        raise NotApplicable("it declares that it does not support groups")
    if not isinstance(getattr(component, "lr", None), float):
        raise NotApplicable("it has no learning rate `lr` that could differ between groups")
    rate = component.lr
    problem = _Problem(component, (rate, rate / 1000))
    with torch.no_grad():
        problem.parameters[1].copy_(problem.parameters[0])
    before = problem.values()
    for _ in range(_FEW):
        problem.step()
    first, second = ((a - b).abs().max().item() for a, b in zip(problem.values()[:2], before[:2], strict=True))
    assert first > 0, "the parameters of the first group do not change"
    assert second < first, "a group with a thousandth of the learning rate changes as much"
