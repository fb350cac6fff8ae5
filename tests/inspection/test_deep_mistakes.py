"""What ``validate --deep`` says of what goes wrong at work: a sentence with a place, whatever a component raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from failing_components import POINTS

import registry_core
from registry_core.diagnostics.codes import CODES
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.inspection.dry_run.report import DryRun
from registry_core.planning.make import make_plan

CPU = {"epochs": 1, "device": "cpu"}


@pytest.fixture
def acme(distribution: Callable[..., Path]) -> None:
    distribution("acme", POINTS)


@pytest.fixture
def deep(pipeline: Callable[..., Path]) -> Callable[..., DryRun]:
    """The dry run of a changed pipeline."""

    def start(*, on_meta: bool = False, **changes: Any) -> DryRun:
        path = pipeline(**{"train": CPU, **changes})
        return dry_run(make_plan(registry_core.load(path)), on_meta=on_meta)

    return start


@pytest.mark.parametrize(
    ("changes", "path", "words", "code"),
    [
        ({"model": "mismatch"}, "model", "'spare' (Linear) of the model 'mismatch' of acme 1.0, called with 64 x", 2),
        ({"model": "attribute"}, "model", "AttributeError", 3),
        ({"model": "leaves"}, "model", "SystemExit: enough", 3),
        ({"model": "inplace"}, "", "inplace operation", 2),
        ({"model": "root"}, "train", "spare.weight", 2),
        ({"loss": "product"}, "loss", "output 64 x 10 float32, target 64 int64", 2),
        ({"loss": {"weighted_sum": {"losses": [{"loss": "cross_entropy"}, {"loss": "product"}]}}},
         "loss.weighted_sum.losses[1].loss", "'product'", 2),
        ({"loss": "counted"}, "loss", "cannot be differentiated", 2),
        ({"loss": "nothing"}, "loss", "is nan", 2),
        ({"loss": "one_way"}, "", "The backward pass (model 'mlp', loss 'one_way') failed", 3),
        ({"metrics": ["accuracy", "full"]}, "metrics[1]", "OSError: disk full", 3),
        ({"optim": {"optimizer": "stuck"}}, "optim.optimizer", "OSError: stuck", 3),
        ({"data__train": {"dataset": "gone"}}, "data.train.dataset", "OSError: no such file", 3),
        ({"data__val": {"dataset": "gone"}}, "data.val.dataset", "OSError: no such file", 3),
        ({"data__val__transforms": ["to_tensor", "spoil"]}, "data.val.transforms[1]", "OSError: spoilt", 3),
        ({"model": "rates", "on_meta": True}, "model", "cannot be built on the meta device", 2),
        ({"model": "looks", "on_meta": True}, "model", "cannot be run on the meta device", 2),
        ({"hooks": ["progress", "misfit"]}, "hooks[1]", "stpe", 3),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)  # fmt: skip  # one case a row
def test_mistakes_are_problems_with_a_place(
    deep: Callable[..., DryRun], acme: None, changes: dict[str, Any], path: str, words: str, code: int
) -> None:
    problems = deep(**changes).problems
    assert [problem.path for problem in problems if problem.path != "train"] == ([path] if path != "train" else [])
    problem = next(each for each in problems if each.path == path)
    assert words in problem.message
    assert problem.exit_code == code
    assert {each.code for each in problems} <= set(CODES)
    assert (problem.place is not None) == bool(path)
    assert "Traceback" not in str(problem)


@pytest.mark.parametrize(
    ("train", "path", "code"),
    [
        ({"device": "mps"}, "train.device", "device"),
        ({"precision": "fp16"}, "train.precision", "precision"),
    ],
)
def test_a_device_that_torch_does_not_find(
    deep: Callable[..., DryRun], monkeypatch: pytest.MonkeyPatch, train: dict[str, str], path: str, code: str
) -> None:
    for devices in (torch.cuda, torch.backends.mps):
        monkeypatch.setattr(devices, "is_available", lambda: False)
    (problem,) = deep(train=train).problems
    assert (problem.path, problem.code) == (path, code)
    assert problem.place is not None


def test_a_model_that_no_memory_holds(deep: Callable[..., DryRun]) -> None:
    (problem,) = deep(model={"mlp": {"size": 8, "hidden": [10_000_000_000_000], "num_classes": 10}}).problems
    assert (problem.path, problem.code, problem.exit_code) == ("model", "out-of-memory", 2)
    assert problem.message.startswith("The model 'mlp' of ")
    assert "2560000000000000 bytes" in problem.message


def test_components_that_cannot_be_built_have_a_place(deep: Callable[..., DryRun], acme: None) -> None:
    (problem,) = deep(model="unbuilt").problems
    assert (problem.path, problem.exit_code) == ("model", 3)
    layers = ["flatten", "unbuilt", {"linear": {"in_features": 64, "out_features": 10}}]
    (problem,) = deep(model={"sequential": {"input": [1, 8, 8], "layers": layers}}).problems
    assert "layer 'unbuilt' of acme 1.0 failed while it was built: OSError: gone" in problem.message
    assert problem.path == "model"
    assert problem.place is not None


def test_transforms_on_the_device_have_a_place(deep: Callable[..., DryRun], distribution: Callable[..., Path]) -> None:
    text = (
        "from typing import ClassVar\nfrom registry_core.components import Transform\n"
        "def _spoil(batch):\n    raise OSError('spoilt')\n"
        "def _bright(batch):\n    return {**batch, 'input': batch['input'] / batch['input'].max().item()}\n"
        "class OnDevice(Transform):\n    '''Spoil.'''\n    unit: ClassVar = 'batch'\n    on_device: ClassVar = True\n"
        "    image_only: ClassVar = False\n    def build(self):\n        return _spoil\n"
        "class Looking(OnDevice):\n    'Look at values.'\n    def build(self):\n        return _bright\n"
    )
    points = "[registry_core.v1.transforms]\non_device = acme_t:OnDevice\nlooking = acme_t:Looking\n"
    distribution("acme", points, modules={"acme_t": text})
    for on_meta in (False, True):
        (problem,) = deep(data__train__batch_transforms=["mixup", "on_device"], on_meta=on_meta).problems
        assert problem.path == "data.train.batch_transforms[1]"
        assert "OSError: spoilt" in problem.message
    found = deep(data__train__batch_transforms=["looking"], data__val__batch_transforms=["looking"], on_meta=True)
    assert found.problems == []  # they see values: the batch is moved to meta after them
