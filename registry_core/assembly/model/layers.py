"""The layers of a model in the order of definition, for learning rates that decay from layer to layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from registry_core.analysis.parameter_selection import layer_errors, layers_by_pattern
from registry_core.assembly.refusing import refuse

_LISTS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_NORMS = ("_NormBase", "LayerNorm", "GroupNorm", "RMSNorm", "LocalResponseNorm")


@dataclass(frozen=True)
class Layer:
    """A layer with the names of its parameters."""

    name: str
    parameters: tuple[str, ...]


def layers_of(model: nn.Module, patterns: tuple[str, ...] | None) -> list[Layer]:
    """The layers from first to last: by the patterns, or by the structure of the model.

    Raises PipelineError for patterns that match nothing and for parameters that no pattern matches.
    """
    if patterns is None:
        return _by_structure(model)
    names = [name for name, _ in model.named_parameters()]
    refuse(layer_errors(patterns, names), "parameter-group")
    return [Layer(*layer) for layer in layers_by_pattern(patterns, names)]


def _by_structure(model: nn.Module) -> list[Layer]:
    """Layers from blocks of lists and other children; norms and bare parameters belong to the preceding layer."""
    found: list[Layer] = []
    waiting: list[str] = []
    for name, parameters, on_its_own in _units(model, ""):
        if on_its_own:
            found.append(Layer(name, (*waiting, *parameters)))
            waiting = []
        elif found:
            found[-1] = Layer(found[-1].name, (*found[-1].parameters, *parameters))
        else:  # nothing precedes it: it joins the first layer
            waiting += parameters
    return [*found, Layer("all", tuple(waiting))] if waiting else found


def _units(module: nn.Module, prefix: str) -> Iterator[tuple[str, list[str], bool]]:
    """Each unit below a module: its name, its parameters, and True if it is a layer of its own."""
    bare = [f"{prefix}{name}" for name, _ in module.named_parameters(recurse=False)]
    if bare:
        yield prefix.rstrip("."), bare, False
    for name, child in module.named_children():
        path = f"{prefix}{name}"
        if isinstance(child, _LISTS):
            for item, block in child.named_children():
                yield from _unit(f"{path}.{item}", block)
        elif any(isinstance(part, _LISTS) for part in child.modules()):
            yield from _units(child, f"{path}.")
        else:
            yield from _unit(path, child)


def _unit(path: str, module: nn.Module) -> Iterator[tuple[str, list[str], bool]]:
    names = [f"{path}.{name}" for name, _ in module.named_parameters()]
    if names:
        yield path, names, not any(base.__name__ in _NORMS for base in type(module).__mro__)
