"""Walk through layers with the shape of a sample: sizes are put in, and all that does not fit is found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from registry_builtin.layers.sizes import SizedLayer
from registry_core.components import CheckFailed, Layer, LayerFacts, Modules, Shape, assembled


@dataclass
class Way:
    """What came of a walk: sized layers with their names, what the sample is at the end, and what did not fit."""

    layers: list[tuple[str, Layer]] = field(default_factory=list)
    facts: list[LayerFacts] = field(default_factory=list)
    shape: Shape | None = None
    errors: list[CheckFailed] = field(default_factory=list)


class Composite(Layer):
    """A layer made of layers."""

    def walk(self, shape: Shape | None) -> tuple[Layer, Way]:
        """The layer with all sizes, and what came of the walk through its layers.

        A mistake of its own has an empty ``at``.
        """
        raise NotImplementedError

    def with_sizes(self, shape: Shape | None) -> Layer:
        """The layer with all sizes; raises the first mistake."""
        layer, way = self.walk(shape)
        if way.errors:
            raise way.errors[0]
        return layer

    def infer_shape(self, shape: Shape) -> Shape | None:
        """What the sample is at the end."""
        return self.walk(shape)[1].shape


def inside(name: str, facts: Sequence[LayerFacts]) -> list[LayerFacts]:
    """The parts as parts of something of this name."""
    return [part._replace(name=f"{name}.{part.name}") for part in facts]


def name_of(layer: Layer, place: int) -> str:
    """What a layer is called in its network."""
    return layer.layer_name or str(place)


def modules_by_name(layers: Sequence[Layer]) -> dict[str, Modules | None]:
    """The modules of each layer, by what it is called."""
    return {name_of(layer, place): layer.modules() for place, layer in enumerate(layers)}


def chained(layers: Sequence[Layer]) -> Modules | None:
    """The modules of layers one after the other."""
    return assembled(("Sequential",), modules_by_name(layers))


def walk(layers: Sequence[Layer], shape: Shape | None, key: str = "layers") -> Way:
    """Walk through layers that follow each other, which are written under ``key``."""
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
    """Walk through layers that are all given the same; with the way, what the sample is after each."""
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
    """What came of one layer; ``lost``: what the sample is after a mistake cannot be told."""

    layer: Layer
    shape: Shape | None
    facts: list[LayerFacts]
    errors: list[CheckFailed]
    lost: bool = False


def step(layer: Layer, shape: Shape | None) -> LayerResult:
    """Give a sample of this shape to one layer."""
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
    """What the sample would be if the layer's size were that of the sample, so that the walk can go on."""
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
    way.facts += [LayerFacts(name, layer.name, found.shape, own, needs_batch), *inside(name, found.facts)]
    way.errors += [_placed(failed, key, place, layer) for failed in found.errors]


def _placed(failed: CheckFailed, key: str, place: int, layer: Layer) -> CheckFailed:
    """The mistake with its place in the list; a layer's own is put into a sentence that names the layer."""
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
            message = f"Layer {place}, {layer.name}, has the name {name!r} of another layer beside it."
            yield CheckFailed(message, "Choose another name.", at=(key, place, layer.name_in_file, "name"))
        seen.add(name)


def _inplace_mistakes(layer: Layer, before: Layer | None) -> Iterator[CheckFailed]:
    """What is overwritten must be needed by nobody else: neither by a branch beside it nor for the gradients."""
    if getattr(layer, "inplace", False) is not True or (before is not None and not before.saves_output):
        return
    needed = "what its network or block is given" if before is None else f"what {before.name} may need for its gradient"
    message = f"would overwrite {needed}."
    yield CheckFailed(message, "Leave out inplace: it saves memory only, and works after convolutions and the like.")
