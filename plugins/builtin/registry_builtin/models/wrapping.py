"""Models around another one: pairs and triplets with shared weights, and a mean with its variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_builtin.torch_modules import bare
from registry_core.components import CheckFailed, Image, Model, Modules, Shape, assembled, written_shape
from registry_core.components.forms import OutputForm
from registry_core.components.types import PositiveFloat

_NETWORK = "The model that every image goes through; its outputs are the numbers of the embedding."
_NORMALIZE = "Whether embeddings are divided by their length."
_MLP = {"network": {"mlp": {"size": 8, "num_classes": 16}}}


class _Wrapping(Model):
    """What models around another one share."""

    bases: ClassVar[tuple[str, ...]] = ("_Embedding",)
    """What the class that it builds derives from, besides ``Module``."""

    network: Model = Field(description=_NETWORK)

    @model_validator(mode="after")
    def _network_maps_one_image(self) -> Self:
        if self.network.inputs != ("input",) or self.network.outputs != ("output",):
            raise ValueError(f"the model {self.network.name!r} does not make one output of one image; choose another")
        return self

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the inner model cannot take this image."""
        self.network.check_input(image)

    def modules(self) -> Modules | None:
        """Those of the inner model."""
        return assembled((type(self).__name__, *self.bases), self._children())

    def _children(self) -> dict[str, Modules | None]:
        return {"network": self.network.modules()}

    def errors(self) -> Sequence[CheckFailed]:
        """What is wrong between the parts of the inner model."""
        at = ("network", self.network.name_in_file)
        found = [CheckFailed(one.message, one.remedy, (*at, *one.at)) for one in self.network.errors()]
        shape = self.network.output_shape()
        if not found and shape is not None and len(shape) != 1:
            message = f"The model {self.name!r} takes a row of numbers for each image"
            message += f", and {self.network.name!r} emits {written_shape(shape)}."
            found.append(CheckFailed(message, "Pool if it is an image, and add flatten at the end.", ("network",)))
        return found

    def check_batch(self, samples: int, image: Image | None) -> None:
        """Raise CheckFailed if the inner model cannot be trained with so few samples."""
        self.network.check_batch(samples, image)

    def output_shape(self) -> Shape | None:
        """What the inner model emits for an image."""
        return self.network.output_shape()

    def arguments(self) -> dict[str, Any]:
        """The parameters, with the inner model built."""
        return {**super().arguments(), "network": self.network.build()}


class Pair(_Wrapping):
    """The embeddings of two images, by one model.

    Input: float images `input` and `second`; gives `output` and `second_output`, embeddings [batch, features]. For
    `cosine_embedding`, with the data set `pairs`. Source: Bromley et al., "Signature verification using a siamese time
    delay neural network", NeurIPS 1993.
    """

    target = "registry_builtin.objects.wrapping:Pair"
    inputs: ClassVar[tuple[str, ...]] = ("input", "second")
    outputs: ClassVar[tuple[str, ...]] = ("output", "second_output")
    output_form: ClassVar[OutputForm] = "embeddings"
    example: ClassVar[Mapping[str, Any]] = _MLP

    normalize: bool = Field(default=False, description=_NORMALIZE)


class PairDistance(_Wrapping):
    """The distance between the embeddings of two images, by one model.

    Input: float images `input` and `second`; output: distances [batch], not negative. For `hinge_embedding`, with the
    data set `pairs`. Source: ``torch.nn.PairwiseDistance``.
    """

    target = "registry_builtin.objects.wrapping:PairDistance"
    inputs: ClassVar[tuple[str, ...]] = ("input", "second")
    output_form: ClassVar[OutputForm] = "values"
    example: ClassVar[Mapping[str, Any]] = _MLP

    normalize: bool = Field(default=False, description=_NORMALIZE)
    p: PositiveFloat = Field(default=2.0, description="The norm: 1 adds up differences, 2 is the euclidean distance.")

    def _children(self) -> dict[str, Modules | None]:
        return {**super()._children(), "distance": bare("PairwiseDistance")}

    def output_shape(self) -> Shape:
        """One number."""
        return ()


class PairRanking(_Wrapping):
    """A score for each of two images, by one model of one output.

    Input: float images `input` and `second`; gives `output` and `second_output`, scores [batch]. For `margin_ranking`,
    with the data set `pairs` and its `targets: order`. Source: Burges et al., "Learning to rank using gradient
    descent", ICML 2005.
    """

    target = "registry_builtin.objects.wrapping:PairRanking"
    inputs: ClassVar[tuple[str, ...]] = ("input", "second")
    outputs: ClassVar[tuple[str, ...]] = ("output", "second_output")
    output_form: ClassVar[OutputForm] = "values"
    example: ClassVar[Mapping[str, Any]] = {"network": {"mlp": {"size": 8, "num_classes": 1}}}

    @model_validator(mode="after")
    def _one_score(self) -> Self:
        if self.network.num_outputs() not in (None, 1):
            name, count = self.network.name, self.network.num_outputs()
            raise ValueError(f"the score is one number, and {name!r} has {count} outputs; let it have 1")
        return self

    def output_shape(self) -> Shape:
        """One number."""
        return ()


class Triplet(_Wrapping):
    """The embeddings of three images, by one model.

    Input: float images `input`, `positive` and `negative`; gives `output`, `positive_output` and `negative_output`,
    embeddings [batch, features]. For `triplet_margin`, with the data set `triplets`. Source: Schroff et al., "FaceNet:
    A unified embedding for face recognition and clustering", CVPR 2015.
    """

    target = "registry_builtin.objects.wrapping:Triplet"
    inputs: ClassVar[tuple[str, ...]] = ("input", "positive", "negative")
    outputs: ClassVar[tuple[str, ...]] = ("output", "positive_output", "negative_output")
    output_form: ClassVar[OutputForm] = "embeddings"
    example: ClassVar[Mapping[str, Any]] = _MLP

    normalize: bool = Field(default=False, description=_NORMALIZE)


class Gaussian(_Wrapping):
    """A mean and a variance for each value, by one model of twice as many outputs.

    Input: float images; gives `output`, the means [batch, values], the first half of the inner model's outputs, and
    `variance` [batch, values], softplus of the other half, plus `minimum`. For `gaussian_nll`. Source: Nix, Weigend,
    "Estimating the mean and variance of the target probability distribution", ICNN 1994.
    """

    target = "registry_builtin.objects.wrapping:Gaussian"
    bases: ClassVar[tuple[str, ...]] = ()
    outputs: ClassVar[tuple[str, ...]] = ("output", "variance")
    output_form: ClassVar[OutputForm] = "values"
    example: ClassVar[Mapping[str, Any]] = {"network": {"mlp": {"size": 8, "num_classes": 2}}}

    network: Model = Field(description="The model; it has two outputs for each value.")
    minimum: PositiveFloat = Field(default=1e-6, description="The smallest variance.")

    @model_validator(mode="after")
    def _two_outputs_a_value(self) -> Self:
        if (self.network.num_outputs() or 0) % 2:
            name, count = self.network.name, self.network.num_outputs()
            raise ValueError(f"each value takes two outputs, and {name!r} has {count}; set it to an even number")
        return self

    def num_outputs(self) -> int | None:
        """How many values it emits for a sample."""
        inner = self.network.num_outputs()
        return None if inner is None else inner // 2

    def output_shape(self) -> Shape | None:
        """The means."""
        outputs = self.num_outputs()
        return None if outputs is None else (outputs,)
