"""Models: what is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from registry_core.components.base import Component
from registry_core.components.facts import CheckFailed, Image, Shape
from registry_core.components.forms import OutputForm
from registry_core.components.modules import Modules

if TYPE_CHECKING:
    from torch import nn


class LayerFacts(NamedTuple):
    """A part of a model, by the name that its parameters start with."""

    name: str
    layer: str
    shape: Shape | None
    """What a sample is after it; None: not known before the run."""
    num_parameters: int | None
    """How many numbers are trained in it, besides those in parts of it; None: not known before it is built."""
    needs_batch: bool = False
    """Whether a batch of one sample is too small to train it with."""


class Model(Component):
    """A network, called with the entries of the batch that ``inputs`` names; it returns what ``outputs`` names.

    For one name it returns a tensor, for several a mapping from these names to tensors. Losses and metrics take
    outputs and entries of the batch by name; where both have one, it is the output.
    """

    kind: ClassVar[str] = "model"
    inputs: ClassVar[tuple[str, ...]] = ("input",)
    outputs: ClassVar[tuple[str, ...]] = ("output",)
    output_form: ClassVar[OutputForm] = "any"
    """What it emits: logits, log-probabilities, probabilities, plain values or embeddings."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def get_output_form(self) -> OutputForm:
        """What it emits, for models where that depends on their parameters."""
        return self.output_form

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the model cannot take this image."""

    def errors(self) -> Sequence[CheckFailed]:
        """All that is wrong between the parts of the model, each with its place in ``at``."""
        return ()

    def check_batch(self, samples: int, image: Image | None) -> None:
        """Raise CheckFailed if it cannot be trained with a batch of so few samples, each such an image."""

    def layer_facts(self) -> Sequence[LayerFacts]:
        """The parts of the model in the order of a sample's way, where they are known before it is built."""
        return ()

    def modules(self) -> Modules | None:
        """The modules and parameters that the model will have; None if they are not known before it is built.

        Rules that choose by them (`init`, `optim.groups`, `finetune`) are then checked before the run.
        """
        return None

    def output_shape(self) -> Shape | None:
        """The shape of what it emits for a sample, of the first output if there are several; None: not known."""
        return None

    def num_outputs(self) -> int | None:
        """How many numbers it emits for a sample, the number of classes for a classifier; None if that is not known."""
        classes = getattr(self, "num_classes", None)
        return classes if isinstance(classes, int) else None

    def build(self) -> nn.Module:
        """The network, with the first values that its constructor gives it."""
        built: nn.Module = self.make()
        return built
