"""Layers that fit each other but probably do not do what was meant: no nonlinearity, activations without effect."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from registry_builtin.layers.activations import LogSoftmax, Softmax
from registry_builtin.layers.convolutions import Conv1d, Conv2d
from registry_builtin.layers.normalisation import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm
from registry_builtin.layers.shaping import Dropout, Flatten, Identity, Linear, Unflatten, place_of
from registry_builtin.layers.walk import Composite, step
from registry_core.components import CheckFailed, Layer, Shape
from registry_core.components.layer import LayerRole
from registry_core.components.model import OutputEnd

_BETWEEN = (Identity, Flatten, Dropout, BatchNorm1d, BatchNorm2d)
"""Layers that do not separate two maps with weights: both together are one such map."""
_PASSING = (Identity, Flatten, Unflatten, Dropout)
"""Layers that return the values that they receive."""
_LINEAR: tuple[LayerRole, ...] = ("weights", "affine")


class Step(NamedTuple):
    """A layer of a chain: with all sizes, its place in the model, and the shape of a sample before and after it."""

    layer: Layer
    at: tuple[str | int, ...]
    before: Shape | None
    after: Shape | None


class Chains(NamedTuple):
    """The layers as chains: those that every value passes, and those of each branch."""

    main: list[Step]
    branches: list[list[Step]]


def chains_of(layers: Sequence[Layer], shape: Shape | None) -> Chains:
    """Return the layers of a network in chains; a layer with branches is one step of its chain."""
    return _followed([(("layers", place), layer) for place, layer in enumerate(layers)], shape)


def _followed(placed: Placed, shape: Shape | None) -> Chains:
    main: list[Step] = []
    branches: list[list[Step]] = []
    for at, layer in placed:
        found = step(layer, shape)
        if not isinstance(layer, Composite):
            main.append(Step(found.layer, at, shape, found.shape))
        elif layer.in_sequence:
            (inner,) = layer.lists().values()
            before = shape
            for _ in range(min(getattr(layer, "times", 1), 2)):  # two copies show how one follows the other
                inside = _followed(_listed(layer, at, "layers", inner), before)
                main, branches = main + inside.main, branches + inside.branches
                before = inside.main[-1].after
        else:
            branches += _branches(layer, at, shape)
            main.append(Step(layer, at, shape, found.shape))
        shape = found.shape
    return Chains(main, branches)


Placed = list[tuple[tuple[str | int, ...], Layer]]
"""Layers with their places in the model."""


def _listed(layer: Layer, at: tuple[str | int, ...], key: str, inner: Sequence[Layer]) -> Placed:
    return [((*at, layer.name_in_file, key, place), one) for place, one in enumerate(inner)]


def _branches(layer: Composite, at: tuple[str | int, ...], shape: Shape | None) -> Iterator[list[Step]]:
    for key, inner in layer.lists().items():
        listed = _listed(layer, at, key, inner)
        for branch in [[one] for one in listed] if key == "branches" else [listed]:
            inside = _followed(branch, shape)
            yield inside.main
            yield from inside.branches


def doubts(chains: Chains) -> Iterator[CheckFailed]:
    """Warnings of layers that fit each other, each at its place; one at each place."""
    whole = list(_no_nonlinearity(chains.main))
    yield from whole
    for chain in (chains.main, *chains.branches):
        for one in chain:
            yield from _single_values(one)
        yield from _activations_in_a_row(chain)
        yield from () if whole else _maps_in_a_row(chain)


def output_end(chain: Sequence[Step]) -> OutputEnd:
    """Return the layer that determines the values of the output of a chain, with their bounds."""
    low, high, last, narrows = -math.inf, math.inf, chain[-1], None
    for one in chain:
        before = (low, high)
        low, high = one.layer.bounds(low, high)
        if isinstance(one.layer, _PASSING) and not one.layer.only_inside:
            continue
        last = one
        narrows = one if (low, high) != before and (low, high) != (-math.inf, math.inf) else narrows
    blamed = last if last.layer.only_inside or narrows is None else narrows
    layer = blamed.layer
    return OutputEnd(layer.name, blamed.at, low, high, last.layer.only_inside, last.layer.sums_to_one)


def needs_batch(layers: Sequence[Layer], shape: Shape) -> tuple[str | int, ...]:
    """Return the place of the first layer that a batch of one sample is too small for; empty if there is none."""
    chains = chains_of(layers, shape)
    steps = (one for chain in (chains.main, *chains.branches) for one in chain)
    return next((one.at for one in steps if one.before is not None and one.layer.needs_batch(one.before)), ())


def _doubt(one: Step, message: str, remedy: str, code: str = "layer-effect") -> CheckFailed:
    return CheckFailed(message, remedy, one.at, code)


def _single_values(one: Step) -> Iterator[CheckFailed]:
    """Layers that receive one value where they need several: a kernel, a softmax, a normalization."""
    layer, shape = one.layer, one.before
    if shape is None:
        return
    if isinstance(layer, Conv2d) and layer.kernel_size != (1, 1) and shape[1:] == (1, 1):
        height, width = layer.kernel_size
        message = (
            f"conv2d receives a single pixel, so that only one weight of each {height} x {width} kernel has an effect."
        )
        yield _doubt(one, message, "Reduce the image less before it, or set kernel_size: 1 and padding: 0.")
    if isinstance(layer, (Softmax, LogSoftmax)) and shape[place_of(layer.dim, shape, "dim")] == 1:
        always = "1" if isinstance(layer, Softmax) else "0"
        message = f"{layer.name} receives a single value along dim {layer.dim}, so it always returns {always}."
        yield _doubt(one, message, "Use sigmoid for a single output, or another dim.")
    if _normalizes_single_values(layer, shape):
        message = f"{layer.name} normalizes single values, so its output does not depend on its input."
        yield _doubt(one, message, "Remove it, or let it normalize several values.")


def _normalizes_single_values(layer: Layer, shape: Shape) -> bool:
    if isinstance(layer, LayerNorm):
        return layer.normalized_shape is not None and math.prod(layer.normalized_shape) == 1
    return isinstance(layer, GroupNorm) and layer.needs_batch(shape)


def _activations_in_a_row(chain: Sequence[Step]) -> Iterator[CheckFailed]:
    before: Step | None = None
    for one in chain:
        layer = one.layer
        if layer.role != "activation":
            before = before if isinstance(layer, _PASSING) else None
            continue
        if before is not None:
            yield _follows(before.layer, one)
        before = one


def _follows(before: Layer, one: Step) -> CheckFailed:
    layer = one.layer
    bounds = before.bounds(-math.inf, math.inf)
    if layer.stops_at_zero and bounds[0] >= 0 and layer.bounds(*bounds) == bounds:
        message = f"{layer.name} has no effect: no value after {before.name} is negative."
        return _doubt(one, message, f"Remove {layer.name}.")
    message = f"{layer.name} follows {before.name} without a layer with weights between them."
    return _doubt(one, message, "Remove one of them, or add a layer between them.")


def _maps_in_a_row(chain: Sequence[Step]) -> Iterator[CheckFailed]:
    """Two maps with weights and nothing but affine layers between them, unless there is a known reason for it."""
    before: Step | None = None
    for one in chain:
        if one.layer.role == "weights":
            if before is not None and _is_one_map(before.layer, one.layer):
                yield _no_gain(before, one)
            before = one
        elif not isinstance(one.layer, _BETWEEN):
            before = None


def _is_one_map(first: Layer, second: Layer) -> bool:
    if isinstance(first, Linear) and isinstance(second, Linear):
        return first.out_features >= min(first.in_features or 0, second.out_features)  # else a matrix of low rank
    if isinstance(first, Conv2d) and isinstance(second, Conv2d):
        kernels = (first.kernel_size, second.kernel_size)
        separable = any(1 in kernel for kernel in kernels)  # of a column and a row, or a bottleneck of 1 x 1
    elif isinstance(first, Conv1d) and isinstance(second, Conv1d):
        separable = 1 in (first.kernel_size, second.kernel_size)
    else:
        return False
    if separable or (first.groups, second.groups) != (1, 1):  # depthwise separable
        return False
    return first.out_channels >= min(first.in_channels or 0, second.out_channels)


def _no_gain(first: Step, second: Step) -> CheckFailed:
    message = f"{second.layer.name} follows {first.layer.name} without an activation: both together are one linear map."
    return _doubt(second, message, "Add an activation such as relu between them.", code="no-nonlinearity")


def _no_nonlinearity(chain: Sequence[Step]) -> Iterator[CheckFailed]:
    """The second of all maps with weights, if every layer from the first to the last of them is affine."""
    weighted = [place for place, one in enumerate(chain) if _has_weights(one.layer)]
    if len(weighted) < 2 or not all(_is_linear(one.layer) for one in chain[weighted[0] : weighted[-1] + 1]):
        return
    second = chain[weighted[1]]
    message = "The model has no activation between its layers with weights: all of them together are one linear map."
    yield _doubt(second, message, f"Add an activation such as relu before {second.layer.name}.", code="no-nonlinearity")


def _has_weights(layer: Layer) -> bool:
    return any(one.role == "weights" for one in _leaves(layer))


def _is_linear(layer: Layer) -> bool:
    return all(one.role in _LINEAR for one in _leaves(layer))


def _leaves(layer: Layer) -> Iterator[Layer]:
    if not isinstance(layer, Composite):
        yield layer
        return
    for inner in layer.lists().values():
        for one in inner:
            yield from _leaves(one)
