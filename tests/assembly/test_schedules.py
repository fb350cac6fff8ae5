"""Schedules in real runs: their rates at every step are those of plain torch, also by the other unit, also resumed."""

from __future__ import annotations

import functools
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT
from torch.optim import lr_scheduler as plain
from torch.optim.optimizer import register_optimizer_step_pre_hook

import registry_core
from registry_core.registry.registries import schedulers

PIPELINES = ROOT / "tests" / "pipelines" / "schedulers"
STEPS, EPOCHS = 4, 7  # of common.yaml: steps in an epoch, epochs


def sequential(optimizer: torch.optim.Optimizer, unit: str) -> plain.SequentialLR:
    # Cosine annealing takes what the run leaves after the last milestone.
    left = EPOCHS - 4 if unit == "epoch" else STEPS * EPOCHS - 4
    parts = [
        plain.LinearLR(optimizer, start_factor=0.5, total_iters=2),
        plain.MultiStepLR(optimizer, milestones=[1]),
        plain.CosineAnnealingLR(optimizer, T_max=left),
    ]
    return plain.SequentialLR(optimizer, parts, milestones=[2, 4])


def chained(optimizer: torch.optim.Optimizer, unit: str) -> plain.ChainedScheduler:
    parts = [
        plain.ConstantLR(optimizer, factor=0.2, total_iters=2),
        plain.ExponentialLR(optimizer, gamma=0.9),
        plain.StepLR(optimizer, step_size=3),
    ]
    return plain.ChainedScheduler(parts)


def whole(unit: str) -> int:
    return EPOCHS if unit == "epoch" else STEPS * EPOCHS


# What the pipelines say, written with torch's own classes.
TORCH: dict[str, Callable[[torch.optim.Optimizer, str], Any]] = {
    "step": lambda o, unit: plain.StepLR(o, step_size=2, gamma=0.3),
    "multi_step": lambda o, unit: plain.MultiStepLR(o, milestones=[1, 4, 5], gamma=0.3),
    "exponential": lambda o, unit: plain.ExponentialLR(o, gamma=0.87),
    "linear": lambda o, unit: plain.LinearLR(o, start_factor=0.9, end_factor=0.1, total_iters=4),
    "constant": lambda o, unit: plain.ConstantLR(o, factor=0.3, total_iters=3),
    "polynomial": lambda o, unit: plain.PolynomialLR(o, total_iters=whole(unit), power=0.9),
    "cosine_annealing": lambda o, unit: plain.CosineAnnealingLR(o, T_max=whole(unit), eta_min=0.001),
    "cosine_annealing_warm_restarts": lambda o, unit: plain.CosineAnnealingWarmRestarts(
        o, T_0=2, T_mult=2, eta_min=0.001
    ),
    "cyclic": lambda o, unit: plain.CyclicLR(
        o, base_lr=[0.001, 0.002, 0.003], max_lr=0.02, step_size_up=3, step_size_down=2, scale_fn=lambda x: 0.7**x
    ),
    "one_cycle": lambda o, unit: plain.OneCycleLR(
        o, max_lr=[0.04, 0.03, 0.02], total_steps=whole(unit), pct_start=0.4, three_phase=True
    ),
    "lambda": lambda o, unit: plain.LambdaLR(
        o, [lambda e: 0.9**e, lambda e: 1.0, lambda e: 1.0 - (1.0 - 0.1) * min(max(e - 1, 0) / 4, 1.0)]
    ),
    "multiplicative": lambda o, unit: plain.MultiplicativeLR(o, lambda e: (1.0 + 0.1 * e) ** -0.75),
    "chained": chained,
    "sequential": sequential,
}

Seen = list[list[tuple[float, float]]]


def rates_and_momenta(optimizer: torch.optim.Optimizer) -> list[tuple[float, float]]:
    return [(g["lr"], g["betas"][0] if "betas" in g else g["momentum"]) for g in optimizer.param_groups]


