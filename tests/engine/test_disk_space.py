"""The room that checkpoints need: what is said before a run is what the run writes."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.optim.optimizer import register_optimizer_step_pre_hook

import registry_core
from registry_core.assembly.pipeline import Pipeline, assemble
from registry_core.components import Horizon
from registry_core.diagnostics import RunError
from registry_core.engine.disk import DiskNeed, disk_need, optimizer_state_bytes
from registry_core.engine.memory import stored_bytes
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.planning.make import make_plan
from registry_core.registry import registries

Usage = namedtuple("Usage", "total used free")
CPU = {"epochs": 3, "device": "cpu"}


@pytest.fixture
def built(pipeline: Callable[..., Path]) -> Callable[..., Pipeline]:
    def build(**changes: Any) -> Pipeline:
        return assemble(make_plan(registry_core.load(pipeline(**{"train": CPU, **changes}))))

    return build


def needed(pipeline: Pipeline) -> DiskNeed:
    state = optimizer_state_bytes(pipeline)
    assert state is not None
    return disk_need(pipeline, Path("runs"), state)


def tensors_on_disk(checkpoint: Path) -> int:
    """The bytes of all tensors in a checkpoint's files."""
    files = [load_file(path) for path in checkpoint.glob("*.safetensors")]
    return sum(value.numel() * value.element_size() for tensors in files for value in tensors.values())


@pytest.mark.parametrize(
    "optimizer",
    [{"sgd": {"lr": 0.1}}, {"sgd": {"lr": 0.1, "momentum": 0.9}}, {"adam": {}}, {"adamw": {"fused": True}}, "adagrad",
     "rmsprop", "nadam", {"adam": {"amsgrad": True}}],
    ids=str,
)  # fmt: skip  # short cases
@pytest.mark.parametrize("ema", [None, {"decay": 0.9}])
def test_the_size_of_a_checkpoint_is_known_before_the_first_step(
    pipeline: Callable[..., Path], tmp_path: Path, optimizer: Any, ema: Any
) -> None:
    changes = {"optim": {"optimizer": optimizer}, "train": {"max_steps": 2, "device": "cpu", "ema": ema}}
    plan = make_plan(
        registry_core.load(pipeline(**changes, model={"mlp": {"size": 8, "hidden": [128, 64], "num_classes": 10}}))
    )
    before = needed(assemble(plan)).checkpoint
    result = registry_core.train(plan, tmp_path / "run")
    (checkpoint,) = (result.directory / "checkpoints").glob("step-*")
    there = tensors_on_disk(checkpoint)
    assert before <= there <= before + 16  # the sum of the losses, and the like
    found = dry_run(plan, out=tmp_path)
    assert found.disk is not None
    assert found.disk.checkpoint == before
    whole = sum(path.stat().st_size for path in checkpoint.iterdir())
    assert whole / before == pytest.approx(1, abs=0.4)  # the rest is text


def test_parameters_that_train_later_are_counted(pipeline: Callable[..., Path]) -> None:
    """The checkpoint at the end has the state of all; the frozen for good have none."""
    freeze = {"freeze": [".*weight"], "unfreeze": [{"parameters": ".*weight", "after": "1 epoch"}]}
    model = {"mlp": {"size": 8, "hidden": [16], "num_classes": 10}}
    sizes = []
    for finetune in (None, freeze, {"freeze": [".*weight"]}):
        plan = make_plan(registry_core.load(pipeline(train=CPU, model=model, finetune=finetune)))
        found = dry_run(plan)
        assert found.disk is not None
        sizes.append(found.disk.checkpoint)
    assert sizes[0] == sizes[1] == sizes[2] + 4 * (64 * 16 + 16 * 10)


def test_nobody_sees_how_the_size_is_found(pipeline: Callable[..., Path], distribution: Callable[..., Path]) -> None:
    text = (
        "import torch\nclass Draws(torch.optim.SGD):\n    def __init__(self, params, lr: float = 0.1):\n"
        "        super().__init__(params, lr=lr)\n        torch.rand(3)\n"
    )
    distribution("acme", "[registry_core.v1.optimizers]\ndraws = acme_d:Draws\n", modules={"acme_d": text})
    built = assemble(make_plan(registry_core.load(pipeline(train=CPU, optim={"optimizer": "draws"}))))
    before = torch.get_rng_state()
    heard: list[object] = []
    handle = register_optimizer_step_pre_hook(lambda *_: heard.append(1))
    assert optimizer_state_bytes(built) == 0
    handle.remove()
    assert torch.equal(torch.get_rng_state(), before)
    assert heard == []


