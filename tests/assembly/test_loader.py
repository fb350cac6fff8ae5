"""Batches are those of torch's own DataLoader over the same order."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

import registry_core
from registry_core import load
from registry_core.assembly.pipeline import assemble
from registry_core.engine.trained import TrainedModel
from registry_core.planning.make import make_plan


@pytest.mark.covers("section/data", reference="torch.utils.data.DataLoader")
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 50, 359])
def test_batches_are_those_of_torchs_loader(pipeline: Callable[..., Path], batch_size: int, drop_last: bool) -> None:
    spec = load(pipeline(data__batch_size=batch_size, data__drop_last=drop_last, seed=7))
    loader = assemble(make_plan(spec)).loaders["train"]
    digits: Any = load_digits()
    pixels = torch.from_numpy((digits.images[4::5] * 255 // 16).astype(np.float32) / 255)[:, None]
    words = np.random.Philox(key=[7, 1], counter=[0, 0, 0, 2]).random_raw(359)
    order = np.argsort(words, kind="stable").tolist()
    plain = DataLoader(
        TensorDataset(pixels, torch.from_numpy(digits.target[4::5])), batch_size, sampler=order, drop_last=drop_last
    )
    ours = list(loader.batches(epoch=2))
    assert len(ours) == len(plain) == len(loader)
    for batch, (images, targets) in zip(ours, plain, strict=True):
        torch.testing.assert_close(batch.entries["input"], images, rtol=0, atol=1e-7)
        assert torch.equal(batch.entries["target"], targets)


def test_a_section_may_have_a_batch_size_of_its_own(pipeline: Callable[..., Path]) -> None:
    section = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"], "batch_size": 200}
    loaders = assemble(make_plan(load(pipeline(data__val=section)))).loaders
    assert [len(batch.entries["target"]) for batch in loaders["val"].batches(0)] == [200, 159]
    assert len(next(iter(loaders["train"].batches(0))).entries["target"]) == 64


def test_no_worker_outlives_its_run(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """Python would kill it at the end, and torch complain about that with a traceback."""
    spec = load(pipeline(data__workers=2, train__max_steps=2))
    result = registry_core.train(spec, tmp_path / "run")
    assert multiprocessing.active_children() == []
    TrainedModel.open(tmp_path / "run").evaluate()
    assert multiprocessing.active_children() == []
    assert len(list(result.pipeline.loaders["val"].batches(0))) == 6, "a loader can be used again"
    result.pipeline.loaders["val"].close()
    assert multiprocessing.active_children() == []
