"""Models: the networks that are trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from registry_core.components.base import Component
from registry_core.components.facts import CheckFailed, Image, Shape
from registry_core.components.forms import OutputForm
from registry_core.components.modules import Modules

if TYPE_CHECKING:
    from torch import nn


class LayerFacts(NamedTuple):
    """A part of a model; its parameter names start with ``name``."""

    name: str
    layer: str
    shape: Shape | None
    """Its output shape for a sample; None: not known before the run."""
    num_parameters: int | None
    """Its number of trainable parameters, without those of its own parts; None: not known before it is built."""
    needs_batch: bool = False
    """True if a batch of one sample is too small to train it."""
    only_way: bool = True
    """False in a branch: values also pass beside it."""
    at_zero: Literal["stays", "stops", ""] = ""
    """Its output for inputs that are all 0: ``stays`` 0, or ``stops``: it is 0, and so is the gradient."""


class OutputEnd(NamedTuple):
    """The end of a model: the layer or function that determines the values of its output."""

    name: str
    """Its name in messages: ``tanh``."""
    at: tuple[str | int, ...] = ()
    """Its place inside the model's parameters."""
    low: float = -math.inf
    """The least value of the output."""
    high: float = math.inf
    """The largest value of the output."""
    flaw: str = ""
    """The reason why no logits or values come after it, if there is one: ``some become 0 in training``."""
    sums_to_one: bool = False
    """True if the outputs are probabilities of classes that exclude each other, as those of softmax."""


class Model(Component):
    """A network, called with the entries of the batch that ``inputs`` names; it returns what ``outputs`` names.

    For one name it returns a tensor, for several a mapping from these names to tensors. Losses, metrics and hooks
    read outputs and entries of the batch by name, so no output may have the name of an entry.
    """

    kind: ClassVar[str] = "model"
    inputs: ClassVar[tuple[str, ...]] = ("input",)
    outputs: ClassVar[tuple[str, ...]] = ("output",)
    output_form: ClassVar[OutputForm] = "any"
    """The form of its output: logits, log-probabilities, probabilities, plain values or embeddings."""

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def get_output_form(self) -> OutputForm:
        """The form of its output, for models where it depends on the parameters."""
        return self.output_form

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the model does not accept this image."""

    def errors(self) -> Sequence[CheckFailed]:
        """The errors between the parts of the model, each with its place in ``at``."""
        return ()

    def check_batch(self, samples: int, image: Image | None) -> None:
        """Raise CheckFailed if it cannot be trained with a batch of this number of samples, each such an image."""

    def layer_facts(self) -> Sequence[LayerFacts]:
        """The parts of the model in the order of the forward pass, if they are known before it is built."""
        return ()

    def modules(self) -> Modules | None:
        """The modules and parameters that the model will have; None if they are not known before it is built.

        Rules that select by them (`init`, `optim.groups`, `finetune`) are then checked before the run.
        """
        return None

    def output_shape(self) -> Shape | None:
        """The shape of its output for a sample, of the first output if there are several; None: unknown."""
        return None

    def output_end(self) -> OutputEnd | None:
        """The last layer that determines the values of the output; None: unknown."""
        return None

    def num_outputs(self) -> int | None:
        """The number of values it returns for a sample, for a classifier the number of classes; None: unknown."""
        classes = getattr(self, "num_classes", None)
        return classes if isinstance(classes, int) else None

    def build(self) -> nn.Module:
        """The network, with the initial values that its constructor sets."""
        built: nn.Module = self.make()
        return built
