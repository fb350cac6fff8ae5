"""The modules of a built model, in the form in which declarations state them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from registry_core.components import ModuleFacts, Modules, TensorFacts
from registry_core.components.modules import joined


def facts_of(model: nn.Module) -> Modules:
    """The modules of a model with their own parameters and saved buffers, each module once."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return tuple(_facts(path, module, names) for path, module in model.named_modules())


def _facts(path: str, module: nn.Module, names: dict[int, str]) -> ModuleFacts:
    parameters = []
    for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
        known = names[id(parameter)]
        parameters.append(tensor_facts(name, parameter, "" if known == joined(path, name) else known))
    unsaved = module._non_persistent_buffers_set  # torch has no public way to distinguish them from saved buffers
    own: Iterable[tuple[str, torch.Tensor]] = module.named_buffers(recurse=False)
    buffers = tuple(tensor_facts(name, buffer) for name, buffer in own if name not in unsaved)
    classes = tuple(base.__name__ for base in type(module).__mro__ if base is not object)
    return ModuleFacts(path, classes, tuple(parameters), buffers)


def tensor_facts(name: str, tensor: torch.Tensor, shared_name: str = "") -> TensorFacts:
    """Shape and type of a tensor."""
    return TensorFacts(name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), shared_name)
