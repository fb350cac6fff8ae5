"""Layers: normalisation."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from registry_builtin.layers.sizes import ElementwiseLayer, SizedLayer, class_name
from registry_builtin.torch_modules import batch_norm, channel_norm, of_classes, with_bias
from registry_core.components import CheckFailed, Layer, Modules, Shape, written_shape
from registry_core.components.types import INTEGER, PositiveFloat, PositiveInt, Probability, one_or_list

_EPS = "Added to the variance, so that nothing is divided by zero."
_MOMENTUM = "Weight of a new batch in the running statistics; null: the mean over all batches."
_AFFINE = "Whether a trained factor and summand follow for each channel."
_TRACK = "Whether statistics of training are kept for evaluation; if not, those of the batch are used there too."
_FEATURES = "Channels of what it is given; default: as many as there are."


class _ChannelNorm(SizedLayer):
    """What normalisation by channel with running statistics shares."""

    size_parameter: ClassVar[str] = "num_features"

    num_features: PositiveInt | None = Field(default=None, description=_FEATURES)
    eps: PositiveFloat = Field(default=1e-5, description=_EPS)
    momentum: Probability | None = Field(default=0.1, description=_MOMENTUM)

    def infer_shape(self, shape: Shape) -> Shape | None:
        """The same."""
        return shape


class _BatchNorm(_ChannelNorm):
    affine: bool = Field(default=True, description=_AFFINE)
    track_running_stats: bool = Field(default=True, description=_TRACK)

    def needs_batch(self, shape: Shape) -> bool:
        """A single value a channel has no variance."""
        return all(side == 1 for side in shape[1:])

    def modules(self) -> Modules | None:
        """A factor and a summand for each channel, and the statistics."""
        if self.num_features is None:
            return None
        return batch_norm(class_name(self), self.num_features, self.affine, self.track_running_stats)


class BatchNorm1d(_BatchNorm):
    """Make every feature's values have mean 0 and variance 1 over the batch, then scale and shift.

    In and out: floats [batch, features] or [batch, channels, length]. Source: ``torch.nn.BatchNorm1d``; Ioffe and
    Szegedy, "Batch normalization", ICML 2015.
    """

    target = "torch.nn:BatchNorm1d"
    size_words: ClassVar[str] = "features"
    ranks: ClassVar[tuple[int, ...]] = (1, 2)


class BatchNorm2d(_BatchNorm):
    """Make every channel's values have mean 0 and variance 1 over the batch, then scale and shift.

    In and out: floats [batch, channels, height, width]. Source: ``torch.nn.BatchNorm2d``; Ioffe and Szegedy, "Batch
    normalization", ICML 2015.
    """

    target = "torch.nn:BatchNorm2d"


class InstanceNorm2d(_ChannelNorm):
    """Make every channel of each image have mean 0 and variance 1, then scale and shift if `affine`.

    In and out: floats [batch, channels, height, width] of more than one pixel. Source: ``torch.nn.InstanceNorm2d``;
    Ulyanov et al., "Instance normalization", 2016.
    """

    target = "torch.nn:InstanceNorm2d"

    affine: bool = Field(default=False, description=_AFFINE)
    track_running_stats: bool = Field(default=False, description=_TRACK)

    def infer_shape(self, shape: Shape) -> Shape:
        """The same; CheckFailed for a single pixel, which has no variance."""
        if shape[1:] == (1, 1):
            raise CheckFailed("needs more than one pixel, and is given 1 x 1.", "Pool less before it, or leave it out.")
        return shape

    def modules(self) -> Modules | None:
        """A factor and a summand for each channel, and statistics, if they are wanted."""
        if self.num_features is None:
            return None
        classes = ("InstanceNorm2d", "_InstanceNorm")
        return channel_norm(classes, self.num_features, self.affine, self.track_running_stats)


class GroupNorm(SizedLayer):
    """Make every group of channels of each sample have mean 0 and variance 1, then scale and shift.

    In and out: floats [batch, channels, ...]. Source: ``torch.nn.GroupNorm``; Wu and He, "Group normalization", 2018.
    """

    target = "torch.nn:GroupNorm"
    size_parameter: ClassVar[str] = "num_channels"
    ranks: ClassVar[tuple[int, ...]] = ()
    example: ClassVar = {"num_groups": 4}

    num_groups: PositiveInt = Field(description="Groups that the channels are shared out to equally.")
    num_channels: PositiveInt | None = Field(default=None, description=_FEATURES)
    eps: PositiveFloat = Field(default=1e-5, description=_EPS)
    affine: bool = Field(default=True, description=_AFFINE)

    @model_validator(mode="after")
    def _groups_divide(self) -> Self:
        if self.num_channels is not None and self.num_channels % self.num_groups:
            raise ValueError(
                f"num_groups {self.num_groups} does not divide num_channels {self.num_channels}; change one of them"
            )
        return self

    def check_size(self, size: int) -> None:
        """Raise CheckFailed if the groups do not divide the channels."""
        if size % self.num_groups:
            message = f"has {self.num_groups} groups, which do not divide the {size} channels that it is given."
            raise CheckFailed(message, "Change num_groups.")

    def infer_shape(self, shape: Shape) -> Shape:
        """The same."""
        return shape

    def needs_batch(self, shape: Shape) -> bool:
        """A group of a single value has no variance."""
        return shape[0] == self.num_groups and all(side == 1 for side in shape[1:])

    def modules(self) -> Modules | None:
        """A factor and a summand for each channel."""
        if self.num_channels is None:
            return None
        shape = (self.num_channels,)
        return of_classes(("GroupNorm",), with_bias(("weight", shape), shape, True) if self.affine else ())


def _sides(value: Any) -> Any:
    sides = [value] if isinstance(value, int) else value
    if isinstance(sides, (list, tuple)) and sides and all(type(side) is int and side >= 1 for side in sides):
        return tuple(sides)
    raise ValueError(f"expected a size or a list of sizes, whole and at least 1, not {value!r}")


Sides = Annotated[tuple[PositiveInt, ...], BeforeValidator(_sides), one_or_list({**INTEGER, "minimum": 1})]
"""Sizes of the last sides of a sample; one number stands for a list of one."""


class LayerNorm(Layer):
    """Make every sample's values have mean 0 and variance 1 over its last sides, then scale and shift.

    In and out: floats [batch, ...] that end with `normalized_shape`. Source: ``torch.nn.LayerNorm``; Ba et al.,
    "Layer normalization", 2016.
    """

    target = "torch.nn:LayerNorm"
    saves_output: ClassVar[bool] = False

    normalized_shape: Sides | None = Field(
        default=None, description="The last sides of a sample; default: all of them."
    )
    eps: PositiveFloat = Field(default=1e-5, description=_EPS)
    elementwise_affine: bool = Field(default=True, description="Whether a trained factor follows for each element.")
    bias: bool = Field(default=True, description="Whether a trained summand follows too.")

    def with_sizes(self, shape: Shape | None) -> Self:
        """The layer with its sides, all of the sample if they were left out."""
        if self.normalized_shape is None:
            if shape is None or None in shape:
                raise CheckFailed("needs normalized_shape: what it is given is not known before the run.", "Add it.")
            return self.model_copy(update={"normalized_shape": shape})
        wanted = self.normalized_shape
        last = wanted if shape is None else shape[-len(wanted) :]
        if len(last) < len(wanted) or any(a is not None and a != b for a, b in zip(last, wanted, strict=True)):
            message = f"normalises {written_shape(wanted)}, and is given {written_shape(shape or ())}."
            raise CheckFailed(message, f"Set normalized_shape to {list(last)}, or leave it out.")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """The same."""
        return shape

    def modules(self) -> Modules | None:
        """A factor for each element, and a summand."""
        shape = self.normalized_shape
        if shape is None:
            return None
        parameters = with_bias(("weight", shape), shape, self.bias) if self.elementwise_affine else ()
        return of_classes(("LayerNorm",), parameters)


class LocalResponseNorm(ElementwiseLayer):
    """Divide every value by a power of the squares of its neighbours in other channels.

    In and out: floats [batch, channels, ...] with at least one side after the channels. Divisor: (k + alpha * mean of
    the squares)^beta over `size` channels. Source: ``torch.nn.LocalResponseNorm``; Krizhevsky et al., "ImageNet
    classification with deep convolutional neural networks", NIPS 2012.
    """

    target = "torch.nn:LocalResponseNorm"
    ranks: ClassVar[tuple[int, ...]] = (2, 3)
    example: ClassVar = {"size": 5}

    size: PositiveInt = Field(description="How many neighbouring channels count.")
    alpha: PositiveFloat = Field(default=1e-4, description="Factor on the mean of the squares.")
    beta: PositiveFloat = Field(default=0.75, description="Exponent of the divisor.")
    k: PositiveFloat = Field(default=1.0, description="Summand in the divisor.")
