"""Modules composed of the layers that a pipeline file declares."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from registry_core.components import Layer
from registry_core.diagnostics import BrokenComponent, InvalidParameters, RegistryError


def chain(layers: Sequence[Layer]) -> nn.Sequential:
    """Return the layers in sequence, each under its name or its place."""
    return nn.Sequential(OrderedDict(_built(layers)))


def _built(layers: Sequence[Layer]) -> list[tuple[str, nn.Module]]:
    return [(layer.layer_name or str(place), _module(layer)) for place, layer in enumerate(layers)]


def _module(layer: Layer) -> nn.Module:
    label = layer.label
    try:
        built: object = layer.build()
    except RegistryError:
        raise
    except (TypeError, ValueError) as error:
        raise InvalidParameters(f"The {label} does not accept these parameters: {error}.") from error
    except Exception as error:  # a plugin may raise anything
        raise BrokenComponent(f"The {label} failed while it was built: {type(error).__name__}: {error}.") from error
    if not isinstance(built, nn.Module):
        raise BrokenComponent(f"The {label} built a {type(built).__name__}, not a torch.nn.Module.")
    return built


class Residual(nn.Module):
    """Sum of two branches."""

    def __init__(self, layers: Sequence[Layer], shortcut: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = chain(layers)
        self.shortcut = chain(shortcut)

    def forward(self, values: Tensor) -> Tensor:
        """Return the sum of the outputs of the layers and of the shortcut."""
        total: Tensor = self.layers(values) + self.shortcut(values)
        return total


class Concat(nn.Module):
    """Parallel branches; parameters are named after the branch alone."""

    def __init__(self, branches: Sequence[Layer]) -> None:
        super().__init__()
        for name, module in _built(branches):
            self.add_module(name, module)

    def forward(self, values: Tensor) -> Tensor:
        """Return the outputs of the branches, concatenated along the channels."""
        return torch.cat([branch(values) for branch in self.children()], dim=1)
