"""Pipelines of timm components are checked, trained, stopped and resumed."""

# A test's name says what it shows.
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pipelines import same, written

import registry_core
from registry_core import RegistryError

MODEL = {"timm_test_resnet": {"num_classes": 10, "in_chans": 1, "drop_rate": 0.1}}
OPTIM = {
    "optimizer": {"timm_lamb": {"lr": 0.02, "weight_decay": 0.02}},
    "scheduler": {"timm_cosine": {"t_initial": 5, "lr_min": 1e-5, "warmup": "1 epoch"}},
    "groups": [{"modules": ["BatchNorm2d"], "weight_decay": 0.0}],
}


def test_a_pipeline_learns_and_resumes_bit_for_bit(tmp_path: Path) -> None:
    path = written(tmp_path, model=MODEL, optim=OPTIM, train={"epochs": 6, "device": "cpu"})
    whole = registry_core.train(registry_core.load(path), tmp_path / "whole")
    assert whole.metrics["val/accuracy"] > 0.9
    registry_core.train(registry_core.load(path, ["train.max_steps=15"]), tmp_path / "parted")
    resumed = registry_core.resume(tmp_path / "parted", registry_core.load(path))
    assert (resumed.summary["guarantee"], resumed.position.step) == ("exact", 36)
    assert same(resumed.pipeline.model.state_dict(), whole.pipeline.model.state_dict())


def test_what_a_run_leaves_is_a_pipeline_that_trains_the_same(tmp_path: Path) -> None:
    """The resolved pipeline contains every default of the model."""
    path = written(
        tmp_path, model={"timm_test_vit": {"num_classes": 10, "in_chans": 1, "img_size": 8, "patch_size": 4}}
    )
    first = registry_core.train(registry_core.load(path), tmp_path / "first")
    again = registry_core.train(registry_core.load(tmp_path / "first" / "pipeline.json"), tmp_path / "again")
    assert same(again.pipeline.model.state_dict(), first.pipeline.model.state_dict())


def test_mistakes_are_found_before_the_run(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        model={"timm_vit_tiny_patch16_224": {"num_classes": 100}},
        optim={"optimizer": "timm_lions", "scheduler": {"timm_cosine": {"t_initial": 900}}},
    )
    with pytest.raises(RegistryError) as failed:
        registry_core.load(path)
    said = str(failed.value)
    assert "expects 3 input channels, but the image has 1" in said
    assert "Set in_chans to 1." in said
    assert "The optimizer 'timm_lions' is unknown. Did you mean 'timm_lion' or 'timm_lionc'?" in said
    path = written(tmp_path, model={"timm_vit_tiny_patch16_224": {"num_classes": 100, "in_chans": 1}})
    with pytest.raises(RegistryError) as failed:
        registry_core.load(path)
    said = str(failed.value)
    assert "expects 224 x 224 pixels, but the image has 8 x 8" in said
    path = written(tmp_path, model={"timm_test_resnet": {"num_classes": 100, "in_chans": 1}})
    with pytest.raises(RegistryError) as failed:
        registry_core.load(path)
    said = str(failed.value)
    assert "The model has 100 outputs, but data.train has 10 classes. Set num_classes to 10." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "model/timm_resnet18"), "default [2, 2, 2, 2]"),
        (("show", "optimizer/timm_lion"), "default [0.9, 0.99]"),
        (("show", "scheduler/timm_cosine"), "Needs: timm>="),
        (("list", "model"), "timm_resnet18 "),
    ],
)
def test_the_command_line(arguments: tuple[str, ...], said: str) -> None:
    done = subprocess.run([sys.executable, "-m", "registry_core", *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout
