"""Layers: layers composed of other layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_builtin.layers.walk import (
    MAX_LAYERS,
    Composite,
    Layers,
    Way,
    beside,
    chained,
    count_layers,
    inside,
    modules_by_name,
    walk,
    walk_beside,
)
from registry_core.components import CheckFailed, Layer, Modules, ParameterError, Shape, assembled, written_shape
from registry_core.components.forms import OutputForm
from registry_core.components.types import PositiveInt

if TYPE_CHECKING:
    from torch import nn

_LAYERS = "Layers; each receives the output of the previous one."
_CONV: dict[str, Any] = {"conv2d": {"out_channels": 16, "kernel_size": 3, "padding": 1}}


class Block(Composite):
    """Sequence of layers under one name.

    Input: that of the first layer. Output: that of the last layer. Source: ``torch.nn.Sequential``.
    """

    target = "registry_builtin.objects.containers:chain"
    example: ClassVar = {"name": "stem", "layers": [_CONV, "batch_norm2d", "relu"]}

    layers: Layers = Field(description=_LAYERS)

    def lists(self) -> Mapping[str, Sequence[Layer]]:
        """Return the layers."""
        return {"layers": self.layers}

    def walk(self, shape: Shape | None) -> tuple[Layer, Way]:
        """Walk through the layers in sequence."""
        way = walk(self.layers, shape)
        return self.model_copy(update={"layers": tuple(layer for _, layer in way.layers)}), way

    def modules(self) -> Modules | None:
        """Return the layers in a ``Sequential``."""
        return chained(self.layers)

    def get_output_form(self) -> OutputForm:
        """Return the output form of the last layer."""
        return self.layers[-1].get_output_form()


class Repeat(Composite):
    """Several copies of the same layers in sequence, each with its own weights.

    Input: that of the first layer. Output: that of the last layer. Parameter names start with the index of the copy,
    from 0. Omitted sizes are inferred for each copy.
    """

    example: ClassVar = {"times": 3, "layers": [_CONV, "relu"]}

    times: PositiveInt = Field(le=1000, description="Number of copies.")
    layers: Layers = Field(description=_LAYERS)

    @model_validator(mode="after")
    def _few_enough(self) -> Self:
        if (count := self.count_layers()) > MAX_LAYERS:
            message = f"{self.times:,} copies are {count:,} layers, but a model has at most {MAX_LAYERS:,}"
            raise ParameterError(message, "Set times to less")
        return self

    def count_layers(self) -> int:
        """Return the number of layers of all copies."""
        return 1 + self.times * (1 + count_layers(self.layers))

    def lists(self) -> Mapping[str, Sequence[Layer]]:
        """Return the layers of one copy."""
        return {"layers": self.layers}

    def walk(self, shape: Shape | None) -> tuple[Layer, Way]:
        """Walk through one block per copy; errors are reported once."""
        blocks = [Block(layers=self.layers) for _ in range(self.times)]
        if self.record is not None:  # so that facts and messages use its name
            blocks = [block.with_record(self.name_in_file, self.record) for block in blocks]
        way = walk(blocks, shape)
        again = "In a repetition: " if way.errors and way.errors[0].at[1] else ""
        way.errors = [
            CheckFailed(again + failed.message, failed.remedy, at=failed.at[3:])
            for failed in way.errors
            if failed.at[1] == way.errors[0].at[1]
        ]
        return Block(name=self.layer_name, layers=tuple(layer for _, layer in way.layers)), way

    def modules(self) -> Modules | None:
        """Return the blocks; None unless all sizes are known."""
        way = self.walk(None)[1]
        return None if way.errors else chained([layer for _, layer in way.layers])

    def build(self) -> nn.Module:
        """Build the blocks."""
        return self.with_sizes(None).build()

    def get_output_form(self) -> OutputForm:
        """Return the output form of the last layer."""
        return self.layers[-1].get_output_form()


class Residual(Composite):
    """Residual block: the sum of the output of its layers and of a shortcut.

    Input: that of the first layer. Output: layers(x) + shortcut(x), which must have the same shape; without shortcut
    layers, layers(x) + x. Parameter names start with ``layers`` and ``shortcut``. Source: He et al., "Deep residual
    learning for image recognition", CVPR 2016.
    """

    saves_output: ClassVar[bool] = False
    in_sequence: ClassVar[bool] = False
    example: ClassVar = {"layers": ["batch_norm2d", "relu", _CONV], "shortcut": [_CONV]}

    layers: Layers = Field(description=_LAYERS)
    shortcut: tuple[Layer, ...] = Field(default=(), description="Layers of the shortcut; empty for the identity.")

    def lists(self) -> Mapping[str, Sequence[Layer]]:
        """Return the layers of both branches."""
        return {"layers": self.layers, "shortcut": self.shortcut}

    def walk(self, shape: Shape | None) -> tuple[Layer, Way]:
        """Walk through both branches, which must end with the same shape."""
        way, other = walk(self.layers, shape), walk(self.shortcut, shape, "shortcut")
        layers, shortcut = (tuple(layer for _, layer in one.layers) for one in (way, other))
        if not way.errors and not other.errors:
            way.errors += _differ(way.shape, other.shape)
        way.errors += other.errors
        way.facts = beside(inside("layers", way.facts) + inside("shortcut", other.facts))
        return self.model_copy(update={"layers": layers, "shortcut": shortcut}), way

    def modules(self) -> Modules | None:
        """Return both branches, each in a ``Sequential``."""
        return assembled(("Residual",), {"layers": chained(self.layers), "shortcut": chained(self.shortcut)})

    def build(self) -> nn.Module:
        """Build both branches."""
        from registry_builtin.objects.containers import Residual as Built

        return Built(self.layers, self.shortcut)


def _differ(one: Shape | None, other: Shape | None) -> list[CheckFailed]:
    if one is None or other is None or one == other:
        return []
    if len(one) == len(other) and all(None in pair or pair[0] == pair[1] for pair in zip(one, other, strict=True)):
        return []
    message = f"cannot add the shortcut {written_shape(other)} to the output of its layers {written_shape(one)}."
    remedy = "Add shortcut layers that produce the same shape, such as a conv2d with kernel_size 1."
    return [CheckFailed(message, remedy)]


class Concat(Composite):
    """Concatenation of the outputs of several branches along the channels.

    Input: that of every branch. Output: the concatenated outputs, which must agree in all dimensions except channels,
    or features. Source: the inception module of Szegedy et al., "Going deeper with convolutions", CVPR 2015.
    """

    saves_output: ClassVar[bool] = False
    in_sequence: ClassVar[bool] = False
    example: ClassVar = {"branches": [_CONV, {"block": {"layers": ["relu", _CONV]}}]}

    branches: Layers = Field(description="Layers that receive the same input; use block for a sequence.")

    def lists(self) -> Mapping[str, Sequence[Layer]]:
        """Return the branches."""
        return {"branches": self.branches}

    def walk(self, shape: Shape | None) -> tuple[Layer, Way]:
        """Walk through all branches, and add up their channels."""
        way, shapes = walk_beside(self.branches, shape)
        way.facts = beside(way.facts)
        if not way.errors:
            joined = [one for one in shapes if one is not None]
            way.errors += _do_not_join(joined)
            way.shape = _joined(joined) if len(joined) == len(shapes) and not way.errors else None
        return self.model_copy(update={"branches": tuple(layer for _, layer in way.layers)}), way

    def modules(self) -> Modules | None:
        """Return the branches in parallel."""
        return assembled(("Concat",), modules_by_name(self.branches))

    def build(self) -> nn.Module:
        """Build all branches."""
        from registry_builtin.objects.containers import Concat as Built

        return Built(self.branches)


def _do_not_join(shapes: list[Shape]) -> list[CheckFailed]:
    for shape in shapes[1:]:
        same = len(shape) == len(shapes[0]) and all(
            None in pair or pair[0] == pair[1] for pair in zip(shape[1:], shapes[0][1:], strict=True)
        )
        if not same:
            message = f"cannot concatenate branches of {written_shape(shapes[0])} and {written_shape(shape)}."
            return [CheckFailed(message, "Adjust padding or stride so that only the channels differ.")]
    return []


def _joined(shapes: list[Shape]) -> Shape:
    channels = [shape[0] for shape in shapes if shape[0] is not None]
    beside = zip(*(shape[1:] for shape in shapes), strict=True)
    rest = [next((side for side in sides if side is not None), None) for sides in beside]
    return (sum(channels) if len(channels) == len(shapes) else None, *rest)
