"""Every registered rewrite against the plan without it: over generated valid pipelines, and in whole runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valid_cases import make_files
from valid_pipelines import pipelines
from valid_transforms import TRANSFORMS
from yaml import safe_dump

import registry_core
from registry_core.assembly.pipeline import Pipeline, assemble, seed_everything
from registry_core.config.models import Rewrites
from registry_core.planning.plan import Plan
from registry_core.planning.rewrites.rewrite import Rewrite
from registry_core.planning.rewrites.table import REWRITES

NAMES = [rewrite.name for rewrite in REWRITES]
OFF = dict.fromkeys(NAMES, False)
WANTED = ["transform/to_tensor", "transform/normalize", *(f"transform/{name}" for name in TRANSFORMS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of data sets."""
    made = tmp_path_factory.mktemp("files")
    make_files(made)
    return made


def test_each_rewrite_has_its_switch() -> None:
    assert set(Rewrites.model_fields) == set(NAMES)
    assert len(NAMES) == len(set(NAMES))
    for rewrite in REWRITES:
        field = Rewrites.model_fields[rewrite.name]
        assert field.description
        assert field.default is (rewrite.equality != "stated tolerance"), "one with a tolerance is off unless asked for"


def batches_of(plan: Plan) -> dict[str, list[Any]]:
    """All batches of two epochs of every section, on the device."""
    pipeline = assemble(plan)
    seed_everything(plan.seed)
    return {name: list(_batches(pipeline, name)) for name in pipeline.loaders}


def _batches(pipeline: Pipeline, section: Any) -> Any:
    loader = pipeline.loaders[section]
    for epoch in (0, 1):
        for loaded in loader.batches(epoch):
            yield loader.executor.on_device(loaded.entries, loaded.request)


def equal(one: Any, other: Any) -> bool:
    """The same values, types, shapes and memory order."""
    if isinstance(one, torch.Tensor):
        same = type(one) is type(other) and one.dtype == other.dtype and one.stride() == other.stride()
        return same and torch.equal(one.nan_to_num(7.0), other.nan_to_num(7.0))
    if isinstance(one, dict):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


@pytest.mark.parametrize("rewrite", [each for each in REWRITES if each.equality == "same bits"], ids=lambda each: each.name)
@settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_batches_are_the_same_bits_with_a_rewrite_and_without(rewrite: Rewrite, folder: Path, data: Any) -> None:
    """Over generated valid pipelines; those to which it does not apply are drawn too, and must stay as they are."""
    drawn = data.draw(pipelines(folder, data.draw(st.sampled_from(WANTED))))
    plans = []
    for switches in ({**OFF, rewrite.name: True}, OFF):
        file = folder / "pipeline.yaml"
        file.write_text(safe_dump({**drawn, "data": {**drawn["data"], "rewrites": switches}}))
        plans.append(registry_core.plan(registry_core.load(file)))
    with_it, without = plans
    assert without.rewrites == ()
    assert with_it.rewrites == ((rewrite.name,) if _written(with_it) != _written(without) else ())
    found, expected = batches_of(with_it), batches_of(without)
    assert equal(found, expected), differing(found, expected)


def _written(plan: Plan) -> list[str]:
    """The lines of the plan about its sections."""
    return str(plan).split("model:")[0].splitlines()


def differing(found: Any, expected: Any) -> list[str]:
    """The entries of batches that differ."""
    return [
        f"{section}[{number}].{name}: {value!r}, without it: {other[name]!r}"
        for section, batches in expected.items()
        for number, (batch, other) in enumerate(zip(found[section], batches, strict=True))
        for name, value in batch.items()
        if not equal(value, other[name])
    ]


def test_the_property_test_sees_a_rewrite_that_changes_a_bit(pipeline: Callable[..., Path]) -> None:
    plan = registry_core.plan(registry_core.load(pipeline()))
    found, expected = batches_of(plan), batches_of(plan)
    assert equal(found, expected)
    image = found["train"][0]["input"]
    image.view(torch.int32)[0, 0, 0, 0] ^= 1
    assert not equal(found, expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_whole_run_ends_with_the_same_weights(pipeline: Callable[..., Path], tmp_path: Path, workers: int) -> None:
    transforms = [{"random_crop": {"size": 8, "padding": 1}}, "to_tensor", {"normalize": {"mean": [0.3], "std": [0.4]}}]
    section = {"dataset": {"digits": {"split": "train"}}, "transforms": transforms}
    runs = []
    for switches in ({}, OFF):
        path = pipeline(data__train=section, data__rewrites=switches, data__workers=workers, train={"max_steps": 30, "epochs": 2})
        runs.append(registry_core.train(registry_core.load(path), tmp_path / str(len(runs))))
    assert runs[0].pipeline.plan.rewrites == tuple(NAMES)
    assert runs[1].pipeline.plan.rewrites == ()
    first, second = (run.pipeline.model.state_dict() for run in runs)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_plan_says_what_is_rewritten_and_why(pipeline: Callable[..., Path]) -> None:
    path = pipeline()
    loaded = registry_core.load(path)
    told = str(registry_core.plan(loaded))
    assert "batch_trailing_transforms: to_tensor of train" in told
    assert "same bits; data.rewrites: {batch_trailing_transforms: false} turns it off" in told
    off = registry_core.load(path, ["data.rewrites.batch_trailing_transforms=false"])
    assert "batch_trailing_transforms" not in str(registry_core.plan(off))


def test_a_rewrite_that_does_not_exist_is_refused(pipeline: Callable[..., Path]) -> None:
    with pytest.raises(registry_core.PipelineError) as refused:
        registry_core.load(pipeline(data__rewrites={"batch_trailing_transform": False}))
    (problem,) = refused.value.problems
    assert "batch_trailing_transforms" in str(problem)
    assert problem.keys == ("data", "rewrites", "batch_trailing_transform")
