"""Walk through layers with the shape of a sample: fills in sizes and collects errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from registry_builtin.layers.sizes import SizedLayer
from registry_core.components import CheckFailed, Layer, LayerFacts, Modules, ParameterError, Shape, assembled


@dataclass
class Way:
    """Result of a walk: the sized layers with their names, their facts, the final shape of the sample, and errors."""

    layers: list[tuple[str, Layer]] = field(default_factory=list)
    facts: list[LayerFacts] = field(default_factory=list)
    shape: Shape | None = None
    errors: list[CheckFailed] = field(default_factory=list)


MAX_LAYERS = 4000
"""The maximum number of layers of a model, in which a repeated layer counts for each copy."""


def count_layers(layers: Sequence[Layer]) -> int:
    """Return the number of layers, with those inside of others and with all copies."""
    return sum(layer.count_layers() if isinstance(layer, Composite) else 1 for layer in layers)


def _few_enough(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    if (count := count_layers(layers)) > MAX_LAYERS:
        raise ParameterError(f"these are {count:,} layers, but a model has at most {MAX_LAYERS:,}", "Use fewer")
    return layers


Layers = Annotated[tuple[Layer, ...], Field(min_length=1), AfterValidator(_few_enough)]
"""One or more layers."""


class Composite(Layer):
    """Base of layers composed of layers."""

    in_sequence: ClassVar[bool] = True
    """True if its layers follow each other, False if there are branches."""

    def lists(self) -> Mapping[str, Sequence[Layer]]:
        """Return the layers of each parameter that has some."""
        raise NotImplementedError

    def count_layers(self) -> int:
        """Return the number of layers: itself and those that it is composed of."""
        return 1 + sum(map(count_layers, self.lists().values()))

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the bounds of inputs that are all 0, for which the layers are looked at one by one."""
        return (low, high) if self.in_sequence and low == high else super().bounds(low, high)

    def walk(self, shape: Shape | None) -> tuple[Layer, Way]:
        """Return the layer with all sizes, and the result of the walk through its layers.

        An error of the layer itself has an empty ``at``.
        """
        raise NotImplementedError

    def with_sizes(self, shape: Shape | None) -> Layer:
        """Return the layer with all sizes; raises the first error."""
        layer, way = self.walk(shape)
        if way.errors:
            raise way.errors[0]
        return layer

    def infer_shape(self, shape: Shape) -> Shape | None:
        """Return the final shape of the sample."""
        return self.walk(shape)[1].shape


def inside(name: str, facts: Sequence[LayerFacts]) -> list[LayerFacts]:
    """Return the facts with names inside a part of this name."""
    return [part._replace(name=f"{name}.{part.name}") for part in facts]


def beside(facts: Sequence[LayerFacts]) -> list[LayerFacts]:
    """Return the facts of layers that values also pass beside."""
    return [part._replace(only_way=False) for part in facts]


def name_of(layer: Layer, place: int) -> str:
    """Return the name of a layer in its network."""
    return layer.layer_name or str(place)


def modules_by_name(layers: Sequence[Layer]) -> dict[str, Modules | None]:
    """Return the modules of each layer, by name."""
    return {name_of(layer, place): layer.modules() for place, layer in enumerate(layers)}


def chained(layers: Sequence[Layer]) -> Modules | None:
    """Return the modules of layers in sequence."""
    return assembled(("Sequential",), modules_by_name(layers))


def walk(layers: Sequence[Layer], shape: Shape | None, key: str = "layers") -> Way:
    """Walk through layers in sequence, which are written under ``key``."""
    way = Way(shape=shape)
    way.errors += _name_mistakes(layers, key)
    before: Layer | None = None
    for place, layer in enumerate(layers):
        found = step(layer, way.shape)
        found.errors += _inplace_mistakes(layer, before)
        _take(way, found, place, layer, key, way.shape)
        way.shape = found.shape
        if found.lost:
            break
        before = before if getattr(layer, "passes_on", False) else layer
    return way