@contextmanager
def watched(stop: int = 0) -> Iterator[Seen]:
    """Rate and momentum of every group at every optimizer step taken meanwhile; in step ``stop``, SIGTERM comes."""
    seen: Seen = []

    def see(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        seen.append(rates_and_momenta(optimizer))
        if len(seen) == stop:
            signal.raise_signal(signal.SIGTERM)

    handle = register_optimizer_step_pre_hook(see)
    try:
        yield seen
    finally:
        handle.remove()


def stopped_and_resumed(spec: registry_core.Spec, out: Path, stop: int) -> Seen:
    """What ``watched`` sees of a run that is stopped by a signal and resumed."""
    with watched(stop) as seen:
        registry_core.train(spec, out)
        assert len(seen) == stop
        registry_core.resume(out)
    return seen


def pipeline_of(name: str, unit: str) -> registry_core.Spec:
    return registry_core.load(PIPELINES / f"{name}.yaml", [f"optim.scheduler.{name}.by={unit}"])


@functools.cache
def by_hand(name: str, unit: str) -> Seen:
    """The loop that a reader of torch's documentation writes, over parameters of no matter."""
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.1, 0.03, 0.007)]
    optimizer: torch.optim.Optimizer
    if name in ("one_cycle", "cyclic"):
        optimizer = torch.optim.Adam(groups, lr=0.1)
    else:
        optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    scheduler = TORCH[name](optimizer, unit)
    seen: Seen = []
    for _ in range(EPOCHS):
        for _ in range(STEPS):
            seen.append(rates_and_momenta(optimizer))
            optimizer.step()
            if unit == "step":
                scheduler.step()
        if unit == "epoch":
            scheduler.step()
    return seen


def named(names: list[str]) -> list[Any]:
    return [
        pytest.param(name, marks=pytest.mark.covers(f"scheduler/{name}", reference="torch.optim.lr_scheduler"))
        for name in names
    ]


@pytest.mark.parametrize(("unit", "stop"), [("epoch", 2 * STEPS), ("step", 2 * STEPS + 1)])
@pytest.mark.parametrize("name", named(list(TORCH)))
def test_every_rate_is_that_of_plain_torch_also_resumed(name: str, unit: str, stop: int, tmp_path: Path) -> None:
    """Reference: the class of torch.optim.lr_scheduler in a plain loop."""
    spec = pipeline_of(name, unit).spec
    assert spec.optim.scheduler is not None
    assert spec.optim.scheduler.get_unit() == unit
    with watched() as seen:
        registry_core.train(spec, tmp_path / "whole")
    assert seen == by_hand(name, unit)
    assert len({json.dumps(rates) for rates in seen}) > 1, "a rate that never changes shows nothing"
    assert stopped_and_resumed(spec, tmp_path / "stopped", stop) == seen
    assert last_weights(tmp_path / "stopped") == last_weights(tmp_path / "whole")


@pytest.mark.covers("scheduler/reduce_on_plateau", reference="torch.optim.lr_scheduler.ReduceLROnPlateau")
def test_reduce_on_plateau_follows_the_losses_that_the_run_measured(tmp_path: Path) -> None:
    spec = registry_core.load(PIPELINES / "reduce_on_plateau.yaml").spec
    with watched() as seen:
        registry_core.train(spec, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    losses = {row["step"]: row["val/loss"] for row in rows if "val/loss" in row}
    assert sorted(losses) == [2, 4, 6, 8, 10, 12, 14, 16]
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.1, 0.03, 0.007)]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    scheduler = plain.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.05, min_lr=[0.01, 0.001, 0.001])
    expected: Seen = []
    for step in range(1, 17):
        expected.append(rates_and_momenta(optimizer))
        optimizer.step()
        if step in losses:
            scheduler.step(losses[step])
    assert seen == expected
    assert len({json.dumps(rates) for rates in seen}) > 1, "the loss never stood still"


def last_weights(run: Path) -> bytes:
    checkpoints = run / "checkpoints"
    return (checkpoints / (checkpoints / "latest").read_text().strip() / "model.safetensors").read_bytes()


def test_there_is_a_pipeline_for_every_scheduler() -> None:
    files = {path.stem for path in PIPELINES.glob("*.yaml")} - {"common"}
    builtin = {name for name in schedulers if schedulers.record(name).distribution == "registry-core"}
    assert files == builtin == {*TORCH, "reduce_on_plateau"}
