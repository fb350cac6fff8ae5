"""Where a key belongs that stands in the wrong section."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from registry_core.diagnostics import PipelineError
from registry_core.loaded import load


def test_a_key_is_sent_where_it_belongs_and_a_misspelt_one_is_not(pipeline: Callable[..., Path]) -> None:
    text = (
        "version: 1\nepochs: 3\nlr: 0.1\n"
        "data: {train: {dataset: digits, transforms: [to_tensor], shuffel: true}, batch_size: 8}\n"
        "model: {mlp: {size: 8, epochs: 1}}\nloss: cross_entropy\n"
        "optim: {optimizer: {sgd: {groups: []}}}\ntrain: {epoch: 3}\n"
    )
    with pytest.raises(PipelineError) as refused:
        load(pipeline(text))
    assert {problem.path: problem.remedy for problem in refused.value.problems} == {
        "epochs": "It belongs under `train`: move it there.",
        "lr": "It belongs under `optim.optimizer.sgd`: move it there.",
        "data.train.shuffel": "Available: batch_size, batch_transforms, dataset, sampler, transforms.",
        "model.mlp.epochs": "Available: bias, dropout, hidden, in_channels, num_classes, size. "
        "A key of this name belongs under `train`.",
        "optim.optimizer.sgd.groups": "It belongs under `optim`: move it there.",
        "train.epoch": "Did you mean 'epochs'?",
    }
