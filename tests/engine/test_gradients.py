"""Which optimizer can train which parameters: sparse and dense gradients, and matrices only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Ended, sentences
from registry_builtin.models.sparse import SparseBag
from torch import nn

import registry_core
from registry_core.diagnostics import PipelineError
from registry_core.engine.checkpoint.tensor_tree import put_together, take_apart
from registry_core.engine.clipping import total_norm
from registry_core.registry import registries

BAG = {"sparse_bag": {"size": 8, "num_classes": 10}}


@pytest.mark.covers("model/sparse_bag", reference="a loop over pixels")
@pytest.mark.parametrize("mode", ["sum", "mean"])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_rows_that_a_sparse_bag_looks_up(mode: str, channels: int) -> None:
    """Written out as a loop over the pixels of each image."""
    declared = SparseBag(in_channels=channels, size=[2, 3], num_classes=5, levels=4, mode=mode)
    model = declared.build()
    images = torch.rand(4, channels, 2, 3)
    images[0] = 0  # all black: the bias alone
    table = model.table.weight.detach()
    assert table.shape == (channels * 6 * 4 + 1, 5)
    expected = []
    for image in images:
        rows = [table[-1]]
        for place, value in enumerate(image.flatten().tolist()):
            level = round(value * 4)
            if level:
                rows.append(table[place * 4 + level - 1])
        together = torch.stack(rows)
        expected.append(together.sum(0) if mode == "sum" else together.mean(0))
    torch.testing.assert_close(model(images), torch.stack(expected))
    model(images).sum().backward()
    gradient = model.table.weight.grad.coalesce()
    assert gradient.is_sparse
    assert len(gradient.indices()[0]) < len(table)


def test_a_sparse_bag_learns_the_digits(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    path = pipeline(
        data__train__dataset={"digits": {"split": "train"}},
        model=BAG,
        optim={"optimizer": {"sparse_adam": {"lr": 0.05}}},
        train={"epochs": 2, "device": "cpu"},
    )
    result = registry_core.train(registry_core.load(path), tmp_path / "run")
    assert result.metrics["val/accuracy"] > 0.85


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"sparse_bag": {"size": 7}}}, r"expects 1 x 7 x 7, but the images are 1 x 8 x 8"),
        (
            {"model": BAG, "data__train__transforms": ["to_tensor", {"normalize": {"mean": [0.5], "std": [0.5]}}]},
            r"expects values from 0 to 1, but gets -1 to 1.*Remove normalize",
        ),
    ],
)
def test_images_that_a_sparse_bag_cannot_take(
    pipeline: Callable[..., Path], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(PipelineError, match=message):
        registry_core.load(pipeline(**changes))


DENSE_ONLY = [
    name
    for name in registries.optimizers
    if registries.optimizers.record(name).distribution == "registry-core"
    and name not in ("sgd", "adagrad", "sparse_adam", "lbfgs")
]


@pytest.mark.parametrize(
    ("optimizer", "changes", "message"),
    [
        *(
            (
                {name: {}},
                {"model": BAG},
                f"'{name}' does not support sparse gradients, but 'table.weight' would have them. Use sparse",
            )
            for name in DENSE_ONLY
        ),
        (
            {"sparse_adam": {}},
            {},
            "requires sparse gradients, but those of '1.weight', '1.bias', '3.weight'",
        ),
        (
            {"sgd": {"weight_decay": 0.1}},
            {"model": BAG},
            "does not support weight decay with sparse gradients",
        ),
        ({"sgd": {"fused": True}}, {"model": BAG}, "does not support sparse gradients with fused, but 'table.weight'"),
        ({"adagrad": {"weight_decay": 0.1}}, {"model": BAG}, "does not support weight decay with sparse gradients"),
        ({"adagrad": {"fused": True}}, {"model": BAG}, "does not support sparse gradients with fused"),
        (
            {"sgd": {}},
            {"model": BAG, "optim__groups": [{"parameters": "table.*", "weight_decay": 0.1}]},
            "does not support weight decay with sparse gradients",
        ),
        (
            {"sgd": {}},
            {"model": BAG, "train": {"clip": {"value": 1.0}}},
            "train.clip: torch cannot clip sparse",
        ),
        (
            {"muon": {}},
            {},
            "The optimizer 'muon' requires parameters with 2 dimensions, but receives 1.bias [16], "
            "3.bias [10]. Use a model of",
        ),
    ],
)
def test_parameters_that_an_optimizer_cannot_train(
    pipeline: Callable[..., Path],
    command: Callable[..., Ended],
    tmp_path: Path,
    optimizer: dict[str, Any],
    changes: dict[str, Any],
    message: str,
) -> None:
    path = pipeline(**{"optim__optimizer": optimizer, **changes})
    ended = command("train", path, "--out", tmp_path / "run")
    assert ended.code == 2
    assert message in ended.err
    assert len(sentences(ended)) == 1
    assert not (tmp_path / "run").exists()
    assert command("plan", path, "--build").err == ended.err


def test_sparse_gradients_that_no_layer_announces(
    pipeline: Callable[..., Path], distribution: Callable[..., Path], command: Callable[..., Ended], tmp_path: Path
) -> None:
    """A foreign model that calls the function itself: torch's own refusal, in one line that names the optimizer."""
    text = (
        "import torch\nclass Bag(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.table = torch.nn.Parameter(torch.zeros(64, 10))\n    def forward(self, x):\n"
        "        rows = torch.arange(64).expand(len(x), 64)\n"
        "        return torch.nn.functional.embedding(rows, self.table, sparse=True).sum(1)\n"
    )
    distribution("acme", "[registry_core.v1.models]\nbag = acme_bag:Bag\n", modules={"acme_bag": text})
    ended = command("train", pipeline(model="bag", optim={"optimizer": "adam"}), "--out", tmp_path / "run")
    assert ended.code == 2
    assert "The optimizer 'adam' failed on a batch of data.train" in ended.err
    assert "Adam does not support sparse gradients" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("optimizer", [{"sgd": {"lr": 0.5, "momentum": 0.9}}, {"adagrad": {"lr": 0.1}}, "sparse_adam"])
