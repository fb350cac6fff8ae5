"""Warm-ups, units, parts of schedules: rates against formulas and torch, and mistakes said at their place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from registry_builtin.functions.rate_factors import (
    ConstantFactor,
    InverseSqrt,
    InverseTimeDecay,
    LinearDecay,
    PowerDecay,
)
from registry_builtin.schedulers.cosine import CosineAnnealing
from registry_builtin.schedulers.cycles import OneCycle
from registry_builtin.schedulers.rules import Linear, MultiStep, ReduceOnPlateau
from test_schedules import stopped_and_resumed, watched
from torch.optim import lr_scheduler as plain

import registry_core
from registry_core.assembly.optim.schedule import Schedule
from registry_core.components import Function, Horizon, Scheduler
from registry_core.diagnostics import PipelineError

RUN = Horizon(epochs=5, steps_per_epoch=4, total_steps=20)


def sgd() -> torch.optim.Optimizer:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.1, 0.03)]
    return torch.optim.SGD(groups, momentum=0.9)


def rates(declared: Scheduler, measured: dict[int, float] | None = None) -> list[list[float]]:
    """The rates of both groups at every step of a run, given ``val/loss`` after some of the steps."""
    optimizer = sgd()
    schedule = Schedule(declared, optimizer, RUN)
    found = []
    for step in range(RUN.total_steps):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        values = {"val/loss": measured[step + 1]} if measured and step + 1 in measured else {}
        schedule.advance(step + 1, (step + 1) % RUN.steps_per_epoch == 0, values)
    return found


def risen(first: float, steps: int, start: float) -> list[float]:
    return [first * (start + (1.0 - start) * k / steps) for k in range(steps)]


def test_a_warmup_in_steps_before_a_schedule_by_epoch() -> None:
    """The rise ends within the second epoch, which is the schedule's first."""
    found = rates(MultiStep(milestones=(1, 3), gamma=0.5, warmup="6 steps"))
    for group, lr in enumerate((0.1, 0.03)):
        expected = risen(lr, 6, 0.01) + [lr] * 2 + [lr * 0.5] * 8 + [lr * 0.25] * 4
        assert [at_step[group] for at_step in found] == expected


def test_a_warmup_in_epochs_before_a_schedule_by_step_shortens_it() -> None:
    """Reference: SequentialLR of LinearLR and CosineAnnealingLR."""
    found = rates(CosineAnnealing(by="step", warmup={"length": "1 epoch", "start": 0.25}))
    optimizer = sgd()
    rise = plain.LinearLR(optimizer, start_factor=0.25, total_iters=4)
    fall = plain.CosineAnnealingLR(optimizer, T_max=16)
    scheduler = plain.SequentialLR(optimizer, [rise, fall], milestones=[4])
    for at_step in found:
        assert at_step == pytest.approx([group["lr"] for group in optimizer.param_groups], rel=1e-12)
        optimizer.step()
        scheduler.step()


def test_a_warmup_rises_to_where_one_cycle_begins() -> None:
    found = rates(OneCycle(max_lr=(0.5, 0.2), warmup="4 steps"))
    for group, highest in enumerate((0.5, 0.2)):
        of_group = [at_step[group] for at_step in found]
        first = highest / 25
        assert of_group[:5] == pytest.approx([*risen(first, 4, 0.01), first], rel=1e-12)  # torch interpolates
        assert max(of_group) == pytest.approx(highest, rel=0.05)
        assert of_group[-1] == pytest.approx(first / 1e4)


def test_evaluations_during_a_warmup_do_not_count() -> None:
    declared = ReduceOnPlateau(patience=0, factor=0.5, warmup="8 steps")
    losses = {4: 0.1, 8: 0.1, 12: 1.0, 16: 1.0}  # had they counted, the first after it would be no progress
    found = [at_step[0] for at_step in rates(declared, losses)]
    assert found == [*risen(0.1, 8, 0.01), *[0.1] * 8, *[0.05] * 4]


def test_a_schedule_for_the_length_of_the_run_ends_with_it_and_others_go_on() -> None:
    for declared, ended in ((Linear(total_iters=None, by="step"), True), (Linear(total_iters=30, by="step"), False)):
        optimizer = sgd()
        schedule = Schedule(declared, optimizer, RUN)
        for step in range(RUN.total_steps):
            optimizer.step()
            schedule.advance(step + 1, False, {})
        assert schedule.scheduler.last_epoch == (RUN.total_steps - 1 if ended else RUN.total_steps)


def longer(scheduler: dict[str, Any]) -> dict[str, Any]:
    return {"optimizer": {"sgd": {"lr": 0.1}}, "scheduler": scheduler}


