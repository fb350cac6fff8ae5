"""The plan as plain data, for programs."""

from __future__ import annotations

from typing import Any

from registry_core.components import Image
from registry_core.config import dump
from registry_core.planning.plan import Plan
from registry_core.planning.program import Operation, SectionPlan, Stage


def plan_data(plan: Plan) -> dict[str, Any]:
    """The plan as plain data."""
    return {
        "sections": {name: _section_data(section) for name, section in plan.sections.items()},
        "epochs": plan.horizon.epochs if plan.horizon else plan.spec.train.epochs,
        "steps_per_epoch": plan.horizon.steps_per_epoch if plan.horizon else None,
        "total_steps": plan.horizon.total_steps if plan.horizon else None,
        "metrics": dict(plan.metrics),
        "groups": [
            {"parameters": group.parameters, "modules": dump(group.modules), **group.options}
            for group in plan.optim.groups
        ],
        "layer_decay": dump(plan.optim.layer_decay),
        "layers": [
            {"name": layer.name, "layer": layer.layer, "shape": layer.shape, "parameters": layer.num_parameters}
            for layer in plan.model.layers
        ],
        "decisions": [decision._asdict() for decision in plan.decisions],
        "rewrites": list(plan.rewrites),
        "spec": dump(plan.spec),
    }


def _section_data(section: SectionPlan) -> dict[str, Any]:
    return {
        "samples": section.facts.length,
        "classes": section.facts.num_classes,
        "batch_size": section.batch_size,
        "batches": section.batches,
        "sampler": section.sampler.name,
        "stages": [_stage_data(stage) for stage in section.stages],
    }


def _stage_data(stage: Stage) -> dict[str, Any]:
    operations = [_operation_data(operation) for operation in stage.operations]
    return {"place": stage.place, "unit": stage.unit, "operations": operations}


def _operation_data(operation: Operation) -> dict[str, Any]:
    views = {} if operation.views == 1 else {"views": operation.views}
    form = {"batch_form": True} if operation.batch_form else {}
    return {"action": operation.action, "name": operation.name, **_image_data(operation.image), **views, **form}


def _image_data(image: Image | None) -> dict[str, Any]:
    if image is None:
        return {"form": None}
    return {name: getattr(image, name) for name in ("form", "channels", "height", "width", "low", "high")}