def test_optimizers_that_tell_nothing_before_they_step(built: Callable[..., Pipeline]) -> None:
    pipeline = built(optim={"optimizer": {"lbfgs": {}}})
    assert optimizer_state_bytes(pipeline) is None
    need = disk_need(pipeline, Path("runs"), None)
    assert str(need).startswith("at least ")


@pytest.mark.parametrize(
    ("parameters", "horizon", "kept"),
    [
        ({}, Horizon(10, 5, 50), 2),
        ({"keep": 3}, Horizon(10, 5, 50), 3),
        ({"keep": 3, "best": "val/loss"}, Horizon(10, 5, 50), 4),
        ({"keep": 3}, Horizon(1, 5, 5), 1),
        ({"keep": 3, "every": "20 steps"}, Horizon(10, 5, 50), 2),
        ({"keep": 3, "every": "4 epochs"}, Horizon(3, 5, 15), 0),
    ],
)
def test_how_many_the_hook_keeps(parameters: dict[str, Any], horizon: Horizon, kept: int) -> None:
    declared: Any = registries.hooks["checkpoint"].model_validate(parameters)
    assert declared.max_checkpoints(horizon) == kept


@pytest.mark.parametrize("keep", [1, 2])
@pytest.mark.parametrize("best", [None, "val/loss"])
def test_a_run_never_has_more_checkpoints_than_planned(
    pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: int, best: str | None
) -> None:
    hook = {"checkpoint": {"keep": keep, "best": best, "every": "2 steps"}}
    plan = make_plan(registry_core.load(pipeline(train={"epochs": 2, "device": "cpu"}, hooks=[hook])))
    most = 0
    rename = Path.rename

    def counted(path: Path, target: Path) -> Path:
        nonlocal most
        most = max(most, len(list(path.parent.glob("step-*"))))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", counted)
    registry_core.train(plan, tmp_path / "run")
    copies = needed(assemble(plan)).copies
    assert copies == keep + (best is not None) + 1
    assert most <= copies
    assert most >= keep + 1


def test_a_disk_that_is_too_small(
    pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(registry_core.load(pipeline(train=CPU, hooks=[{"checkpoint": {"keep": 2}}])))
    need = needed(assemble(plan))
    assert (need.copies, need.bytes) == (3, 3 * need.checkpoint)
    asked = []

    def usage(path: Any, free: int) -> Usage:
        asked.append(path)
        return Usage(10**9, 0, free)

    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(path, need.bytes - 1))
    out = tmp_path / "deep" / "run"
    with pytest.raises(RunError, match=r"too small for the checkpoints of this run: 3 at a time.*Free") as no:
        registry_core.train(plan, out)
    assert str(tmp_path) in str(no.value)
    assert no.value.exit_code == 5
    assert asked == [out]
    assert not out.parent.exists()
    found = dry_run(plan, out=out)
    assert [(warning.code, warning.message[:11]) for warning in found.warnings] == [("disk-space", "The disk of")]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(path, need.bytes))
    assert registry_core.train(plan, out).position.epoch == 3
    assert dry_run(plan, out=out).warnings == []


def test_what_a_run_has_already_is_not_needed_again(
    pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pipeline(train=CPU, hooks=[{"checkpoint": {"keep": 2}}])
    plan = make_plan(registry_core.load(path))
    need = needed(assemble(plan))
    registry_core.train(plan, tmp_path / "run")
    longer = registry_core.load(path, ["train.epochs=4"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, need.checkpoint - 1))
    with pytest.raises(RunError, match="one, which needs"):
        registry_core.resume(tmp_path / "run", longer)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, need.checkpoint))
    assert registry_core.resume(tmp_path / "run", longer).position.epoch == 4


def test_sparse_state_is_counted_as_it_is_stored() -> None:
    sparse = torch.sparse_coo_tensor([[0, 3]], [1.0, 2.0], (1000,), check_invariants=True)
    assert stored_bytes([sparse, torch.zeros(5), torch.zeros(10)[::2]]) == 2 * 8 + 2 * 4 + 20 + 20
