"""The plan as plain data, for programs."""

from __future__ import annotations

from typing import Any

from registry_core.components import Image
from registry_core.config import dump
from registry_core.planning.plan import Plan, SampleStep, SectionPlan


def plan_data(plan: Plan) -> dict[str, Any]:
    """The plan as plain data."""
    return {
        "sections": {name: _section_data(section) for name, section in plan.sections.items()},
        "epochs": plan.horizon.epochs if plan.horizon else plan.spec.train.epochs,
        "steps_per_epoch": plan.horizon.steps_per_epoch if plan.horizon else None,
        "total_steps": plan.horizon.total_steps if plan.horizon else None,
        "metrics": plan.metrics,
        "groups": [
            {"parameters": group.parameters, "modules": dump(group.modules), **group.options}
            for group in plan.spec.optim.groups
        ],
        "layer_decay": dump(plan.spec.optim.layer_decay),
        "parts": [
            {"name": part.name, "layer": part.layer, "shape": part.shape, "numbers": part.num_parameters}
            for part in plan.spec.model.layer_facts()
        ],
        "decisions": [{"about": d.about, "choice": d.choice, "reason": d.reason} for d in plan.decisions],
        "spec": dump(plan.spec),
    }


def _section_data(section: SectionPlan) -> dict[str, Any]:
    return {
        "samples": section.facts.length,
        "classes": section.facts.num_classes,
        "batch_size": section.batch_size,
        "batches": section.batches,
        "sampler": section.sampler.name,
        "steps": [_step_data(step) for step in section.steps],
    }


def _step_data(step: SampleStep) -> dict[str, Any]:
    views = {} if step.views == 1 else {"views": step.views}
    batch = {} if step.unit == "sample" else {"scope": step.unit, "on_device": step.on_device}
    return {"name": step.name, **_image_data(step.image), **views, **batch}


def _image_data(image: Image | None) -> dict[str, Any]:
    if image is None:
        return {"form": None}
    return {name: getattr(image, name) for name in ("form", "channels", "height", "width", "low", "high")}
