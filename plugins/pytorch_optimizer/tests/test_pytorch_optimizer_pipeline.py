"""Pipelines on the packaged digits are trained and resumed bit for bit, and mistakes are reported."""

# A test's name says what it shows.
from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import registry_core
from registry_core.components import CheckFailed, ParameterFacts
from registry_core.diagnostics import InvalidParameters, PipelineError
from registry_core.registry import registries

SECTION = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]}
PIPELINE: dict[str, Any] = {
    "version": 1,
    "data": {"train": SECTION, "val": SECTION, "batch_size": 64},
    "model": {"mlp": {"size": 8, "hidden": [16], "num_classes": 10}},
    "loss": "cross_entropy",
    "optim": {},
    "train": {"epochs": 2, "device": "cpu"},
    "metrics": ["accuracy"],
}

OPTIMS: dict[str, dict[str, Any]] = {
    "soap": {"optimizer": {"pytorch_optimizer_soap": {"lr": 0.01, "precondition_frequency": 2}}},
    "kron": {"optimizer": {"pytorch_optimizer_kron": {"lr": 0.05}}},
    "emonavi": {"optimizer": {"pytorch_optimizer_emonavi": {"lr": 0.01}}},
    "galore": {"optimizer": {"pytorch_optimizer_galore": {"lr": 0.01, "rank": 4, "update_proj_gap": 4}}},
    "muon": {
        "optimizer": {"pytorch_optimizer_muon": {"lr": 0.02, "adamw_lr": 0.01}},
        "groups": [{"parameters": ".*bias", "use_muon": False}],
    },
}


def written(folder: Path, optim: dict[str, Any], **train: Any) -> Path:
    data = copy.deepcopy(PIPELINE)
    data["optim"] = optim
    data["train"].update(train)
    path = folder / "pipeline.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", OPTIMS)
def test_a_run_that_stopped_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    file = written(tmp_path, OPTIMS[name])
    whole = registry_core.train(registry_core.load(file), tmp_path / "whole")
    registry_core.train(registry_core.load(file, ["train.max_steps=7"]), tmp_path / "stopped")
    resumed = registry_core.resume(tmp_path / "stopped", registry_core.load(file))
    assert resumed.position == whole.position
    assert resumed.summary["guarantee"] == "exact"
    left, right = whole.pipeline.model.state_dict(), resumed.pipeline.model.state_dict()
    assert all(torch.equal(left[key], right[key]) for key in left)
    assert whole.metrics["train/loss"] < 2.3  # the loss of guessing


def problems(path: Path) -> str:
    with pytest.raises(PipelineError) as caught:
        registry_core.load(path)
    return str(caught.value)


def test_a_value_out_of_range_is_refused_before_the_run(tmp_path: Path) -> None:
    said = problems(written(tmp_path, {"optimizer": {"pytorch_optimizer_lion": {"betas": [0.9, 1.5]}}}))
    assert "optim.optimizer.pytorch_optimizer_lion.betas" in said


def test_a_parameter_that_the_optimizer_lacks_is_refused(tmp_path: Path) -> None:
    said = problems(written(tmp_path, {"optimizer": {"pytorch_optimizer_lion": {"momentun": 0.9}}}))
    assert "momentun" in said


def test_ranger21_asks_for_the_length_of_the_run(tmp_path: Path) -> None:
    assert "num_iterations" in problems(written(tmp_path, {"optimizer": "pytorch_optimizer_ranger21"}))


def test_a_bias_without_a_group_of_its_own_is_refused_by_muon(tmp_path: Path) -> None:
    file = written(tmp_path, {"optimizer": "pytorch_optimizer_muon"})
    with pytest.raises(PipelineError, match=r"with at least 2 dimensions, unlike .*bias.*`use_muon: false`"):
        registry_core.train(registry_core.load(file), tmp_path / "run")


def test_an_option_that_holds_for_all_parameters_is_refused_in_a_group(tmp_path: Path) -> None:
    optim = {"optimizer": "pytorch_optimizer_lion", "groups": [{"parameters": ".*bias", "maximize": True}]}
    with pytest.raises(InvalidParameters, match="'maximize' of the optimizer 'pytorch_optimizer_lion' applies to all"):
        registry_core.train(registry_core.load(written(tmp_path, optim)), tmp_path / "run")


def test_shapes_and_sparse_gradients_are_checked() -> None:
    spectral = registries.optimizers["pytorch_optimizer_spectralsphere"]()
    with pytest.raises(CheckFailed, match=r"2 dimensions, unlike conv \[4, 3, 3, 3\]"):
        spectral.check_parameters([ParameterFacts("fc", (3, 3), False), ParameterFacts("conv", (4, 3, 3, 3), False)])
    with pytest.raises(CheckFailed, match="does not support sparse gradients, but 'embedding' would have them"):
        spectral.check_parameters([ParameterFacts("embedding", (3, 3), True)])


def test_another_version_without_the_optimizer_or_an_option_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytorch_optimizer.optimizer import OPTIMIZERS

    weights = [nn.Parameter(torch.ones(2))]
    declared: Any = registries.optimizers["pytorch_optimizer_lion"]()
    monkeypatch.setitem(OPTIMIZERS, "lion", torch.optim.SGD)
    with pytest.raises(CheckFailed, match="has no option 'betas' of the optimizer 'lion'"):
        declared.build(weights)
    monkeypatch.delitem(OPTIMIZERS, "lion")
    with pytest.raises(CheckFailed, match="has no optimizer 'lion'") as caught:
        declared.build(weights)
    assert caught.value.remedy == "Run: pip install 'pytorch_optimizer==4.1.0'"
