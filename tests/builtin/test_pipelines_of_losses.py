"""Every loss lowers itself in a pipeline on real images of the form that it is for."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from torch import nn
from torch.nn import functional as F

from registry_core import load, plan, registries, resume, train
from registry_core.assembly.pipeline import assemble

FILES = sorted(path for path in (ROOT / "tests/pipelines/losses").glob("*.yaml") if path.stem != "common")


def test_there_is_a_pipeline_for_every_loss() -> None:
    assert {path.stem for path in FILES} == set(registries.losses)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_loss_lowers_itself(path: Path, tmp_path: Path) -> None:
    spec = load(path).spec
    assert spec.loss.name == path.stem
    train(spec, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    losses = [row["train/loss"] for row in rows]
    assert len(losses) == 18
    first, last = sum(losses[:3]) / 3, sum(losses[-3:]) / 3
    assert last < first - 0.1 * abs(first), f"{path.stem} went from {first:.4f} to {last:.4f}"


@pytest.mark.covers("loss/adaptive_log_softmax", reference="torch.nn.AdaptiveLogSoftmaxWithLoss by hand")
def test_a_loss_with_weights_of_its_own_trains_and_saves_them(tmp_path: Path) -> None:
    """Its weights are those of a loop in plain torch whose optimizer has both, and a resumed run has them again."""
    spec = load(ROOT / "tests/pipelines/losses/adaptive_log_softmax.yaml").spec
    pipeline = assemble(plan(spec))
    model, loss = copy.deepcopy(pipeline.model), nn.AdaptiveLogSoftmaxWithLoss(32, 10, [5])
    weights = pipeline.loss.parameters_of_losses()
    assert list(weights) == [name for name, _ in loss.named_parameters()]
    loss.load_state_dict({name: weight.detach().clone() for name, weight in weights.items()})
    optimizer = torch.optim.Adam([*model.parameters(), *loss.parameters()], lr=0.005)
    for epoch in range(3):
        for batch in pipeline.loaders["train"].batches(epoch):
            optimizer.zero_grad()
            loss(model(batch.entries["input"]), batch.entries["target"]).loss.backward()
            optimizer.step()
    ended = train(spec, tmp_path / "run").pipeline
    for name, weight in ended.loss.parameters_of_losses().items():
        assert torch.equal(weight, loss.get_parameter(name))
        assert not torch.equal(weight, weights[name])
    longer = load(ROOT / "tests/pipelines/losses/adaptive_log_softmax.yaml", ["train.epochs=4"])
    resumed = resume(tmp_path / "run", longer)
    for batch in pipeline.loaders["train"].batches(3):
        optimizer.zero_grad()
        loss(model(batch.entries["input"]), batch.entries["target"]).loss.backward()
        optimizer.step()
    for name, weight in resumed.pipeline.loss.parameters_of_losses().items():
        assert torch.equal(weight, loss.get_parameter(name))


@pytest.mark.covers("loss/weighted_sum", reference="the terms, added in plain torch")
def test_a_sum_adds_up_its_losses(tmp_path: Path) -> None:
    """Each term gets its own activation and weight; gradients are those of the sum in plain torch."""
    pipeline = assemble(plan(load(ROOT / "tests/pipelines/losses/weighted_sum.yaml")))
    batch = next(iter(pipeline.loaders["train"].batches(0))).entries
    logits = pipeline.model(batch["input"]).detach().requires_grad_()
    ours = pipeline.loss({**batch, "output": logits}).mean
    plain = F.cross_entropy(logits, batch["target"]) + 0.5 * F.multi_margin_loss(logits, batch["target"])
    assert ours.item() == pytest.approx(plain.item(), rel=1e-6)
    torch.testing.assert_close(*(torch.autograd.grad(value, logits)[0] for value in (ours, plain)))


def test_the_plan_says_which_activation_it_puts_before_each_loss() -> None:
    chosen = {
        path.stem: [d.choice for d in plan(load(path)).decisions if d.about.startswith("before")] for path in FILES
    }
    assert {name for name, choices in chosen.items() if "log_softmax" in choices} == {
        *("nll", "nll_2d", "kl_div", "ctc", "weighted_sum")
    }
    assert {name for name, choices in chosen.items() if "sigmoid" in choices} == {"bce"}
    assert chosen["weighted_sum"] == ["log_softmax", "nothing"]
