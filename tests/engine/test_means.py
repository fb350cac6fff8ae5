"""Means over several batches are those of one batch, whatever counts in them, against torch on all samples at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import registry_core

WEIGHTS = [1, 9, 0.5, 2, 0, 1, 3, 1, 1, 4]

LOSSES: dict[str, tuple[Any, dict[str, Any]]] = {
    "weights": ({"cross_entropy": {"weight": WEIGHTS}}, {"weight": torch.tensor(WEIGHTS)}),
    "ignored": ({"cross_entropy": {"ignore_index": 3}}, {"ignore_index": 3}),
    "smoothed": (
        {"cross_entropy": {"weight": WEIGHTS, "ignore_index": 2, "label_smoothing": 0.2}},
        {"weight": torch.tensor(WEIGHTS), "ignore_index": 2, "label_smoothing": 0.2},
    ),
    "nll": ({"nll": {"weight": WEIGHTS, "ignore_index": 0}}, {"weight": torch.tensor(WEIGHTS), "ignore_index": 0}),
    "plain": ("cross_entropy", {}),
}


def last(result: Any) -> dict[str, Any]:
    row: dict[str, Any] = json.loads((result.directory / "metrics.jsonl").read_text().splitlines()[-1])
    return row


def all_of(result: Any, section: str) -> tuple[torch.Tensor, torch.Tensor]:
    executor = result.pipeline.loaders[section].executor
    samples = [executor.sample(index, 0) for index in range(len(executor.reader))]
    return torch.stack([one["input"] for one in samples]), torch.tensor([one["target"] for one in samples])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [3, 64, 1000])
def test_the_loss_of_an_evaluation_does_not_depend_on_the_batch_size(
    run: Callable[..., Any], name: str, size: int
) -> None:
    declared, options = LOSSES[name]
    metrics = [] if name == "nll" else [{"mean_loss": {"loss": declared}}]  # metrics get logits, which nll refuses
    result = run(loss=declared, data__val__batch_size=size, metrics=metrics)
    images, labels = all_of(result, "val")
    with torch.no_grad():
        expected = float(nn.functional.cross_entropy(result.pipeline.model(images), labels, **options))
    assert last(result)["val/loss"] == pytest.approx(expected, rel=1e-5)
    if metrics:
        assert last(result)["val/mean_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_the_training_loss_of_an_interval_is_that_of_its_samples(run: Callable[..., Any], name: str) -> None:
    declared, options = LOSSES[name]
    optim = {"optimizer": {"sgd": {"lr": 1e-30}}}  # the weights stay
    result = run(loss=declared, optim=optim, data__batch_size=7, train={"log_every": "1000 steps"})
    images, labels = all_of(result, "train")
    with torch.no_grad():
        expected = float(nn.functional.cross_entropy(result.pipeline.model(images), labels, **options))
    assert last(result)["train/loss"] == pytest.approx(expected, rel=1e-5)


SUM = {
    "weighted_sum": {
        "losses": [
            {"loss": {"cross_entropy": {"weight": WEIGHTS}}},
            {"loss": {"cross_entropy": {"ignore_index": 3}}, "weight": 0.5},
            {"loss": "multi_margin", "weight": 2.0},
        ]
    }
}


@pytest.mark.parametrize("loss", [*(declared for declared, _ in LOSSES.values()), SUM])
def test_accumulated_batches_make_the_step_of_one_batch(run: Callable[..., Any], loss: Any) -> None:
    def weights(size: int, accumulate: int) -> torch.Tensor:
        result = run(
            loss=loss,
            data__batch_size=size,
            train={"max_steps": 3, "accumulate": accumulate},
            data__train__sampler="sequential",
        )
        return torch.cat([value.flatten() for value in result.pipeline.model.state_dict().values()])

    torch.testing.assert_close(weights(5, 12), weights(60, 1), rtol=1e-5, atol=1e-7)


def test_a_sum_of_terms_is_the_sum_of_their_means(run: Callable[..., Any]) -> None:
    result = run(loss=SUM, data__val__batch_size=9)
    images, labels = all_of(result, "val")
    with torch.no_grad():
        logits = result.pipeline.model(images)
        weighted = nn.functional.cross_entropy(logits, labels, weight=torch.tensor(WEIGHTS))
        ignored = nn.functional.cross_entropy(logits, labels, ignore_index=3)
        expected = float(weighted + 0.5 * ignored + 2 * nn.functional.multi_margin_loss(logits, labels))
    assert last(result)["val/loss"] == pytest.approx(expected, rel=1e-5)


PARTS = """
import torch
from torch import nn

class Unlabelled:
    def __init__(self, labelled: int = 3):
        self.labelled = labelled
    def __len__(self):
        return 24
    def __getitem__(self, n):
        image = torch.full((1, 2, 2), n / 24)
        return {"input": image, "target": n % 2 if n % 8 < self.labelled else -100}

