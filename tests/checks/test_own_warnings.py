"""Components of every kind warn about themselves, with the facts of the run, at their place in the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import registry_core
from registry_core.catalog import KINDS
from registry_core.components import CheckFailed, RunFacts
from registry_core.registry.registries import BY_KIND

DIGITS = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]}
SGD = {"sgd": {"lr": 0.1}}
LAYERS = ["flatten", "relu", {"linear": {"out_features": 10}}]

USES: dict[str, tuple[str, str, dict[str, Any], tuple[str | int, ...]]] = {
    "transform": ("to_tensor", "transform-effect", {}, ("data", "train", "transforms", 0)),
    "init": ("zeros", "component-warning", {"init": [{"modules": "Linear", "bias": "zeros"}]}, ("init", 0, "bias")),
    "loss": ("cross_entropy", "component-warning", {}, ("loss",)),
    "optimizer": ("sgd", "optimizer-values", {}, ("optim", "optimizer")),
    "scheduler": (
        "step",
        "schedule-course",
        {"optim": {"optimizer": SGD, "scheduler": {"step": {"step_size": 1}}}, "train": {"epochs": 3}},
        ("optim", "scheduler"),
    ),
    "dataset": ("digits", "component-warning", {}, ("data", "train", "dataset")),
    "sampler": (
        "sequential",
        "component-warning",
        {"data__train": {**DIGITS, "sampler": "sequential"}},
        ("data", "train", "sampler"),
    ),
    "model": ("mlp", "last-layer", {}, ("model",)),
    "layer": (
        "relu",
        "component-warning",
        {"model": {"sequential": {"input": [1, 8, 8], "layers": LAYERS}}},
        ("model", "sequential", "layers", 1),
    ),
    "metric": ("accuracy", "component-warning", {}, ("metrics", 0)),
    "hook": ("progress", "component-warning", {"hooks": ["progress"]}, ("hooks", 0)),
    "function": (
        "inverse_time_decay",
        "component-warning",
        {"optim": {"optimizer": SGD, "scheduler": {"lambda": {"lr_lambda": {"inverse_time_decay": {"rate": 1.0}}}}}},
        ("optim", "scheduler", "lambda", "lr_lambda"),
    ),
}


def test_every_kind_is_here() -> None:
    assert set(USES) == set(KINDS)


@pytest.mark.parametrize("kind", USES)
def test_a_component_warns_at_its_place(
    kind: str, pipeline: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, code, changes, keys = USES[kind]
    seen: list[RunFacts] = []

    def warnings(self: Any, facts: RunFacts) -> Sequence[CheckFailed]:
        seen.append(facts)
        return (CheckFailed(f"The {kind} {self.name!r} is wary.", "Choose another."),)

    path = pipeline(**{"data__val": None, "metrics": ["accuracy"], **changes})
    before = registry_core.load(path).warnings
    monkeypatch.setattr(BY_KIND[kind][name], "warnings", warnings)
    found = [problem for problem in registry_core.load(path).warnings if problem not in before]
    assert [(problem.keys, problem.code, problem.remedy) for problem in found] == [(keys, code, "Choose another.")]
    assert found[0].warning
    assert found[0].place is not None
    facts = seen[0]
    assert facts.horizon == registry_core.plan(registry_core.load(path)).horizon
    assert (facts.lr, facts.num_classes) == (0.1, 10)
    assert facts.image is not None
    assert (facts.image.form, facts.image.channels) == ("pil" if kind == "transform" else "float", 1)
