"""Modules made of the layers that a pipeline file declares."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from registry_core.components import Layer
from registry_core.diagnostics import BrokenComponent, InvalidParameters, RegistryError


def chain(layers: Sequence[Layer]) -> nn.Sequential:
    """The layers one after the other, each under its name or its place."""
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
        raise InvalidParameters(f"The {label} does not take these parameters: {error}.") from error
    except Exception as error:  # a plugin may raise anything
        raise BrokenComponent(f"The {label} failed while it was built: {type(error).__name__}: {error}.") from error
    if not isinstance(built, nn.Module):
        raise BrokenComponent(f"The {label} built a {type(built).__name__}, which is not what a layer is.")
    return built


class Residual(nn.Module):
    """The sum of two ways."""

    def __init__(self, layers: Sequence[Layer], shortcut: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = chain(layers)
        self.shortcut = chain(shortcut)

    def forward(self, values: Tensor) -> Tensor:
        """What the layers and the shortcut give, added."""
        total: Tensor = self.layers(values) + self.shortcut(values)
        return total


class Concat(nn.Module):
    """Branches beside each other; parameters are named after the branch alone."""

    def __init__(self, branches: Sequence[Layer]) -> None:
        super().__init__()
        for name, module in _built(branches):
            self.add_module(name, module)

    def forward(self, values: Tensor) -> Tensor:
        """What the branches give, one behind the other along the channels."""
        return torch.cat([branch(values) for branch in self.children()], dim=1)
