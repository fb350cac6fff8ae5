"""Schedulers follow closed formulas and plain torch, and say when they do not fit a run."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from registry_builtin.schedulers.cosine import CosineAnnealing
from registry_builtin.schedulers.cycles import OneCycle
from registry_builtin.schedulers.rules import Exponential, MultiStep, ReduceOnPlateau, Step
from torch.optim import lr_scheduler as plain

from registry_core.components import CheckFailed, Horizon, Scheduler

RUN = Horizon(epochs=10, steps_per_epoch=5, total_steps=50)


def sgd(momentum: float = 0.9) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=momentum)


def rates(make: Any, count: int, feed: list[float] | None = None) -> list[float]:
    """The learning rate before each of ``count`` advances."""
    optimizer = sgd()
    scheduler = make(optimizer)
    found = []
    for index in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([feed[index]] if feed else []))
    return found


def ours(scheduler: Scheduler, count: int = 10, feed: list[float] | None = None, run: Horizon = RUN) -> list[float]:
    return rates(lambda optimizer: scheduler.build(optimizer, run), count, feed)


def test_step() -> None:
    assert ours(Step(step_size=3)) == pytest.approx([0.1 * 0.1 ** (epoch // 3) for epoch in range(10)])


def test_multi_step() -> None:
    expected = [0.1] * 2 + [0.05] * 3 + [0.025] * 5
    assert ours(MultiStep(milestones=[2, 5], gamma=0.5)) == pytest.approx(expected)


def test_exponential() -> None:
    assert ours(Exponential(gamma=0.8)) == pytest.approx([0.1 * 0.8**epoch for epoch in range(10)])


def cosine(epoch: int, length: int, low: float = 0.0) -> float:
    return low + (0.1 - low) * (1 + math.cos(math.pi * epoch / length)) / 2


def test_cosine_annealing_takes_the_whole_run_by_default() -> None:
    assert ours(CosineAnnealing()) == pytest.approx([cosine(epoch, 10) for epoch in range(10)])
    assert ours(CosineAnnealing(t_max=4, eta_min=0.01), 5) == pytest.approx([cosine(e, 4, 0.01) for e in range(5)])


def test_one_cycle_by_its_formula() -> None:
    def anneal(start: float, end: float, share: float) -> float:
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2

    first, top, last, rise = 0.4 / 25, 0.4, 0.4 / 25 / 1e4, 0.3 * 50 - 1
    expected = [
        anneal(first, top, n / rise) if n <= rise else anneal(top, last, (n - rise) / (49 - rise)) for n in range(50)
    ]
    assert ours(OneCycle(max_lr=0.4), 50) == pytest.approx(expected)


def test_one_cycle_moves_momentum_against_the_rate() -> None:
    optimizer = sgd()
    scheduler = OneCycle(max_lr=0.4, pct_start=0.5, anneal_strategy="linear").build(optimizer, RUN)
    momenta = []
    for _ in range(50):
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        scheduler.step()
    assert momenta == pytest.approx([0.95 - 0.1 * (n / 24 if n <= 24 else (49 - n) / 25) for n in range(50)])


@pytest.mark.parametrize(
    ("scheduler", "plain_class", "arguments"),
    [
        (Step(step_size=2, gamma=0.3), plain.StepLR, {"step_size": 2, "gamma": 0.3}),
        (MultiStep(milestones=(1, 4)), plain.MultiStepLR, {"milestones": [1, 4]}),
        (Exponential(gamma=0.9), plain.ExponentialLR, {"gamma": 0.9}),
        (CosineAnnealing(eta_min=0.001), plain.CosineAnnealingLR, {"T_max": 10, "eta_min": 0.001}),
        (
            OneCycle(max_lr=1.0, three_phase=True, div_factor=10, final_div_factor=100),
            plain.OneCycleLR,
            {"max_lr": 1.0, "total_steps": 50, "three_phase": True, "div_factor": 10, "final_div_factor": 100},
        ),
        (OneCycle(max_lr=1, total_steps=60), plain.OneCycleLR, {"max_lr": 1, "total_steps": 60}),
    ],
)
def test_the_rates_of_plain_torch(scheduler: Scheduler, plain_class: Any, arguments: dict[str, Any]) -> None:
    count = 50 if scheduler.counts == "step" else 10
    assert ours(scheduler, count) == rates(lambda optimizer: plain_class(optimizer, **arguments), count)


@pytest.mark.covers("scheduler/reduce_on_plateau", reference="torch.optim.lr_scheduler.ReduceLROnPlateau")
def test_reduce_on_plateau() -> None:
    losses = [1.0, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8]
    scheduler = ReduceOnPlateau(patience=1, factor=0.5)
    # The third evaluation without progress is one too many for a patience of 1.
    assert ours(scheduler, feed=losses) == pytest.approx([0.1] * 4 + [0.05] * 4 + [0.025] * 2)
    assert ours(scheduler, feed=losses) == rates(
        lambda o: plain.ReduceLROnPlateau(o, patience=1, factor=0.5), 10, losses
    )


@pytest.mark.parametrize(
    ("parameters", "mode"),
    [
        ({}, "min"),
        ({"monitor": "val/mean_loss"}, "min"),
        ({"monitor": "val/accuracy"}, "max"),
        ({"monitor": "val/error", "mode": "min"}, "min"),
    ],
)
def test_which_way_a_monitored_metric_is_better(parameters: dict[str, Any], mode: str) -> None:
    assert ReduceOnPlateau(**parameters).build(sgd(), RUN).mode == mode


def test_what_they_count_is_declared_and_described() -> None:
    counts = {s: s.counts for s in (Step, MultiStep, Exponential, CosineAnnealing, OneCycle, ReduceOnPlateau)}
    assert counts == {
        Step: "epoch",
        MultiStep: "epoch",
        Exponential: "epoch",
        CosineAnnealing: "epoch",
        OneCycle: "step",
        ReduceOnPlateau: "evaluation",
    }
    for scheduler, unit in counts.items():
        word = "optimizer steps" if unit == "step" else f"{unit}s"
        assert f"counts {word}" in scheduler.summary()


@pytest.mark.parametrize(
    ("scheduler", "message", "remedy"),
    [
        (
            OneCycle(max_lr=1.0, total_steps=49),
            "total_steps is 49, but the run has 50 optimizer steps",
            "Remove total_steps",
        ),
        (OneCycle(max_lr=1.0, pct_start=1.0), "pct_start is 1", "Set a smaller pct_start"),
    ],
)
def test_schedules_that_torch_cannot_run(scheduler: Scheduler, message: str, remedy: str) -> None:
    with pytest.raises(CheckFailed, match=message) as failed:
        scheduler.check(RUN)
    assert remedy in failed.value.remedy


def test_a_rise_of_no_steps_begins_at_the_maximum() -> None:
    """torch divides by the length of a phase; the reference is half a cosine from the maximum over the whole run."""
    with pytest.raises(ZeroDivisionError):
        rates(lambda optimizer: plain.OneCycleLR(optimizer, max_lr=1.0, total_steps=50, pct_start=0.02), 50)
    low = 1.0 / 25 / 1e4
    expected = [low + (1 - low) * (1 + math.cos(math.pi * step / 49)) / 2 for step in range(50)]
    assert ours(OneCycle(max_lr=1.0, pct_start=0.02), 50) == pytest.approx(expected)


def test_a_third_phase_of_no_steps_has_only_the_end() -> None:
    with pytest.raises(ZeroDivisionError):
        rates(
            lambda optimizer: plain.OneCycleLR(optimizer, max_lr=1.0, total_steps=50, pct_start=0.51, three_phase=True),
            51,
        )
    assert ours(OneCycle(max_lr=1.0, pct_start=0.51, three_phase=True), 50)[-2:] == pytest.approx(
        [1 / 25 + 24 / 25 * (1 - math.cos(math.pi / 24.5)) / 2, 1 / 25 / 1e4]
    )


@pytest.mark.parametrize(
    "scheduler",
    [
        Step(step_size=9),
        MultiStep(milestones=(9, 20)),
        Exponential(gamma=0.9),
        CosineAnnealing(),
        CosineAnnealing(t_max=100),
        OneCycle(max_lr=1.0),
        OneCycle(max_lr=1.0, total_steps=51),
        OneCycle(max_lr=1.0, pct_start=0.0),
        ReduceOnPlateau(),
    ],
)
def test_schedules_that_fit_the_run(scheduler: Scheduler) -> None:
    scheduler.check(RUN)


def test_one_cycle_over_one_step() -> None:
    run = Horizon(1, 1, 1)
    OneCycle(max_lr=1.0).check(run)
    assert len(ours(OneCycle(max_lr=1.0), 1, run=run)) == 1


def test_one_cycle_needs_a_momentum_to_cycle() -> None:
    optimizer = torch.optim.Adagrad([torch.nn.Parameter(torch.zeros(1))])
    with pytest.raises(CheckFailed, match="momentum of Adagrad") as failed:
        OneCycle(max_lr=1.0).build(optimizer, RUN)
    assert "cycle_momentum" in failed.value.remedy
    OneCycle(max_lr=1.0, cycle_momentum=False).build(optimizer, RUN)


@pytest.mark.parametrize(
    ("declaration", "parameters"),
    [
        (Step, {"step_size": 0}),
        (MultiStep, {"milestones": [5, 5]}),
        (MultiStep, {"milestones": []}),
        (CosineAnnealing, {"T_max": 5}),
        (OneCycle, {"max_lr": 1.0, "pct_start": 1.1}),
        (ReduceOnPlateau, {"factor": 1.0}),
    ],
)
def test_wrong_parameters_are_refused(declaration: type[Scheduler], parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        declaration(**parameters)


def test_declarations_pickle() -> None:
    assert pickle.loads(pickle.dumps(OneCycle(max_lr=1.0))) == OneCycle(max_lr=1.0)