class Maps:
    def __len__(self):
        return 12
    def __getitem__(self, n):
        target = torch.full((4, 4), 255)
        target[: n % 4, : n % 3 + 1] = n % 2
        return {"input": torch.full((1, 4, 4), n / 12), "target": target}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 2)
    def forward(self, x):
        return self.body(x.flatten(1))

class Three(Net):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 3)

class Pixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(1, 2, 1)
    def forward(self, x):
        return self.body(x)
"""
ENTRIES = """[registry_core.v1.datasets]
unlabelled = parts_of_means:Unlabelled
maps = parts_of_means:Maps
[registry_core.v1.models]
two = parts_of_means:Net
three = parts_of_means:Three
pixels = parts_of_means:Pixels
"""


@pytest.fixture
def parts(distribution: Callable[..., Path]) -> None:
    distribution("acme", ENTRIES, modules={"parts_of_means": PARTS})


def of_section(dataset: str) -> dict[str, Any]:
    return {"dataset": dataset}


@pytest.mark.parametrize(
    ("dataset", "model", "ignored"), [("unlabelled", "two", -100), ("maps", "pixels", 255)], ids=["samples", "pixels"]
)
@pytest.mark.parametrize("size", [2, 5, 24])
@pytest.mark.usefixtures("parts")
def test_what_is_not_labelled_does_not_count(
    run: Callable[..., Any], dataset: str, model: str, ignored: int, size: int
) -> None:
    result = run(
        data={"train": of_section(dataset), "val": {**of_section(dataset), "batch_size": size}, "batch_size": 4},
        model=model,
        loss={"cross_entropy": {"ignore_index": ignored}},
        metrics=[],
    )
    executor = result.pipeline.loaders["val"].executor
    samples = [executor.sample(index, 0) for index in range(len(executor.reader))]
    images, labels = (torch.stack([torch.as_tensor(one[name]) for one in samples]) for name in ("input", "target"))
    with torch.no_grad():
        expected = float(nn.functional.cross_entropy(result.pipeline.model(images), labels, ignore_index=ignored))
    assert last(result)["val/loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("parts")
def test_a_batch_in_which_nothing_counts_adds_nothing(
    run: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    data = {"train": {"dataset": {"unlabelled": {"labelled": 4}}, "sampler": "sequential"}, "batch_size": 4}
    optim = {"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}}}  # these would move the weights
    result = run(data=data, model="two", metrics=[], optim=optim, train={"log_every": "1 step"})
    assert "Step 2 has no loss: samples 4, 5, 6, 7 of data.train. No target of the batch counts" in (
        capsys.readouterr().err
    )
    rows = [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    assert [row["train/loss"] is None for row in rows] == [False, True] * 3
    assert result.summary["uncounted_steps"] == 3

    torch.manual_seed(0)
    network = nn.Linear(4, 2)
    sgd = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for start in (0, 8, 16):
        images = torch.stack([torch.full((4,), n / 24) for n in range(start, start + 4)])
        sgd.zero_grad()
        nn.functional.cross_entropy(network(images), torch.tensor([0, 1, 0, 1])).backward()
        sgd.step()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(result.pipeline.model.state_dict()[f"body.{name}"], value)


@pytest.mark.usefixtures("parts")
def test_a_term_in_which_nothing_counts_is_zero(run: Callable[..., Any]) -> None:
    ignoring = {"cross_entropy": {"weight": [0, 0, 1]}}
    terms = {"weighted_sum": {"losses": [{"loss": ignoring}, {"loss": {"cross_entropy": {"weight": [1, 2, 3]}}}]}}
    changes = {"data": {"train": of_section("unlabelled"), "batch_size": 4}, "model": "three", "metrics": []}
    both, one = (run(loss=loss, **changes) for loss in (terms, {"cross_entropy": {"weight": [1, 2, 3]}}))
    assert last(both)["train/loss"] == last(one)["train/loss"]
    for name, value in one.pipeline.model.state_dict().items():
        torch.testing.assert_close(both.pipeline.model.state_dict()[name], value)


@pytest.mark.usefixtures("parts")
def test_what_counted_before_a_checkpoint_counts_after_it(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    changes = {
        "data": {"train": of_section("unlabelled"), "batch_size": 4},
        "loss": {"cross_entropy": {"weight": [1, 9]}},
        "train": {"log_every": "100 steps"},
        "hooks": [{"checkpoint": {"every": "4 steps", "keep": 5}}],
    }
    written = pipeline(model="two", metrics=[], **changes)
    whole = registry_core.train(registry_core.load(written), tmp_path / "whole")
    expected = last(whole)
    shutil.rmtree(whole.directory / "checkpoints" / "step-00000006")
    assert last(registry_core.resume(whole.directory)) == expected
