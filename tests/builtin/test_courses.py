"""The course that a schedule declares is the one that torch makes, and defaults span the run."""

from __future__ import annotations

import pytest
import torch
from registry_builtin.functions.rate_factors import (
    ConstantFactor,
    InverseSqrt,
    InverseTimeDecay,
    LinearDecay,
    PowerDecay,
)
from registry_builtin.schedulers.composed import Chained, Lambda, Multiplicative, Sequential
from registry_builtin.schedulers.cosine import CosineAnnealing, CosineAnnealingWarmRestarts
from registry_builtin.schedulers.cycles import Cyclic, OneCycle
from registry_builtin.schedulers.rules import (
    Constant,
    Exponential,
    Linear,
    MultiStep,
    Polynomial,
    ReduceOnPlateau,
    Step,
)
from torch.optim import lr_scheduler as plain

from registry_core.assembly.optim.schedule import Schedule
from registry_core.components import Horizon, Scheduler

RUN = Horizon(epochs=12, steps_per_epoch=4, total_steps=45)
"""The last epoch is not complete."""


def made(scheduler: Scheduler) -> list[float]:
    """The rate in each unit of a run after the warm-up, as torch makes it."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    schedule = Schedule(scheduler, optimizer, RUN)
    found = []
    by_step = scheduler.get_unit() == "step"
    for step in range(RUN.total_steps):
        if step >= schedule.warmup_steps and (by_step or step % RUN.steps_per_epoch == 0 or not found):
            found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.advance(step + 1, (step + 1) % RUN.steps_per_epoch == 0, {})
    return found


SCHEDULERS = [
    Step(step_size=5, gamma=0.3),
    MultiStep(milestones=(2, 9, 40), gamma=0.5),
    Exponential(gamma=0.9),
    Exponential(gamma=0.9, by="step"),
    Linear(),
    Linear(start_factor=1.0, end_factor=0.0, by="step"),
    Linear(start_factor=0.5, end_factor=1.0, total_iters=3, warmup="1 epoch"),
    Constant(),
    Constant(factor=0.2, total_iters=4),
    Polynomial(),
    Polynomial(power=0.9, by="step"),
    Polynomial(power=2.0, total_iters=7),
    CosineAnnealing(eta_min=0.001),
    CosineAnnealing(t_max=5, warmup="3 steps"),
    CosineAnnealing(by="step", warmup="2 epochs"),
    CosineAnnealingWarmRestarts(t_0=2, t_mult=2, eta_min=0.001),
    CosineAnnealingWarmRestarts(t_0=5),
    Cyclic(base_lr=0.01, max_lr=0.2, step_size_up=7),
    Cyclic(base_lr=0.01, max_lr=0.2, step_size_up=7, step_size_down=4, mode="triangular2"),
    Cyclic(base_lr=0.01, max_lr=0.2, step_size_up=7, mode="exp_range", gamma=0.95),
    OneCycle(max_lr=0.4),
    OneCycle(max_lr=0.4, pct_start=0.4, three_phase=True, anneal_strategy="linear"),
    OneCycle(max_lr=0.4, pct_start=0.0, total_steps=60),
    Lambda(lr_lambda=InverseSqrt(warmup=4)),
    Lambda(lr_lambda=LinearDecay(start=3, length=5, end=0.1)),
    Lambda(lr_lambda=(PowerDecay(base=0.8),), by="step"),
    Lambda(lr_lambda=InverseTimeDecay(rate=0.1)),
    Chained(schedulers=(Constant(factor=0.1, total_iters=2), Exponential(gamma=0.9), Polynomial())),
    Sequential(
        schedulers=(Constant(factor=0.1), Linear(start_factor=1.0, end_factor=0.3), CosineAnnealing()),
        milestones=(2, 5),
    ),
]


@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=[f"{index}-{each.name}" for index, each in enumerate(SCHEDULERS)])
def test_the_declared_course_is_that_of_torch(scheduler: Scheduler) -> None:
    left = scheduler.horizon_after_warmup(RUN)
    declared = [scheduler.rate_at(unit, 0.1, left) for unit in range(scheduler.length_in_units(left))]
    assert declared == pytest.approx(made(scheduler), rel=1e-6, abs=1e-12)


def test_what_is_not_known_has_no_course() -> None:
    assert ReduceOnPlateau().rate_at(0, 0.1, RUN) is None
    assert Multiplicative(lr_lambda=ConstantFactor(factor=0.9)).rate_at(0, 0.1, RUN) is None
    assert Cyclic(base_lr=0.01, max_lr=0.2, scale_fn=PowerDecay(base=0.9)).rate_at(0, 0.1, RUN) is None
    assert Chained(schedulers=(CosineAnnealing(), Exponential(gamma=0.9))).rate_at(0, 0.1, RUN) is None


@pytest.mark.parametrize("unit", ["epoch", "step"])
def test_defaults_span_the_run(unit: str) -> None:
    """Reference: the schedulers of torch with the length of the run; their own default is 5."""
    length = RUN.count("step" if unit == "step" else "epoch")
    for ours, torchs, options in (
        (Polynomial, plain.PolynomialLR, {"power": 0.9}),
        (Linear, plain.LinearLR, {"start_factor": 1.0, "end_factor": 0.0}),
    ):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        scheduler = torchs(optimizer, total_iters=length, **options)
        expected = []
        for _ in range(length):
            expected.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        assert made(ours(**options, by=unit)) == expected
        assert expected[-1] > 0


def test_a_constant_factor_lasts_for_the_run() -> None:
    assert made(Constant(factor=0.1)) == pytest.approx([0.01] * RUN.epochs)
