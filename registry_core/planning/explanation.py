"""The plan in words, line by line, as ``registry-core plan`` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry_core.components import written_shape
from registry_core.components.model import LayerFacts
from registry_core.planning.program import Operation, Place, SectionPlan

_PLACES: dict[Place, str] = {
    "worker": "in a loader worker",
    "training process": "in the training process",
    "device": "on the device",
}
_UNITS = {"sample": "sample by sample", "batch": "batch by batch"}


def section_lines(section: SectionPlan) -> Iterator[str]:
    """The program of a section, stage by stage."""
    samples = "? samples" if section.facts.length is None else f"{section.facts.length:,} samples"
    number = "?" if section.batches is None else f"{section.batches:,}"
    yield f"{section.section}: {samples}, {number} batches of {section.batch_size} an epoch, {section.sampler.name}"
    width = max(len(operation.name) for operation in section.operations)
    for stage in section.stages:
        yield f"  {_PLACES[stage.place]}, {_UNITS[stage.unit]}"
        for operation in stage.operations:
            yield f"    {operation.name:<{width}}  {_done(operation, section)}"


def _done(operation: Operation, section: SectionPlan) -> str:
    """The image after an operation, or its effect on batches."""
    if operation.action == "move":
        return "to the device of the model"
    many = "" if operation.views == 1 else f"{operation.views} x "
    if operation.action == "collate":
        return f"batches of {many}{section.batch_size}"
    return f"{many}{operation.image or 'known when it runs'}"


def layer_lines(layers: Sequence[LayerFacts]) -> Iterator[str]:
    """The layers of the model, each with its shape and parameters."""
    names = max((len(layer.name) for layer in layers), default=0)
    types = max((len(layer.layer) for layer in layers), default=0)
    for layer in layers:
        shape = "known when it runs" if layer.shape is None else written_shape(layer.shape)
        parameters = f"  {layer.num_parameters:,} parameters" if layer.num_parameters else ""
        yield f"  {layer.name:<{names}}  {layer.layer:<{types}}  {shape}{parameters}"
