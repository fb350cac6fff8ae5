"""Models that wrap another one: pairs and triplets with shared weights, and a mean with its variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_builtin.torch_modules import bare
from registry_core.components import CheckFailed, Image, Model, Modules, ParameterError, Shape, assembled, written_shape
from registry_core.components.forms import OutputForm
from registry_core.components.model import OutputEnd
from registry_core.components.types import PositiveFloat

_NETWORK = "Model applied to every image; its outputs form the embedding."
_EUCLIDEAN = 2.0
_NORMALIZE = "If true, embeddings are normalized to unit length."
_MLP = {"network": {"mlp": {"size": 8, "num_classes": 16}}}


class _Wrapping(Model):
    """Base of models that wrap another one."""

    bases: ClassVar[tuple[str, ...]] = ("_Embedding",)
    """Bases of the class that is built, besides ``Module``."""

    network: Model = Field(description=_NETWORK)

    @model_validator(mode="after")
    def _network_maps_one_image(self) -> Self:
        if self.network.inputs != ("input",) or self.network.outputs != ("output",):
            message = f"the model {self.network.name!r} does not map one image to one output"
            raise ParameterError(message, "Choose another model")
        return self

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the inner model does not accept this image."""
        self.network.check_input(image)

    def modules(self) -> Modules | None:
        """Return those of the inner model."""
        return assembled((type(self).__name__, *self.bases), self._children())

    def _children(self) -> dict[str, Modules | None]:
        return {"network": self.network.modules()}

    def errors(self) -> Sequence[CheckFailed]:
        """Return the errors of the inner model, and an output that is not a vector."""
        at = ("network", self.network.name_in_file)
        found = [CheckFailed(one.message, one.remedy, (*at, *one.at)) for one in self.network.errors()]
        shape = self.network.output_shape()
        if not found and shape is not None and len(shape) != 1:
            message = f"The model {self.name!r} expects one vector per image"
            message += f", but {self.network.name!r} emits {written_shape(shape)}."
            found.append(CheckFailed(message, "Add pooling if it is an image, then flatten at the end.", ("network",)))
        return found

    def check_batch(self, samples: int, image: Image | None) -> None:
        """Raise CheckFailed if the inner model cannot be trained with this number of samples."""
        try:
            self.network.check_batch(samples, image)
        except CheckFailed as failed:
            at = ("network", self.network.name_in_file, *failed.at) if failed.at else ()
            raise CheckFailed(failed.message, failed.remedy, at) from None

    def output_shape(self) -> Shape | None:
        """Return the shape of the inner model's output."""
        return self.network.output_shape()

    def arguments(self) -> dict[str, Any]:
        """Return the parameters with the inner model built."""
        return {**super().arguments(), "network": self.network.build()}


class Pair(_Wrapping):
    """Embeddings of two images, by one model with shared weights (a siamese network).

    Input: float images `input` and `second`. Output: `output` and `second_output`, embeddings [batch, features]. For
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
    """Distance between the embeddings of two images, by one model with shared weights.

    Input: float images `input` and `second`. Output: distances [batch], non-negative. For `hinge_embedding`, with the
    data set `pairs`. Source: ``torch.nn.PairwiseDistance``.
    """

    target = "registry_builtin.objects.wrapping:PairDistance"
    inputs: ClassVar[tuple[str, ...]] = ("input", "second")
    output_form: ClassVar[OutputForm] = "values"
    example: ClassVar[Mapping[str, Any]] = _MLP

    normalize: bool = Field(default=False, description=_NORMALIZE)
    p: PositiveFloat = Field(default=2.0, description="Order of the norm: 1 for Manhattan, 2 for Euclidean distance.")

    def output_end(self) -> OutputEnd:
        """Return the normalization, which limits Euclidean distances, or the model itself."""
        if self.normalize and self.p == _EUCLIDEAN:
            return OutputEnd("normalize", ("normalize",), 0.0, 2.0)
        return OutputEnd(self.name, low=0.0)

    def _children(self) -> dict[str, Modules | None]:
        return {**super()._children(), "distance": bare("PairwiseDistance")}

    def output_shape(self) -> Shape:
        """Return the shape of the output: a scalar per sample."""
        return ()


class PairRanking(_Wrapping):
    """Scores of two images, by one model with a single output and shared weights.

    Input: float images `input` and `second`. Output: `output` and `second_output`, scores [batch]. For
    `margin_ranking`, with the data set `pairs` and its `targets: order`. Source: Burges et al., "Learning to rank using
    gradient descent", ICML 2005.
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
            raise ParameterError(
                f"the score requires 1 output, but {name!r} has {count}", "Set its number of outputs to 1"
            )
        return self

    def output_shape(self) -> Shape:
        """Return the shape of the output: a scalar per sample."""
        return ()


class Triplet(_Wrapping):
    """Embeddings of three images, by one model with shared weights.

    Input: float images `input`, `positive` and `negative`. Output: `output`, `positive_output` and `negative_output`,
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
    """Mean and variance of each value, by one model with two outputs per value.

    Input: float images. Output: `output`, the means [batch, values], the first half of the inner model's outputs;
    `variance` [batch, values], the softplus of the second half plus `minimum`. For `gaussian_nll`. Source: Nix,
    Weigend, "Estimating the mean and variance of the target probability distribution", ICNN 1994.
    """

    target = "registry_builtin.objects.wrapping:Gaussian"
    bases: ClassVar[tuple[str, ...]] = ()
    outputs: ClassVar[tuple[str, ...]] = ("output", "variance")
    output_form: ClassVar[OutputForm] = "values"
    example: ClassVar[Mapping[str, Any]] = {"network": {"mlp": {"size": 8, "num_classes": 2}}}

    network: Model = Field(description="Model with two outputs per value.")
    minimum: PositiveFloat = Field(default=1e-6, description="Lower bound of the variance.")

    @model_validator(mode="after")
    def _two_outputs_a_value(self) -> Self:
        if (self.network.num_outputs() or 0) % 2:
            name, count = self.network.name, self.network.num_outputs()
            message = f"each value requires two outputs, but {name!r} has {count}"
            raise ParameterError(message, "Set its number of outputs to an even number")
        return self

    def output_end(self) -> OutputEnd | None:
        """Return that of the inner model: the means are a part of its outputs."""
        end = self.network.output_end()
        return (
            None if end is None else end._replace(at=("network", self.network.name_in_file, *end.at) if end.at else ())
        )

    def num_outputs(self) -> int | None:
        """Return the number of values per sample."""
        inner = self.network.num_outputs()
        return None if inner is None else inner // 2

    def output_shape(self) -> Shape | None:
        """Return the shape of the means."""
        outputs = self.num_outputs()
        return None if outputs is None else (outputs,)
