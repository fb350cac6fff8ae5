"""Patience and plateaus count evaluations, whatever is logged in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import registry_core
from registry_core.components import hookimpl

SLOW = {"sgd": {"lr": 0.01}}


def trained(pipeline: Callable[..., Path], out: Path, every: str, **changes: Any) -> Any:
    path = pipeline(train={"epochs": 6, "device": "cpu", "log_every": every}, **changes)
    return registry_core.train(registry_core.load(path), out)


@pytest.mark.parametrize("monitor", ["train/loss", "val/loss"])
def test_a_plateau_does_not_depend_on_the_log(pipeline: Callable[..., Path], tmp_path: Path, monitor: str) -> None:
    plateau = {"reduce_on_plateau": {"monitor": monitor, "patience": 1, "threshold": 0.2, "factor": 0.5}}
    found = [
        trained(pipeline, tmp_path / every.replace(" ", "-"), every, optim={"optimizer": SLOW, "scheduler": plateau})
        for every in ("1 steps", "4 steps", "100 steps")
    ]
    rates = [each.pipeline.optimizer.param_groups[0]["lr"] for each in found]
    assert rates[0] < 0.01
    assert len(set(rates)) == 1
    first, *others = (each.pipeline.model.state_dict() for each in found)
    assert all(torch.equal(first[name], other[name]) for other in others for name in first)


@pytest.mark.usefixtures("own_session")
def test_the_plateau_is_that_of_torch_on_the_mean_of_each_epoch(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """The scheduler of plain torch, given the mean training loss of each epoch, has the same rate."""
    losses: list[list[float]] = [[]]

    class Noted:
        @hookimpl
        def step_ended(self, step: Any) -> None:
            losses[-1].append(float(step.loss) * step.samples)
            if step.position.batch == 0:
                losses.append([])

    plateau = {"reduce_on_plateau": {"monitor": "train/loss", "patience": 0, "threshold": 0.05, "factor": 0.5}}
    registry_core.register("hook/noted", Noted)
    run = trained(
        pipeline, tmp_path / "run", "2 steps", optim={"optimizer": SLOW, "scheduler": plateau}, hooks=["noted"]
    )
    samples = run.summary["images"] / 6
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.01)
    plain = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.05, factor=0.5)
    for epoch in losses[:-1]:
        plain.step(sum(epoch) / samples)
    assert run.pipeline.optimizer.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]


@pytest.mark.parametrize("every", ["1 steps", "100 steps"])
def test_early_stopping_on_the_training_loss_counts_evaluations(
    pipeline: Callable[..., Path], tmp_path: Path, every: str
) -> None:
    stopping = {"early_stopping": {"monitor": "train/loss", "patience": 2, "min_delta": 100.0}}
    assert trained(pipeline, tmp_path / "run", every, hooks=[stopping]).position.epoch == 3


def test_an_evaluation_only_because_the_run_ends_does_not_count(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """A run that is made longer is like one that was longer from the beginning, also in its best checkpoint."""
    keeping = [{"checkpoint": {"best": "val/loss", "keep": 1}}]
    often = {"device": "cpu", "evaluate_every": "2 epochs"}
    short = pipeline(train={**often, "epochs": 5}, hooks=keeping)
    long = pipeline(name="long", train={**often, "epochs": 8}, hooks=keeping)
    whole = registry_core.train(registry_core.load(long), tmp_path / "whole").directory
    run = registry_core.train(registry_core.load(short), tmp_path / "run").directory
    assert (run / "checkpoints" / "best").read_text() == "step-00000024"  # of epoch 4, not 5
    registry_core.resume(run, registry_core.load(long))
    for name in ("best", "latest"):
        assert (run / "checkpoints" / name).read_text() == (whole / "checkpoints" / name).read_text()


def test_the_only_evaluation_decides_the_best_checkpoint(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    keeping = [{"checkpoint": {"best": "val/loss", "keep": 1}}]
    path = pipeline(train={"max_steps": 4, "device": "cpu"}, hooks=keeping)
    run = registry_core.train(registry_core.load(path), tmp_path / "run").directory
    assert (run / "checkpoints" / "best").read_text() == "step-00000004"
