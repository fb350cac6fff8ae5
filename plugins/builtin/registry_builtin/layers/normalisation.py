"""Layers: normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from registry_builtin.layers.sizes import ElementwiseLayer, SizedLayer, class_name, unlimited
from registry_builtin.torch_modules import batch_norm, channel_norm, of_classes, with_bias
from registry_core.components import CheckFailed, Layer, Modules, ParameterError, RunFacts, Shape, written_shape
from registry_core.components.forms import counted
from registry_core.components.layer import LayerRole
from registry_core.components.types import INTEGER, PositiveFloat, PositiveInt, Probability, one_or_list

_EPS = "Constant added to the variance for numerical stability."
_MOMENTUM = "Weight of a new batch in the running statistics; null for the mean over all batches."
_AFFINE = "If true, applies a trained scale and shift to each channel."
_TRACK = "If true, keeps running statistics of training for evaluation; otherwise evaluation uses those of the batch."
_FEATURES = "Number of input channels; default: inferred."
_FIXES = "it fixes their mean and variance"
_LARGE_MOMENTUM = 0.9
_LARGE_EPS = 1.0


def _doubtful_eps(name: str, eps: float) -> list[CheckFailed]:
    if eps < _LARGE_EPS:
        return []
    message = f"eps of {name} is {eps:g}, so values of variance 1 are hardly normalized."
    return [CheckFailed(message, "Set eps to a small number, such as 1e-5.", ("eps",), code="layer-effect")]


class _ChannelNorm(SizedLayer):
    """Base of normalization per channel with running statistics."""

    size_parameter: ClassVar[str] = "num_features"

    num_features: PositiveInt | None = Field(default=None, description=_FEATURES)
    eps: PositiveFloat = Field(default=1e-5, description=_EPS)
    momentum: Probability | None = Field(default=0.1, description=_MOMENTUM)

    only_inside: ClassVar[str] = _FIXES
    role: ClassVar[LayerRole] = "affine"

    def infer_shape(self, shape: Shape) -> Shape | None:
        """Return the shape unchanged."""
        return shape

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a constant that outweighs the variance, and of running statistics that do not run."""
        found = _doubtful_eps(self.name, self.eps)
        if self.momentum is None or 0 < self.momentum < _LARGE_MOMENTUM:
            return found
        kept = "never change" if self.momentum == 0 else "are nearly those of the last batch"
        message = f"momentum of {self.name} is {self.momentum:g}, the weight of a new batch: its running statistics"
        remedy = f"Set momentum to {0.1 if not self.momentum else round(1 - self.momentum, 4) or 0.1:g}."
        return [*found, CheckFailed(f"{message} {kept}.", remedy, ("momentum",), code="layer-effect")]


class _BatchNorm(_ChannelNorm):
    affine: bool = Field(default=True, description=_AFFINE)
    track_running_stats: bool = Field(default=True, description=_TRACK)

    def needs_batch(self, shape: Shape) -> bool:
        """Return whether a sample has a single value per channel, which has no variance."""
        return all(side == 1 for side in shape[1:])

    def modules(self) -> Modules | None:
        """Return the module with scale and shift per channel, and the statistics."""
        if self.num_features is None:
            return None
        return batch_norm(class_name(self), self.num_features, self.affine, self.track_running_stats)


class BatchNorm1d(_BatchNorm):
    """Batch normalization of features: mean 0 and variance 1 over the batch, then scale and shift.

    Input and output: floats [batch, features] or [batch, channels, length]. Source: ``torch.nn.BatchNorm1d``; Ioffe and
    Szegedy, "Batch normalization", ICML 2015.
    """

    target = "torch.nn:BatchNorm1d"
    size_words: ClassVar[str] = "features"
    ranks: ClassVar[tuple[int, ...]] = (1, 2)


class BatchNorm2d(_BatchNorm):
    """Batch normalization of channels: mean 0 and variance 1 over the batch, then scale and shift.

    Input and output: floats [batch, channels, height, width]. Source: ``torch.nn.BatchNorm2d``; Ioffe and Szegedy,
    "Batch normalization", ICML 2015.
    """

    target = "torch.nn:BatchNorm2d"