def walk_beside(layers: Sequence[Layer], shape: Shape | None, key: str = "branches") -> tuple[Way, list[Shape | None]]:
    """Walk through layers that receive the same input; also returns the shape of the sample after each."""
    way = Way()
    way.errors += _name_mistakes(layers, key)
    shapes: list[Shape | None] = []
    for place, layer in enumerate(layers):
        found = step(layer, shape)
        found.errors += _inplace_mistakes(layer, None)
        _take(way, found, place, layer, key, shape)
        shapes.append(found.shape)
    return way, shapes


@dataclass
class LayerResult:
    """Result of one layer; ``lost``: the shape after an error is unknown."""

    layer: Layer
    shape: Shape | None
    facts: list[LayerFacts]
    errors: list[CheckFailed]
    lost: bool = False


def step(layer: Layer, shape: Shape | None) -> LayerResult:
    """Pass a sample of this shape through one layer."""
    if isinstance(layer, Composite):
        sized, way = layer.walk(shape)
        return LayerResult(sized, way.shape, way.facts, way.errors, lost=bool(way.errors) and way.shape is None)
    try:
        sized = layer.with_sizes(shape)
        return LayerResult(sized, None if shape is None else sized.infer_shape(shape), [], [])
    except CheckFailed as failed:
        after = _as_if_right(layer, shape)
        return LayerResult(layer, after, [], [failed], lost=after is None)


def _as_if_right(layer: Layer, shape: Shape | None) -> Shape | None:
    """Return the output shape as if the layer had the right size, so that the walk can continue."""
    if shape is None or not isinstance(layer, SizedLayer):
        return None
    try:
        return layer.resized(shape).infer_shape(shape)
    except CheckFailed:
        return None


def _take(way: Way, found: LayerResult, place: int, layer: Layer, key: str, before: Shape | None) -> None:
    name = name_of(layer, place)
    way.layers.append((name, found.layer))
    own = 0 if isinstance(layer, Composite) else found.layer.count_parameters()
    needs_batch = before is not None and not isinstance(layer, Composite) and found.layer.needs_batch(before)
    facts = LayerFacts(name, layer.name, found.shape, own, needs_batch, at_zero=_at_zero(layer))
    way.facts += [facts, *inside(name, found.facts)]
    way.errors += [_placed(failed, key, place, layer) for failed in found.errors]


def _at_zero(layer: Layer) -> Literal["stays", "stops", ""]:
    if layer.stops_at_zero:
        return "stops"
    return "stays" if layer.bounds(0.0, 0.0) == (0.0, 0.0) else ""


def _placed(failed: CheckFailed, key: str, place: int, layer: Layer) -> CheckFailed:
    """Return the error with its place in the list; an error of the layer itself becomes a sentence that names it."""
    if failed.at:
        return CheckFailed(failed.message, failed.remedy, at=(key, place, layer.name_in_file, *failed.at))
    called = f" {layer.layer_name!r}" if layer.layer_name else ""
    return CheckFailed(f"Layer {place}{called}, {layer.name}, {failed.message}", failed.remedy, at=(key, place))


def _name_mistakes(layers: Sequence[Layer], key: str) -> Iterator[CheckFailed]:
    seen: set[str] = set()
    for place, layer in enumerate(layers):
        name = layer.layer_name
        if name is None:
            continue
        if name in seen:
            message = f"Layer {place}, {layer.name}, has the same name as another layer, {name!r}."
            yield CheckFailed(message, "Choose another name.", at=(key, place, layer.name_in_file, "name"))
        seen.add(name)


def _inplace_mistakes(layer: Layer, before: Layer | None) -> Iterator[CheckFailed]:
    """Check that an overwritten tensor is needed neither by a parallel branch nor for gradients."""
    if getattr(layer, "inplace", False) is not True or (before is not None and not before.saves_output):
        return
    needed = "the input of its network or block"
    if before is not None:
        needed = f"the output of {before.name}, which may be needed for its gradient"
    message = f"would overwrite {needed}."
    yield CheckFailed(message, "Remove inplace: it only saves memory, and is safe after layers such as convolutions.")
