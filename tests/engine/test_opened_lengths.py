"""Where only the opened data show the length of a run, its checks and warnings come at the start of the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import registry_core
from registry_core.diagnostics import PipelineError

MODULES = {
    "acme_data": '''
from registry_builtin.objects.digits import Digits


class Opened:
    """Digits whose number shows when they are opened."""

    def __init__(self):
        self.digits = Digits("val")

    def __len__(self):
        return 32

    def __getitem__(self, index):
        return self.digits[index]
'''
}
DATA = {"dataset": "opened", "transforms": ["to_tensor"]}


@pytest.fixture
def loaded(distribution: Callable[..., Path], pipeline: Callable[..., Path]) -> Callable[..., registry_core.Loaded]:
    """Load a pipeline of such data."""

    def load(**changes: Any) -> registry_core.Loaded:
        return registry_core.load(pipeline(data__train=DATA, data__batch_size=8, data__val=None, **changes))

    distribution("acme", "[registry_core.v1.datasets]\nopened = acme_data:Opened\n", modules=MODULES)
    return load


def test_warnings_about_the_length_come_when_it_is_known(
    loaded: Callable[..., registry_core.Loaded], tmp_path: Path
) -> None:
    optim = {"optimizer": {"sgd": {"lr": 0.1}}, "scheduler": {"step": {"step_size": 9}}}
    hooks = [{"checkpoint": {"every": "50 steps"}}]
    pipeline = loaded(optim=optim, train={"epochs": 3}, hooks=hooks)
    assert pipeline.warnings == ()
    told: list[str] = []
    registry_core.train(pipeline, tmp_path / "run", tell=told.append)
    assert sorted(text.partition("\n")[0].rpartition("[")[2] for text in told) == ["beyond-run]", "schedule-course]"]
    assert any("step_size is 9 epochs and the run has 3 epochs" in text for text in told)


def test_errors_about_the_length_come_when_it_is_known(
    loaded: Callable[..., registry_core.Loaded], tmp_path: Path
) -> None:
    scheduler = {"one_cycle": {"max_lr": 0.01, "total_steps": 5, "cycle_momentum": False}}
    optim = {"optimizer": "sgd", "scheduler": scheduler}
    with pytest.raises(PipelineError, match="total_steps is 5, but the run has 12 optimizer steps"):
        registry_core.train(loaded(optim=optim, train={"epochs": 3}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
