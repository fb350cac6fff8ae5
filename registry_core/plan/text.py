"""The plan as text for people, and as data for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from registry_core.plan.plan import Plan, SectionPlan
from registry_core.spec import dump


def plan_text(plan: Plan) -> str:
    """The plan in lines of text."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    for section in plan.sections.values():
        yield from _section_lines(section)
    yield from _run_lines(plan)
    for group in plan.spec.optim.groups:
        options = ", ".join(f"{name} {value}" for name, value in group.options.items())
        yield f"  parameters matching {group.parameters!r}: {options}"
    yield "decisions"
    for decision in plan.decisions:
        yield f"  {decision.about}: {decision.choice} ({decision.reason})"


def _section_lines(section: SectionPlan) -> Iterator[str]:
    samples = "? samples" if section.facts.length is None else f"{section.facts.length:,} samples"
    number = "?" if section.batches is None else f"{section.batches:,}"
    yield f"{section.section}: {samples}, {number} batches of {section.batch_size} an epoch, {section.sampler.name}"
    width = max(len(step.name) for step in section.steps)
    for step in section.steps:
        yield f"  {step.name:<{width}}  {step.image or 'known when it runs'}"


def _run_lines(plan: Plan) -> Iterator[str]:
    spec, horizon = plan.spec, plan.horizon
    yield f"model: {spec.model.name}, loss: {spec.loss.name}, optimizer: {spec.optim.optimizer.name}"
    if horizon is None:
        yield f"run: {spec.train.epochs} epochs; their length is known when the data are opened"
    else:
        steps = f"{horizon.steps_per_epoch:,} steps an epoch, {horizon.total_steps:,} in all"
        epochs = f"{horizon.epochs} epoch{'' if horizon.epochs == 1 else 's'}"
        yield f"run: {epochs}, {steps}, precision {spec.train.precision}"
    yield f"measured: {', '.join(plan.metrics)}"


def plan_data(plan: Plan) -> dict[str, Any]:
    """The plan as plain data."""
    return {
        "sections": {name: _section_data(section) for name, section in plan.sections.items()},
        "epochs": plan.horizon.epochs if plan.horizon else plan.spec.train.epochs,
        "steps_per_epoch": plan.horizon.steps_per_epoch if plan.horizon else None,
        "total_steps": plan.horizon.total_steps if plan.horizon else None,
        "metrics": plan.metrics,
        "groups": [{"parameters": group.parameters, **group.options} for group in plan.spec.optim.groups],
        "decisions": [{"about": d.about, "choice": d.choice, "reason": d.reason} for d in plan.decisions],
        "spec": dump(plan.spec),
    }


def _section_data(section: SectionPlan) -> dict[str, Any]:
    return {
        "samples": section.facts.length,
        "classes": section.facts.classes,
        "batch_size": section.batch_size,
        "batches": section.batches,
        "sampler": section.sampler.name,
        "steps": [{"name": step.name, **_image_data(step.image)} for step in section.steps],
    }


def _image_data(image: Any) -> dict[str, Any]:
    if image is None:
        return {"form": None}
    return {name: getattr(image, name) for name in ("form", "channels", "height", "width", "low", "high")}
