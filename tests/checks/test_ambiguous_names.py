"""An output of the model and an entry of the samples never have the same name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import registry_core
from registry_core.diagnostics import PipelineError, RunError
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.planning.make import make_plan

DECLARED = """
from registry_core.components import Model

class Echo(Model):
    \"""Return the output under the name of the target.\"""
    target = "parts_echo:Net"
    outputs = ("target",)
"""
PARTS = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Linear(64, 10)
    def forward(self, x):
        return self.body(x.flatten(1))

class Plain:
    \"""Its entries are known when one is read.\"""
    def __len__(self):
        return 8
    def __getitem__(self, n):
        return {"input": torch.zeros(1, 8, 8), "target": n, "output": n}
"""
ENTRIES = (
    "[registry_core.v1.models]\necho = declared_echo:Echo\n[registry_core.v1.datasets]\nplain = parts_echo:Plain\n"
)


@pytest.fixture(autouse=True)
def acme(distribution: Callable[..., Path]) -> None:
    distribution("acme", ENTRIES, modules={"declared_echo": DECLARED, "parts_echo": PARTS})


def test_an_output_called_like_the_target_is_refused(pipeline: Callable[..., Path]) -> None:
    with pytest.raises(PipelineError) as failed:
        registry_core.load(pipeline(model="echo"))
    problem, *others = failed.value.problems
    assert others  # the loss and the metric read 'output'
    assert (problem.code, problem.path) == ("missing-entry", "model")
    assert problem.message == "'target' is an output of the model and an entry of the samples of data.train."


def test_an_entry_that_is_known_late_is_refused_late(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    loaded = registry_core.load(pipeline(data={"train": {"dataset": "plain"}}, metrics=[]))
    message = "'output' is an output of the model 'mlp' and an entry of the batch."
    (problem,) = dry_run(make_plan(loaded)).problems
    assert (problem.code, problem.path, problem.message) == ("missing-entry", "model", message)
    with pytest.raises(RunError, match=message) as failed:
        registry_core.train(loaded, tmp_path / "run")
    assert failed.value.keys == ("model",)
