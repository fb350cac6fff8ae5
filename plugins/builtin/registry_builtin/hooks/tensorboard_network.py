"""Hooks that show the network in TensorBoard: its graph, parameters, kernels and feature maps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Every, Hook, Interval, ParameterError, RunFacts, written_shape
from registry_core.components.types import NonNegativeInt
from registry_core.diagnostics import near

if TYPE_CHECKING:
    from torch import nn
from registry_builtin.hooks.tensorboard_parts import EVERY, EXTRA, OBJECTS, OfSamples


class TensorBoardHistograms(Hook):
    """Plot histograms of weights and gradients, one of each per parameter.

    Weights are those after the step; gradients are those of the step, accumulated and clipped, before the optimizer
    uses them. Non-finite values are ignored. Source: tensorboardX.SummaryWriter.add_histogram.
    """

    target = f"{OBJECTS}.tensorboard_network:Histograms"

    weights: bool = Field(default=True, description="If true, plots the weights.")
    gradients: bool = Field(default=True, description="If true, plots the gradients.")
    every: Interval = Field(default=Every(1, "epoch"), description=EVERY)

    @model_validator(mode="after")
    def _draws_something(self) -> Self:
        if not self.weights and not self.gradients:
            message = "`weights` and `gradients` are both false, so nothing is plotted"
            raise ParameterError(message, "Set one of them to true, or remove the hook")
        return self


class TensorBoardGraph(Hook):
    """Show the graph of the model's operations, once.

    The model is traced in evaluation mode with the first validation sample, or the first training sample if there is
    none. Source: tensorboardX.SummaryWriter.add_graph, which uses torch.utils.tensorboard.
    """

    target = f"{OBJECTS}.tensorboard_network:Graph"
    requirements: ClassVar[Mapping[str, str]] = {"tensorboard": EXTRA}


class TensorBoardKernels(Hook):
    """Show the kernels of a convolution as images.

    Rows are output channels and columns input channels; with three input channels, each kernel is one colour image. The
    smallest weight is black, the largest white. At most 256 kernels are shown. Source:
    tensorboardX.SummaryWriter.add_image.
    """

    target = f"{OBJECTS}.tensorboard_images:Kernels"

    layer: str | None = Field(default=None, description="Name of the module; null for the first 2D convolution.")
    every: Interval = Field(default=Every(1, "epoch"), description=EVERY)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the model does not have the layer."""
        if self.layer is not None:
            _check_layer(self.name, self.layer, facts.layers)

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model does not have the layer, or the layer has no 2D kernels."""
        named = dict(model.named_modules())
        convolutions = [name for name, module in named.items() if _has_kernels(module)]
        if not convolutions:
            raise CheckFailed(
                f"The hook {self.name!r} requires a 2D convolution, but the model has none.", "Remove the hook."
            )
        if self.layer is not None:
            layer = _find_layer(self.name, self.layer, model)
            if not _has_kernels(layer):
                message = (
                    f"The hook {self.name!r} requires a 2D convolution, but {self.layer!r} is a {type(layer).__name__}."
                )
                raise CheckFailed(message, near(self.layer, convolutions))


class TensorBoardFeatureMaps(OfSamples):
    """Show the output of a layer for one sample, one tile per channel.

    The output of the layer must be [1, channels, height, width]. The smallest value is black, the largest white.
    Source: tensorboardX.SummaryWriter.add_image.
    """

    target = f"{OBJECTS}.tensorboard_images:FeatureMaps"
    example: ClassVar[Mapping[str, Any]] = {"layer": "conv1"}

    layer: str = Field(description="Name of the module, such as conv1 or layer1.0.conv2.")
    index: NonNegativeInt = Field(default=0, description="Index of the sample, from 0.")
    every: Interval = Field(default=Every(1, "epoch"), description=EVERY)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the section, sample, entry or layer is missing, or the layer emits no image."""
        super().check(facts)
        _check_layer(self.name, self.layer, facts.layers)
        shape = facts.layers.get(self.layer)
        if shape is not None and len(shape) != 3:
            message = (
                f"The hook {self.name!r} requires images, but the layer {self.layer!r} emits {written_shape(shape)}."
            )
            images = [name for name, each in facts.layers.items() if each is not None and len(each) == 3]
            raise CheckFailed(message, near(self.layer, images))

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model does not have the layer."""
        _find_layer(self.name, self.layer, model)


def _check_layer(hook: str, layer: str, known: Collection[str]) -> None:
    """Raise CheckFailed if the parts of the model are known and the layer is not one, nor contains or is inside one."""
    parts = {name[: len(name) - len(rest)] for name in known for rest in _endings(name)}
    if known and layer not in parts and not any(layer.startswith(f"{name}.") for name in known):
        raise CheckFailed(
            f"The hook {hook!r} names the layer {layer!r}, which the model does not have.", near(layer, known)
        )


def _endings(name: str) -> list[str]:
    """Return every suffix that can be removed from a dotted name to leave another name."""
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
