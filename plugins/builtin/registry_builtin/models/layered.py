"""Model whose layers are declared in the pipeline file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from registry_builtin.layers.doubts import Chains, chains_of, doubts, needs_batch, output_end
from registry_builtin.layers.sizes import SizedLayer
from registry_builtin.layers.walk import Layers, Way, chained, walk
from registry_core.components import (
    CheckFailed,
    Image,
    LayerFacts,
    Model,
    Modules,
    RunFacts,
    Shape,
    UnexpectedValue,
    written_shape,
)
from registry_core.components.forms import OutputForm, words
from registry_core.components.model import OutputEnd

if TYPE_CHECKING:
    from torch import nn


def _sides(value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= 3:
        raise UnexpectedValue("[channels, height, width]", value)
    if type(value[0]) is int and all(side is None or (type(side) is int and side >= 1) for side in value):
        return tuple(value)
    raise ValueError(
        f"expected [channels, height, width], integers of at least 1 (height and width may be null), not {value!r}"
    )


_SHAPE = WithJsonSchema(
    {"type": "array", "items": {"type": ["integer", "null"], "minimum": 1}, "minItems": 1, "maxItems": 3}
)


class Sequential(Model):
    """Sequence of layers.

    Input: floats of the shape `input`, for images [batch, channels, height, width]. Output: that of the last layer.
    Sizes that follow from the previous layers (in_channels, in_features, num_features) may be omitted. Parameters are
    named after their layer: ``conv1.weight`` for a layer with the name conv1, ``0.weight`` for an unnamed first layer.
    Source: ``torch.nn.Sequential``.
    """

    example: ClassVar = {"input": [1, 28, 28], "layers": ["flatten", {"linear": {"name": "fc", "out_features": 10}}]}

    input: Annotated[tuple[int | None, ...], BeforeValidator(_sides), _SHAPE] = Field(
        description="Shape of one sample: [channels, height, width] for images; height and width may be null."
    )
    layers: Layers = Field(description="Layers; each receives the output of the previous one.")
    output: Literal["logits", "log_probabilities", "probabilities", "values", "embeddings"] | None = Field(
        default=None, description="Form of the output; default: that of the last layer, else logits."
    )

    @cached_property
    def way(self) -> Way:
        """The layers with all sizes, the shape of a sample after each, and errors."""
        return walk(self.layers, self.input)

    @cached_property
    def chains(self) -> Chains:
        """The layers as chains, in which each follows the one before."""
        return chains_of(self.layers, self.input)

    def errors(self) -> Sequence[CheckFailed]:
        """Return mismatches between layers, and between `output` and the last layer."""
        found = [*self.way.errors]
        form, last = self.layers[-1].get_output_form(), self.layers[-1].name
        if self.output is not None and form not in ("any", self.output):
            message = f"output is {self.output}, but the last layer, {last}, produces {words(form)}."
            found.append(CheckFailed(message, f"Set output to {form}, or remove the layer {last}.", at=("output",)))
        if self.output in ("probabilities", "log_probabilities") and isinstance(self.layers[-1], SizedLayer):
            message = f"output is {self.output}, but the last layer, {last}, produces unbounded values."
            remedy = "Add softmax, log_softmax or sigmoid at the end, or remove output."
            found.append(CheckFailed(message, remedy, at=("output",)))
        return found

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of layers that fit each other, but probably do not do what was meant."""
        return tuple(doubts(self.chains))

    def output_end(self) -> OutputEnd:
        """Return the layer that determines the values of the output."""
        return output_end(self.chains.main)

    def modules(self) -> Modules | None:
        """Return the modules of the layers with all sizes, if every layer declares its own."""
        way = self.way
        return None if way.errors else chained([layer for _, layer in way.layers])

    def layer_facts(self) -> Sequence[LayerFacts]:
        """Return the layers, including those inside blocks, with the shape of a sample after each."""
        return self.way.facts

    def get_output_form(self) -> OutputForm:
        """Return the form given by `output`, else that of the last layer, else logits."""
        form = self.layers[-1].get_output_form()
        return self.output or ("logits" if form == "any" else form)

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the images do not match `input`."""
        given = (image.channels, image.height, image.width)
        same = len(self.input) == 3 and all(
            None in pair or pair[0] == pair[1] for pair in zip(given, self.input, strict=True)
        )
        if not same:
            written = ", ".join("null" if side is None else str(side) for side in given)
            raise CheckFailed(
                f"The model {self.name!r} expects {written_shape(self.input)}, but the images are "
                f"{written_shape(given)}.",
                f"Set input to [{written}], or change the transforms.",
            )
        if None in self.input and None not in given and not self.errors():
            for failed in walk(self.layers, given).errors:
                message = f"{failed.message} The model {self.name!r} receives images of {written_shape(given)}."
                raise CheckFailed(message, failed.remedy, failed.at)

    def check_batch(self, samples: int, image: Image | None) -> None:
        """Raise CheckFailed if a layer would normalize single values."""
        given = self.input if image is None else (image.channels, image.height, image.width)
        way = walk(self.layers, given) if samples == 1 else None
        if way is None or way.errors or not any(part.needs_batch for part in way.facts):
            return
        part = next(part for part in way.facts if part.needs_batch)
        message = f"{part.layer} {part.name!r} would normalize single values, which have no variance."
        raise CheckFailed(message, f"Use larger batches, or remove {part.layer}.", needs_batch(self.layers, given))

    def output_shape(self) -> Shape | None:
        """Return the shape of a sample after the last layer."""
        way = self.way
        return None if way.errors else way.shape

    def num_outputs(self) -> int | None:
        """Return the number of channels or features of the output; for a sequence, those of each element."""
        shape = self.output_shape()
        if shape is None:
            return None
        return shape[-1] if len(shape) == 2 else shape[0]

    def build(self) -> nn.Module:
        """Build the layers with torch's default initialization; CheckFailed if they do not fit together."""
        from registry_builtin.objects.containers import chain

        if mistakes := self.errors():
            raise mistakes[0]
        return chain([layer for _, layer in self.way.layers])
