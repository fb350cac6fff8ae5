"""A problem of a value that ``--set`` sets is at the option, not at the line that it replaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from registry_core.diagnostics import PipelineError
from registry_core.loaded import load

FILE = """\
version: 1
vars: {split: train, size: 8}
data:
  train: {dataset: {digits: {split: "${split}"}}, transforms: [{resize: {size: [8, 8]}}, to_tensor]}
  val: {dataset: {digits: {split: val}}, transforms: [to_tensor]}
  batch_size: 64
model:
  sequential: {input: [1, 8, 8], layers: [flatten, {linear: {out_features: 10}}]}
loss: cross_entropy
optim: {optimizer: {sgd: {lr: 0.1}}}
train: {epochs: 1, device: cpu}
metrics: [accuracy]
"""


@pytest.mark.parametrize(
    ("option", "keys"),
    [
        ("optim.optimizer.sgd.lr=-1", "optim.optimizer.sgd.lr"),
        ("optim.optimizer={sgd: {lr: -1}}", "optim.optimizer.sgd.lr"),
        ("optim={optimizer: {sgd: {lr: -1}}}", "optim.optimizer.sgd.lr"),
        ("optim.optimizer=sdg", "optim.optimizer"),
        ("data.train.transforms.0.resize.size=[0, 8]", "data.train.transforms[0].resize.size"),
        ("data.train.transforms=[{random_crop: {size: 99}}, to_tensor]", "data.train.transforms[0]"),
        ("model.sequential.input=[3, 8, 8]", "model"),
        ("model.sequential.layers=[flatten, {linear: {out_features: 7}}]", "model"),
        ("model.sequential.layers.1.linear.out_features=7", "model"),
        ("train.precision=fp16", "train"),
        ("vars.split=tran", "data.train.dataset.digits.split"),
        ("vars={split: tran}", "data.train.dataset.digits.split"),
        ("metrics=[{top_k_accuracy: {k: 10}}]", "metrics[0]"),
    ],
)
def test_a_value_of_an_option(pipeline: Callable[..., Path], option: str, keys: str) -> None:
    with pytest.raises(PipelineError) as refused:
        load(pipeline(FILE), [option])
    (problem,) = refused.value.problems
    assert problem.path == keys
    assert str(problem.place) == f"--set {option}"


def test_a_value_of_the_file_beside_an_option(pipeline: Callable[..., Path]) -> None:
    """An option of the same component is not to blame for what is wrong without it, too."""
    path = pipeline(FILE.replace("out_features: 10", "out_features: 7"))
    with pytest.raises(PipelineError) as refused:
        load(path, ["model.sequential.layers.0=relu", "model.sequential.layers.0=flatten", "vars.size=9"])
    (problem,) = refused.value.problems
    assert str(problem.place) == f"{path}:8:3"
