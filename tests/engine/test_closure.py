"""Optimizers that evaluate the loss several times in a step: L-BFGS in a run, against plain PyTorch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import registry_core
from registry_core.diagnostics import PipelineError

LBFGS = {"lr": 0.8, "max_iter": 4, "history_size": 3, "line_search_fn": "strong_wolfe"}


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Every fifth image of the digits, as scikit-learn has them."""
    images, labels = load_digits(return_X_y=True)
    chosen = np.arange(len(labels)) % 5 == 4
    pixels = (images[chosen].astype(np.int64) * 255 // 16).astype(np.uint8).reshape(-1, 1, 8, 8)
    return torch.from_numpy(pixels).to(torch.float32).div(255), torch.from_numpy(labels[chosen]).to(torch.int64)


def by_hand(batch: int, accumulate: int, clip: float | None) -> tuple[nn.Module, AveragedModel, list[float]]:
    """Two epochs in the order of the data; the loss of a step is the one before it."""
    inputs, targets = digits()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    optimizer = torch.optim.LBFGS(model.parameters(), **LBFGS)  # type: ignore[arg-type]  # numbers and a text in one mapping
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    losses = []
    for _ in range(2):
        batches = list(torch.arange(len(targets)).split(batch))
        while batches:
            step, batches = batches[:accumulate], batches[accumulate:]

            def closure(step: list[torch.Tensor] = step) -> torch.Tensor:
                optimizer.zero_grad()
                total = torch.zeros(())
                for part in step:
                    loss = nn.functional.cross_entropy(model(inputs[part]), targets[part])
                    if len(step) > 1:
                        loss = loss * (len(part) / sum(len(each) for each in step))
                    loss.backward()
                    total += loss.detach()
                if clip is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), clip)
                return total

            losses.append(float(optimizer.step(closure)))
            averaged.update_parameters(model)
    return model, averaged, losses


@pytest.mark.parametrize(("batch", "accumulate", "clip"), [(359, 1, None), (90, 1, 0.3), (90, 2, None), (100, 4, 0.3)])
@pytest.mark.covers("optimizer/lbfgs", reference="torch.optim.LBFGS")
def test_a_run_is_what_plain_torch_does(
    pipeline: Callable[..., Path], tmp_path: Path, batch: int, accumulate: int, clip: float | None
) -> None:
    """Weights, their moving average, and the logged losses, with accumulated and with clipped gradients."""
    path = pipeline(
        data__train__sampler="sequential",
        data__batch_size=batch,
        optim={"optimizer": {"lbfgs": LBFGS}},
        train={
            "epochs": 2,
            "device": "cpu",
            "accumulate": accumulate,
            "clip": clip and {"norm": clip},
            "ema": {"decay": 0.5},
            "log_every": "1 step",
        },
    )
    result = registry_core.train(registry_core.load(path), tmp_path / "run")
    model, averaged, losses = by_hand(batch, accumulate, clip)
    for ours, plain in ((result.pipeline.model, model), (result.pipeline.averaged, averaged)):
        assert ours is not None
        for value, expected in zip(ours.state_dict().values(), plain.state_dict().values(), strict=True):
            assert torch.equal(value, expected)
    rows = [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    assert [row["train/loss"] for row in rows] == pytest.approx(losses, rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"train": {"precision": "fp16"}},
            "train.precision",
            "evaluates the loss several times in a step, which the gradient scaler of fp16 does not support. Use",
        ),
        (
            {"optim__groups": [{"parameters": ".*bias", "lr": 0.1}]},
            "optim.groups",
            "The optimizer 'lbfgs' treats all parameters alike and does not support groups. Remove groups",
        ),
        (
            {"optim__layer_decay": {"factor": 0.5}},
            "optim.layer_decay",
            "The optimizer 'lbfgs' treats all parameters alike and does not support groups. Remove layer_decay",
        ),
        (
            {"finetune": {"freeze": ["1\\..*"], "unfreeze": [{"after": "1 step", "parameters": "1\\..*"}]}},
            "finetune.unfreeze",
            "The optimizer 'lbfgs' treats all parameters alike and does not support groups. Remove unfreeze",
        ),
    ],
)
def test_what_it_cannot_do_is_found_before_the_run(
    pipeline: Callable[..., Path], changes: dict[str, Any], path: str, message: str
) -> None:
    with pytest.raises(PipelineError) as failed:
        registry_core.load(pipeline(**{"optim__optimizer": {"lbfgs": LBFGS}, **changes}))
    (problem,) = failed.value.problems
    assert problem.path == path
    assert problem.place is not None
    assert message in str(problem)
