"""Models: what is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from registry_core.components.base import Component
from registry_core.components.facts import CheckFailed, Image
from registry_core.components.forms import OutputForm

if TYPE_CHECKING:
    from torch import nn


class Model(Component):
    """A network, called with the entries of the batch that ``takes`` names; it returns what ``gives`` names.

    For one name it returns a tensor, for several a mapping from these names to tensors. Losses and metrics take
    outputs and entries of the batch by name; where both have one, it is the output.
    """

    kind: ClassVar[str] = "model"
    takes: ClassVar[tuple[str, ...]] = ("input",)
    gives: ClassVar[tuple[str, ...]] = ("output",)
    output_form: ClassVar[OutputForm] = "any"
    """What it emits: logits, log-probabilities, probabilities, plain values or embeddings."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def emits(self) -> OutputForm:
        """What it emits, for models where that depends on their parameters."""
        return self.output_form

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the model cannot take this image."""

    def mistakes(self) -> Sequence[CheckFailed]:
        """All that is wrong between the parts of the model, each with its place in ``at``."""
        return ()

    def outputs(self) -> int | None:
        """How many numbers it emits for a sample, the number of classes for a classifier; None if that is not known."""
        classes = getattr(self, "num_classes", None)
        return classes if isinstance(classes, int) else None

    def build(self) -> nn.Module:
        """The network, with the first values that its constructor gives it."""
        built: nn.Module = self.make()
        return built
