"""The plan is the program: what is replaced in it or left out of it is so in the run, and in what `plan` prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from registry_builtin.transforms.conversions import Normalize

import registry_core
from registry_core.assembly.pipeline import assemble
from registry_core.planning.plan import Plan
from registry_core.planning.program import Operation, Place, SectionPlan, Stage
from registry_core.planning.rewrites.table import REWRITES

TRANSFORMS = [{"random_crop": {"size": 8, "padding": 1}}, "to_tensor", {"normalize": {"mean": [0.3], "std": [0.4]}}]
SHORT = {"max_steps": 3, "device": "cpu"}


@pytest.fixture(params=[True, False], ids=["rewritten", "as written"])
def plan(pipeline: Callable[..., Path], request: pytest.FixtureRequest) -> Plan:
    """A plan of a short run, with the rewrites on and off."""
    data = {"dataset": {"digits": {"split": "train"}}, "transforms": TRANSFORMS}
    switches = {rewrite.name: request.param for rewrite in REWRITES}
    path = pipeline(data__train=data, data__rewrites=switches, train=SHORT)
    return registry_core.plan(registry_core.load(path))


def with_train(plan: Plan, section: SectionPlan) -> Plan:
    return replace(plan, sections={**plan.sections, "train": section})


def first_images(plan: Plan) -> Any:
    loader = assemble(plan).loaders["train"]
    loaded = next(loader.batches(0))
    return loader.executor.on_device(loaded.entries, loaded.request)["input"]


def test_the_stages_that_run_are_those_of_the_plan(plan: Plan) -> None:
    """Their order, their places and their units: the assembled operations are built of the plan's very objects."""
    for name, loader in assemble(plan).loaders.items():
        stages = plan.sections[name].stages
        assert [stage.unit for stage in stages] == ["sample", "batch", "batch"]
        executor = loader.executor
        of_stages = (executor.of_samples, executor.of_batches, executor.on_device_operations)
        for stage, assembled in zip(stages, of_stages, strict=True):
            assert [operation.action for operation in stage.operations] == [each.action for each in assembled]
            for operation, built in zip(stage.operations, assembled, strict=True):
                assert (operation.transform is None) == (built.transform is None)
                if built.transform is not None:
                    assert built.transform.keys == operation.keys
                    assert built.transform.random_key == operation.random_key
                    assert (built.transform.batch_form is not None) == operation.batch_form


def test_what_is_printed_are_the_stages(plan: Plan) -> None:
    without = with_train(plan, plan.sections["train"].with_operations(lambda operation: operation.name != "normalize"))
    before, after = str(plan).splitlines(), str(without).splitlines()
    at = before.index(next(line for line in before if line.strip().startswith("normalize")))
    assert before[:at] + before[at + 1 :] == after


def test_an_operation_that_is_removed_does_not_run(plan: Plan, tmp_path: Path) -> None:
    images = first_images(plan)
    without = with_train(plan, plan.sections["train"].with_operations(lambda operation: operation.name != "normalize"))
    assert torch.equal(images, (first_images(without) - 0.3) / 0.4)
    weights = [
        registry_core.train(each, tmp_path / name).pipeline.model for each, name in ((plan, "a"), (without, "b"))
    ]
    assert not all(torch.equal(a, b) for a, b in zip(*(model.parameters() for model in weights), strict=True))


def test_an_operation_that_is_replaced_runs_as_the_other(plan: Plan) -> None:
    other = Normalize(mean=(0.1,), std=(0.2,)).with_record("normalize", None)

    def replaced(operation: Operation) -> Operation:
        return replace(operation, transform=other) if operation.name == "normalize" else operation

    section = plan.sections["train"]
    stages = tuple(replace(stage, operations=tuple(map(replaced, stage.operations))) for stage in section.stages)
    before = first_images(plan) * 0.4 + 0.3
    torch.testing.assert_close(first_images(with_train(plan, replace(section, stages=stages))), (before - 0.1) / 0.2)


@pytest.mark.parametrize("place", ["training process", "device"])
def test_a_stage_runs_where_the_plan_says(plan: Plan, place: Place) -> None:
    """A transform of batches that the plan moves to the device is applied there, after the batch was moved."""
    section = plan.sections["train"]
    kept = section.with_operations(lambda operation: operation.name != "normalize")
    normalize = next(each for each in section.operations if each.name == "normalize")
    moved = replace(normalize, transform=normalize.transform, batch_form=False)
    stage = Stage(place, "batch", (moved,))
    at = len(kept.stages) if place == "device" else len(kept.stages) - 1
    changed = replace(kept, stages=(*kept.stages[:at], stage, *kept.stages[at:]))
    executor = assemble(with_train(plan, changed)).loaders["train"].executor
    where = executor.on_device_operations if place == "device" else executor.of_batches
    assert [each.transform.name for each in where if each.transform][-1:] == ["normalize"]


def test_decisions_of_the_step_are_those_of_the_plan(plan: Plan) -> None:
    """Assembly takes clipping, accumulation, averages and activations from the plan, not from the spec."""
    changed = replace(plan, step=replace(plan.step, ema_decay=0.5, weights_channels_last=True, compile=False))
    built = assemble(changed)
    assert plan.spec.train.ema is None
    assert built.averaged is not None
    (term,) = plan.step.terms
    with_activation = replace(plan, step=replace(plan.step, terms=(term._replace(activation="sigmoid"),)))
    outputs, targets = torch.randn(4, 10), torch.tensor([0, 1, 2, 3])
    values = {"output": outputs, "target": targets}
    expected = torch.nn.functional.cross_entropy(outputs.sigmoid(), targets)
    torch.testing.assert_close(assemble(with_activation).loss(values).mean, expected)
    torch.testing.assert_close(assemble(plan).loss(values).mean, torch.nn.functional.cross_entropy(outputs, targets))


def test_a_run_follows_the_steps_of_its_plan(plan: Plan, tmp_path: Path) -> None:
    """A plan that accumulates two batches a step trains as a file does that says so; the spec of the plan says one."""
    changed = replace(plan, step=replace(plan.step, accumulate=2))
    spec = plan.spec.model_copy(update={"train": plan.spec.train.model_copy(update={"accumulate": 2})})
    models = [registry_core.train(each, tmp_path / name) for each, name in ((changed, "plan"), (spec, "spec"))]
    one = registry_core.train(plan, tmp_path / "one").pipeline.model.state_dict()
    first, second = (result.pipeline.model.state_dict() for result in models)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], one[name]) for name in first)
