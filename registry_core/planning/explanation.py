"""The plan in words, line by line: what ``registry-core plan`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry_core.components import written_shape
from registry_core.components.model import LayerFacts
from registry_core.planning.plan import Plan
from registry_core.planning.program import Operation, Place, SectionPlan

_PLACES: dict[Place, str] = {
    "worker": "in a loader worker",
    "training process": "in the training process",
    "device": "on the device",
}
_UNITS = {"sample": "sample by sample", "batch": "batch by batch"}


def plan_lines(plan: Plan) -> Iterator[str]:
    """The lines of a plan."""
    for section in plan.sections.values():
        yield from _section_lines(section)
    yield from _run_lines(plan)
    for group in plan.optim.groups:
        options = ", ".join(f"{name} {value}" for name, value in group.options.items())
        yield f"  parameters matching '{group.label}': {options}"
    if decay := plan.optim.layer_decay:
        yield f"  learning rate of a layer: {decay.factor:g} of the next one's"
    yield "decisions"
    for decision in plan.decisions:
        yield f"  {decision.about}: {decision.choice} ({decision.reason})"


def _section_lines(section: SectionPlan) -> Iterator[str]:
    samples = "? samples" if section.facts.length is None else f"{section.facts.length:,} samples"
    number = "?" if section.batches is None else f"{section.batches:,}"
    yield f"{section.section}: {samples}, {number} batches of {section.batch_size} an epoch, {section.sampler.name}"
    width = max(len(operation.name) for operation in section.operations)
    for stage in section.stages:
        yield f"  {_PLACES[stage.place]}, {_UNITS[stage.unit]}"
        for operation in stage.operations:
            yield f"    {operation.name:<{width}}  {_done(operation, section)}"


def _done(operation: Operation, section: SectionPlan) -> str:
    """The image after an operation, or what it does to batches."""
    if operation.action == "move":
        return "to the device of the model"
    many = "" if operation.views == 1 else f"{operation.views} x "
    if operation.action == "collate":
        return f"batches of {many}{section.batch_size}"
    return f"{many}{operation.image or 'known when it runs'}"


def _run_lines(plan: Plan) -> Iterator[str]:
    horizon, epochs = plan.horizon, plan.spec.train.epochs
    yield f"model: {plan.model.declared.name}, loss: {plan.spec.loss.name}, optimizer: {plan.optim.optimizer.name}"
    yield from _layer_lines(plan.model.declared.layer_facts())
    if horizon is None:
        yield f"run: {epochs} epochs; their length is known when the data are opened"
    else:
        steps = f"{horizon.steps_per_epoch:,} steps an epoch, {horizon.total_steps:,} in all"
        epochs_in_words = f"{horizon.epochs} epoch{'' if horizon.epochs == 1 else 's'}"
        yield f"run: {epochs_in_words}, {steps}, precision {plan.step.precision}"
    yield f"measured: {', '.join(plan.metrics)}"


def _layer_lines(layers: Sequence[LayerFacts]) -> Iterator[str]:
    names = max((len(layer.name) for layer in layers), default=0)
    types = max((len(layer.layer) for layer in layers), default=0)
    for layer in layers:
        shape = "known when it runs" if layer.shape is None else written_shape(layer.shape)
        parameters = f"  {layer.num_parameters:,} parameters" if layer.num_parameters else ""
        yield f"  {layer.name:<{names}}  {layer.layer:<{types}}  {shape}{parameters}"