@pytest.mark.parametrize(
    "scheduler",
    [
        {"exponential": {"gamma": 0.9, "by": "step", "warmup": "3 steps"}},
        {"reduce_on_plateau": {"patience": 0, "threshold": 0.5, "factor": 0.5, "warmup": "1 epoch"}},
    ],
    ids=["exponential", "reduce_on_plateau"],
)
def test_a_run_stopped_or_made_longer_has_the_same_rates(
    scheduler: dict[str, Any], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    """A run cut off within an epoch is evaluated there, which a longer run is not: it does not count."""
    path = pipeline(optim=longer(scheduler), train={"epochs": 4, "device": "cpu"}, data__batch_size=120)
    with watched() as seen:
        registry_core.train(registry_core.load(path), tmp_path / "whole")
    assert len(seen) == 12
    assert len({str(at_step) for at_step in seen}) > 4
    assert stopped_and_resumed(registry_core.load(path), tmp_path / "stopped", 2) == seen
    with watched() as parts:
        registry_core.train(registry_core.load(path, ["train.max_steps=8"]), tmp_path / "short")
        registry_core.resume(tmp_path / "short", registry_core.load(path))
    assert parts == seen


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        pytest.param(
            ConstantFactor(factor=0.9),
            lambda n: 0.9,
            marks=pytest.mark.covers("function/constant_factor", reference="the formula"),
        ),
        pytest.param(
            PowerDecay(base=0.9),
            lambda n: 0.9**n,
            marks=pytest.mark.covers("function/power_decay", reference="the formula"),
        ),
        pytest.param(
            LinearDecay(start=3, length=5, end=0.5),
            lambda n: 1.0 if n <= 3 else 0.5 if n >= 8 else 1.0 - (n - 3) / 10,
            marks=pytest.mark.covers("function/linear_decay", reference="the formula"),
        ),
        pytest.param(
            InverseSqrt(warmup=4),
            lambda n: (n + 1) / 4 if n < 4 else 2 / (n + 1) ** 0.5,
            marks=pytest.mark.covers("function/inverse_sqrt", reference="the formula"),
        ),
        pytest.param(
            InverseTimeDecay(rate=0.5, power=0.75),
            lambda n: 1 / (1 + n / 2) ** 0.75,
            marks=pytest.mark.covers("function/inverse_time_decay", reference="the formula"),
        ),
    ],
)
def test_functions_are_their_formulas(function: Function, formula: Callable[[int], float]) -> None:
    """Reference: the formula of the description."""
    built = function.build()
    assert [built(n) for n in range(12)] == pytest.approx([formula(n) for n in range(12)])


@pytest.mark.parametrize(
    ("scheduler", "where", "words"),
    [
        ({"step": {"step_size": 1, "warmup": "9"}}, ".step.warmup", "'500 steps', not '9'"),
        ({"lambda": {"lr_lambda": ["constant_factor", "constant_factor"]}}, ".lambda.lr_lambda", "2 values, but"),
        ({"lambda": {"lr_lambda": "constant_facto"}}, ".lambda.lr_lambda", "Did you mean 'constant_factor'"),
        ({"chained": {"schedulers": ["reduce_on_plateau"]}}, ".chained", "it counts evaluations, not epochs"),
        ({"chained": {"schedulers": ["linear", {"linear": {"by": "step"}}]}}, ".chained", "must count the same"),
        (
            {"sequential": {"schedulers": ["linear", "linear"], "milestones": [1, 2]}},
            ".sequential",
            "2 schedulers require 1 milestone",
        ),
        ({"reduce_on_plateau": {"by": "epoch"}}, ".reduce_on_plateau", "It counts evaluations"),
    ],
)
def test_mistakes_are_said_at_their_place(
    scheduler: dict[str, Any], where: str, words: str, pipeline: Callable[..., Path]
) -> None:
    with pytest.raises(PipelineError) as refused:
        registry_core.load(pipeline(optim=longer(scheduler)))
    (problem,) = refused.value.problems
    assert words in str(problem)
    assert problem.path.endswith(where)


@pytest.mark.parametrize(
    ("scheduler", "where", "words"),
    [
        ({"step": {"step_size": 1, "warmup": "9 epochs"}}, ".step.warmup", "the schedule never begins"),
        ({"step": {"step_size": 6, "by": "step"}}, ".step.step_size", "6 optimizer steps and the run has 6 optimizer"),
        (
            {"sequential": {"schedulers": ["constant", {"step": {"step_size": 9}}], "milestones": [1], "by": "step"}},
            ".schedulers[1].step.step_size",
            "its part of the run has 5 optimizer steps",
        ),
    ],
)
def test_a_schedule_longer_than_the_run_is_a_warning_and_runs(
    scheduler: dict[str, Any], where: str, words: str, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    path = pipeline(optim=longer(scheduler))
    loaded = registry_core.load(path)
    (problem,) = (problem for problem in loaded.warnings if problem.code == "schedule-course")
    assert words in str(problem)
    assert problem.path.endswith(where)
    assert registry_core.train(loaded, tmp_path / "run").position.step == 6


def test_no_momentum_to_cycle_is_said_before_the_run(pipeline: Callable[..., Path]) -> None:
    path = pipeline(optim={"optimizer": "adagrad", "scheduler": {"one_cycle": {"max_lr": 0.1}}})
    with pytest.raises(PipelineError, match="cannot cycle the momentum of adagrad, which has none"):
        registry_core.load(path)
    registry_core.load(path, ["optim.scheduler.one_cycle.cycle_momentum=false"])


def test_parameters_of_the_same_names_are_those_of_the_component(distribution: Callable[..., Path]) -> None:
    module = "def mine(optimizer, warmup: int = 3): ...\ndef other(optimizer, factor: float = 1.0): ...\n"
    entries = "[registry_core.v1.schedulers]\nmine = acme_sched:mine\nother = acme_sched:other\n"
    distribution("acme", entries, modules={"acme_sched": module})
    from registry_core.registry.registries import schedulers

    mine, other = schedulers["mine"](warmup=5), schedulers["other"](by="step", warmup="2 steps")
    assert (mine.arguments(), mine.get_warmup(), other.arguments()) == ({"warmup": 5}, None, {"factor": 1.0})
    assert (other.get_unit(), other.warmup_steps(RUN)) == ("step", 2)