class InstanceNorm2d(_ChannelNorm):
    """Instance normalization: mean 0 and variance 1 per channel of each image, then scale and shift if `affine`.

    Input and output: floats [batch, channels, height, width] with more than one pixel. Source:
    ``torch.nn.InstanceNorm2d``; Ulyanov et al., "Instance normalization", 2016.
    """

    target = "torch.nn:InstanceNorm2d"
    role: ClassVar[LayerRole] = "other"

    affine: bool = Field(default=False, description=_AFFINE)
    track_running_stats: bool = Field(default=False, description=_TRACK)

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape unchanged; CheckFailed for a single pixel, which has no variance."""
        if shape[1:] == (1, 1):
            raise CheckFailed("expects more than one pixel, but receives 1 x 1.", "Pool less before it, or remove it.")
        return shape

    def modules(self) -> Modules | None:
        """Return the module with scale and shift per channel, and statistics, if enabled."""
        if self.num_features is None:
            return None
        classes = ("InstanceNorm2d", "_InstanceNorm")
        return channel_norm(classes, self.num_features, self.affine, self.track_running_stats)


class GroupNorm(SizedLayer):
    """Group normalization: mean 0 and variance 1 per group of channels of each sample, then scale and shift.

    Input and output: floats [batch, channels, ...]. Source: ``torch.nn.GroupNorm``; Wu and He, "Group normalization",
    2018.
    """

    target = "torch.nn:GroupNorm"
    size_parameter: ClassVar[str] = "num_channels"
    ranks: ClassVar[tuple[int, ...]] = ()
    only_inside: ClassVar[str] = _FIXES
    role: ClassVar[LayerRole] = "other"
    example: ClassVar = {"num_groups": 4}

    num_groups: PositiveInt = Field(description="Number of groups; must divide the number of channels.")
    num_channels: PositiveInt | None = Field(default=None, description=_FEATURES)
    eps: PositiveFloat = Field(default=1e-5, description=_EPS)
    affine: bool = Field(default=True, description=_AFFINE)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a constant that outweighs the variance."""
        return _doubtful_eps(self.name, self.eps)

    @model_validator(mode="after")
    def _groups_divide(self) -> Self:
        if self.num_channels is not None and self.num_channels % self.num_groups:
            found = f"{self.num_groups} does not divide {self.num_channels}"
            raise ParameterError(f"`num_groups` must divide num_channels, but {found}", "Change one of them")
        return self

    def check_size(self, size: int) -> None:
        """Raise CheckFailed if the groups do not divide the channels."""
        if size % self.num_groups:
            message = f"has {self.num_groups} groups, which do not divide its {counted(size, 'input channel')}."
            raise CheckFailed(message, "Change num_groups.")

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape unchanged."""
        return shape

    def needs_batch(self, shape: Shape) -> bool:
        """Return whether a group has a single value, which has no variance."""
        return shape[0] == self.num_groups and all(side == 1 for side in shape[1:])

    def modules(self) -> Modules | None:
        """Return the module with scale and shift per channel."""
        if self.num_channels is None:
            return None
        shape = (self.num_channels,)
        return of_classes(("GroupNorm",), with_bias(("weight", shape), shape, True) if self.affine else ())


def _sides(value: Any) -> Any:
    sides = [value] if isinstance(value, int) else value
    if isinstance(sides, (list, tuple)) and sides and all(type(side) is int and side >= 1 for side in sides):
        return tuple(sides)
    raise ValueError(f"expected a size or a list of sizes, integers of at least 1, not {value!r}")


Sides = Annotated[tuple[PositiveInt, ...], BeforeValidator(_sides), one_or_list({**INTEGER, "minimum": 1})]
"""Sizes of the last dimensions of a sample; a single number means a list of one."""


class LayerNorm(Layer):
    """Layer normalization: mean 0 and variance 1 over the last dimensions of each sample, then scale and shift.

    Input and output: floats [batch, ...] whose shape ends with `normalized_shape`. Source: ``torch.nn.LayerNorm``; Ba
    et al., "Layer normalization", 2016.
    """

    target = "torch.nn:LayerNorm"
    saves_output: ClassVar[bool] = False
    only_inside: ClassVar[str] = _FIXES
    role: ClassVar[LayerRole] = "other"

    normalized_shape: Sides | None = Field(
        default=None, description="Sizes of the last dimensions of a sample; default: all of them."
    )
    eps: PositiveFloat = Field(default=1e-5, description=_EPS)
    elementwise_affine: bool = Field(default=True, description="If true, applies a trained scale to each element.")
    bias: bool = Field(default=True, description="If true, also applies a trained shift to each element.")

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a constant that outweighs the variance."""
        return _doubtful_eps(self.name, self.eps)

    def with_sizes(self, shape: Shape | None) -> Self:
        """Return the layer with its sizes, those of the whole sample if they were omitted."""
        if self.normalized_shape is None:
            if shape is None or None in shape:
                raise CheckFailed(
                    "requires normalized_shape: its input shape is not known before the run.", "Add normalized_shape."
                )
            return self.model_copy(update={"normalized_shape": shape})
        wanted = self.normalized_shape
        last = wanted if shape is None else shape[-len(wanted) :]
        if len(last) < len(wanted) or any(a is not None and a != b for a, b in zip(last, wanted, strict=True)):
            message = f"expects {written_shape(wanted)}, but receives {written_shape(shape or ())}."
            raise CheckFailed(message, f"Set normalized_shape to {list(last)}, or remove it.")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape unchanged."""
        return shape

    def modules(self) -> Modules | None:
        """Return the module with a scale for each element, and a shift."""
        shape = self.normalized_shape
        if shape is None:
            return None
        parameters = with_bias(("weight", shape), shape, self.bias) if self.elementwise_affine else ()
        return of_classes(("LayerNorm",), parameters)


class LocalResponseNorm(ElementwiseLayer):
    """Local response normalization: divides each value by a power of the squares in neighbouring channels.

    Input and output: floats [batch, channels, ...] with at least one dimension after the channels. The divisor is (k +
    alpha * mean of the squares)^beta over `size` channels. Source: ``torch.nn.LocalResponseNorm``; Krizhevsky et al.,
    "ImageNet classification with deep convolutional neural networks", NIPS 2012.
    """

    target = "torch.nn:LocalResponseNorm"
    ranks: ClassVar[tuple[int, ...]] = (2, 3)
    role: ClassVar[LayerRole] = "other"
    example: ClassVar = {"size": 5}

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return bounds with these signs: the divisor may be less than 1."""
        return unlimited(low, high)

    size: PositiveInt = Field(description="Number of neighbouring channels.")
    alpha: PositiveFloat = Field(default=1e-4, description="Factor of the mean of the squares.")
    beta: PositiveFloat = Field(default=0.75, description="Exponent of the divisor.")
    k: PositiveFloat = Field(default=1.0, description="Additive constant of the divisor.")
