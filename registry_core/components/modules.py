"""The modules and parameters of a model as it declares them before it is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


class TensorFacts(NamedTuple):
    """A parameter or a buffer of a module, or a tensor of a file."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    """The dtype by torch's name."""
    shared_name: str = ""
    """The first name of a parameter that several modules share, in all but the first of them."""


class ModuleFacts(NamedTuple):
    """A module as ``named_modules`` of the built model has it."""

    path: str
    """Its name in the model; empty for the model itself."""
    classes: tuple[str, ...]
    """The names of its class and of the base classes, in method resolution order: Conv2d, _ConvNd, Module."""
    parameters: tuple[TensorFacts, ...] = ()
    """Its own parameters, not those of its child modules."""
    buffers: tuple[TensorFacts, ...] = ()
    """Its own buffers that are saved with the weights."""

    def named_parameters(self) -> Iterator[tuple[str, TensorFacts]]:
        """Its parameters by their names in the model."""
        for parameter in self.parameters:
            yield parameter.shared_name or joined(self.path, parameter.name), parameter


Modules = tuple[ModuleFacts, ...]
"""The modules of a model or layer in the order of ``named_modules``: itself, then each child with its own children."""


def joined(path: str, name: str) -> str:
    """The full name in a model of a parameter or module ``name`` of the module at ``path``."""
    return f"{path}.{name}" if path and name else path or name


def assembled(
    classes: Sequence[str],
    children: Mapping[str, Modules | None],
    parameters: tuple[TensorFacts, ...] = (),
    buffers: tuple[TensorFacts, ...] = (),
) -> Modules | None:
    """A module of these classes (``Module`` is added) with its children in their order; None if one is not known."""
    found = [ModuleFacts("", (*classes, "Module"), parameters, buffers)]
    for name, modules in children.items():
        if modules is None:
            return None
        found += [_moved(name, module) for module in modules]
    return tuple(found)


def _moved(path: str, module: ModuleFacts) -> ModuleFacts:
    parameters = module.parameters
    if any(parameter.shared_name for parameter in parameters):
        parameters = tuple(p._replace(shared_name=p.shared_name and joined(path, p.shared_name)) for p in parameters)
    return ModuleFacts(joined(path, module.path), module.classes, parameters, module.buffers)


def parameter_shapes(modules: Modules) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter by its name, in the order of ``named_parameters``."""
    found: dict[str, tuple[int, ...]] = {}
    for module in modules:
        for name, parameter in module.named_parameters():
            found.setdefault(name, parameter.shape)
    return found


def saved_tensors(modules: Modules) -> dict[str, TensorFacts]:
    """The parameters and buffers by their names in a weights file, in the order of ``state_dict``."""
    return {
        joined(module.path, tensor.name): tensor
        for module in modules
        for tensor in (*module.parameters, *module.buffers)
    }
