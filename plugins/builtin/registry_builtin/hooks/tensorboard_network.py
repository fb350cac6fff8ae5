"""Hooks that show the network in TensorBoard: its graph, weights, kernels and feature maps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Every, Hook, Interval, RunFacts, written_shape
from registry_core.components.types import NonNegativeInt
from registry_core.diagnostics import near

if TYPE_CHECKING:
    from torch import nn
from registry_builtin.hooks.tensorboard_parts import EVERY, EXTRA, OBJECTS, OfSamples


class TensorBoardHistograms(Hook):
    """Draw histograms of the weights and of the gradients, one of each for every parameter.

    Weights are as they are after the step; gradients are those of the step, accumulated and clipped, before the
    optimizer sees them. Values that are not finite are left out. Source: tensorboardX.SummaryWriter.add_histogram.
    """

    target = f"{OBJECTS}.tensorboard_network:Histograms"

    weights: bool = Field(default=True, description="Draw the weights.")
    gradients: bool = Field(default=True, description="Draw the gradients.")
    every: Interval = Field(default=Every(1, "epoch"), description=EVERY)

    @model_validator(mode="after")
    def _draws_something(self) -> Self:
        if not self.weights and not self.gradients:
            raise ValueError("neither `weights` nor `gradients` are drawn; set one to true, or remove the hook")
        return self


class TensorBoardGraph(Hook):
    """Draw the graph of the model's operations, once.

    The model is traced in evaluation mode with the first validation sample, or training sample where there is none.
    Source: tensorboardX.SummaryWriter.add_graph, which uses torch.utils.tensorboard.
    """

    target = f"{OBJECTS}.tensorboard_network:Graph"
    requirements: ClassVar[Mapping[str, str]] = {"tensorboard": EXTRA}


class TensorBoardKernels(Hook):
    """Draw the kernels of a convolution.

    Each row of the grid is an output channel, each column an input channel; with three input channels a kernel is one
    picture in colour. The smallest weight of all is black, the largest white. At most 256 kernels are drawn. Source:
    tensorboardX.SummaryWriter.add_image.
    """

    target = f"{OBJECTS}.tensorboard_images:Kernels"

    layer: str | None = Field(default=None, description="Name of the module; null for the first 2-D convolution.")
    every: Interval = Field(default=Every(1, "epoch"), description=EVERY)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such layer."""
        if self.layer is not None:
            _check_layer(self.name, self.layer, facts.layers)

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model has no such layer, or if that has no kernels in two dimensions."""
        named = dict(model.named_modules())
        convolutions = [name for name, module in named.items() if _has_kernels(module)]
        if not convolutions:
            raise CheckFailed(f"The hook {self.name!r} draws kernels, and this model has no 2-D convolution.")
        if self.layer is not None:
            layer = _find_layer(self.name, self.layer, model)
            if not _has_kernels(layer):
                message = f"The hook {self.name!r} draws kernels, but {self.layer!r} is a {type(layer).__name__}."
                raise CheckFailed(message, near(self.layer, convolutions))


class TensorBoardFeatureMaps(OfSamples):
    """Draw what a layer gives for one sample, a tile for each channel.

    The layer gives [1, channels, height, width]. The smallest value of all is black, the largest white. Source:
    tensorboardX.SummaryWriter.add_image.
    """

    target = f"{OBJECTS}.tensorboard_images:FeatureMaps"
    example: ClassVar[Mapping[str, Any]] = {"layer": "conv1"}

    layer: str = Field(description="Name of the module, such as conv1 or layer1.0.conv2.")
    index: NonNegativeInt = Field(default=0, description="Number of the sample, from 0.")
    every: Interval = Field(default=Every(1, "epoch"), description=EVERY)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such section, sample, entry or layer, or if the layer gives no image."""
        super().check(facts)
        _check_layer(self.name, self.layer, facts.layers)
        shape = facts.layers.get(self.layer)
        if shape is not None and len(shape) != 3:
            message = f"The hook {self.name!r} draws images, and the layer {self.layer!r} gives {written_shape(shape)}."
            images = [name for name, each in facts.layers.items() if each is not None and len(each) == 3]
            raise CheckFailed(message, near(self.layer, images))

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model has no such layer."""
        _find_layer(self.name, self.layer, model)


def _check_layer(hook: str, layer: str, known: Collection[str]) -> None:
    """Raise CheckFailed if the parts of a model are known, and none has this name, contains it, or is inside of it."""
    parts = {name[: len(name) - len(rest)] for name in known for rest in _endings(name)}
    if known and layer not in parts and not any(layer.startswith(f"{name}.") for name in known):
        raise CheckFailed(
            f"The hook {hook!r} names the layer {layer!r}, which the model does not have.", near(layer, known)
        )


def _endings(name: str) -> list[str]:
    """What may be cut off a dotted name to leave another."""
    return [name[place:] for place, sign in enumerate(name) if sign == "."] + [""]


def _find_layer(hook: str, layer: str, model: nn.Module) -> nn.Module:
    named: dict[str, nn.Module] = {name: module for name, module in model.named_modules() if name}
    if layer not in named:
        raise CheckFailed(
            f"The hook {hook!r} names the layer {layer!r}, which the model does not have.", near(layer, named)
        )
    return named[layer]


def _has_kernels(module: nn.Module) -> bool:
    return "Conv" in type(module).__name__ and getattr(getattr(module, "weight", None), "ndim", 0) == 4