def test_sparse_state_survives_a_checkpoint(pipeline: Callable[..., Path], tmp_path: Path, optimizer: Any) -> None:
    """sgd keeps a sparse momentum; gradients accumulate and are clipped; equal bits after a resumption."""
    path = pipeline(
        model=BAG,
        optim={"optimizer": optimizer},
        train={"device": "cpu", "accumulate": 2, "clip": {"norm": 0.5}, "max_steps": 3, "log_every": "1 step"},
        data__val=None,
    )
    whole = registry_core.train(registry_core.load(path), tmp_path / "whole")
    registry_core.train(registry_core.load(path, ["train.max_steps=1"]), tmp_path / "parts")
    resumed = registry_core.resume(tmp_path / "parts", registry_core.load(path))
    name = "table.weight"
    assert torch.equal(resumed.pipeline.model.state_dict()[name], whole.pipeline.model.state_dict()[name])
    assert (tmp_path / "parts" / "metrics.jsonl").read_text() == (tmp_path / "whole" / "metrics.jsonl").read_text()


@pytest.mark.parametrize("coalesced", [True, False])
def test_sparse_tensors_in_checkpoints(coalesced: bool) -> None:
    tensor = torch.sparse_coo_tensor([[2, 0, 2]], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], (4, 2), check_invariants=True)
    tensor = tensor.coalesce() if coalesced else tensor
    structure, tensors = take_apart({"buffer": tensor, 3: [1, None]})
    again = put_together(structure, tensors)
    assert again[3] == [1, None]
    assert again["buffer"].is_coalesced() is coalesced
    assert torch.equal(again["buffer"]._values(), tensor._values())
    assert torch.equal(again["buffer"].to_dense(), tensor.to_dense())


def clipped(parameters: list[nn.Parameter], limit: float) -> torch.Tensor:
    """Clip the gradients as an optimizer step does; the norm before."""
    norm = total_norm(parameters)
    nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return norm


@pytest.mark.parametrize("limit", [0.1, 100.0])
def test_clipping_sparse_gradients_by_norm_is_exact(limit: float) -> None:
    """As torch clips the same gradients, dense; rows that occur twice count with their sum."""
    table, bias = nn.Embedding(5, 3, sparse=True), nn.Parameter(torch.ones(3))
    idle = nn.Parameter(torch.ones(2))  # has no gradient
    (table(torch.tensor([1, 1, 2])).square() + bias.square()).sum().backward()
    assert table.weight.grad is not None
    dense = [nn.Parameter(torch.zeros(5, 3)), nn.Parameter(torch.zeros(3))]
    dense[0].grad, dense[1].grad = table.weight.grad.to_dense(), bias.grad.clone()
    expected = nn.utils.clip_grad_norm_(dense, limit)
    torch.testing.assert_close(clipped([table.weight, idle, bias], limit), expected)
    assert idle.grad is None
    assert table.weight.grad.is_sparse
    torch.testing.assert_close(table.weight.grad.to_dense(), dense[0].grad)
    torch.testing.assert_close(bias.grad, dense[1].grad)


def test_clipping_dense_gradients_has_the_bits_of_torch() -> None:
    torch.manual_seed(0)
    ours, plain = nn.Linear(7, 5), nn.Linear(7, 5)
    for mine, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        mine.grad = torch.randn_like(mine)
        theirs.grad = mine.grad.clone()
    assert torch.equal(clipped(list(ours.parameters()), 0.5), nn.utils.clip_grad_norm_(plain.parameters(), 0.5))
    for mine, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        assert mine.grad is not None
        assert torch.equal(mine.grad, theirs.grad)
