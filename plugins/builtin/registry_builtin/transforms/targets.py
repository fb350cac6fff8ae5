"""Transforms of targets: class indices to one-hot vectors, and 0/1 targets to signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import Field

from registry_core.components import CheckFailed, DataFacts, Image, RunFacts, Transform
from registry_core.components.forms import TargetForm, taken, words
from registry_core.components.types import PositiveInt, Probability

NUM_CLASSES = "Number of classes; null for that of the model or of the training data."


def with_classes(transform: Any, classes: int | None) -> Any:
    """Return a copy with `num_classes` set; CheckFailed if it is unknown, or differs from the model or the data."""
    if transform.num_classes is None and classes is None:
        message = f"{transform.name} cannot infer the number of classes from the model or the data."
        raise CheckFailed(message, "Set num_classes.")
    if transform.num_classes is None:
        return transform.model_copy(update={"num_classes": classes})
    if classes is not None and transform.num_classes != classes:
        message = f"{transform.name} expects {transform.num_classes} classes, but the model or the data have {classes}."
        raise CheckFailed(message, f"Set num_classes to {classes}, or remove it.", ("num_classes",))
    return transform


class OneHot(Transform):
    """Convert the class index of a sample to a one-hot vector, optionally smoothed.

    Input: the entry `target`, an integer from 0 to `num_classes` - 1. Output: float32 [num_classes]. With `smoothing`
    s, each vector is mixed with the uniform distribution: 1 - s + s / num_classes for the class, s / num_classes for
    the others. Equivalent to torch.nn.functional.one_hot; smoothing as in Szegedy et al., "Rethinking the Inception
    architecture for computer vision", CVPR 2016.
    """

    target = "registry_builtin.objects.targets:OneHot"
    example: ClassVar[Mapping[str, Any]] = {"num_classes": 10}

    num_classes: PositiveInt | None = Field(default=None, description=NUM_CLASSES)
    smoothing: Probability = Field(
        default=0.0, description="Fraction of the probability that is spread evenly over all classes, 0 to 1."
    )

    def for_classes(self, classes: int | None) -> Self:
        """Return a copy with the number of classes."""
        made: Self = with_classes(self, classes)
        return made

    def infer_image(self, image: Image) -> Image:
        """Return the image unchanged."""
        return image

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Class indices become one-hot vectors, or distributions if smoothed."""
        if form not in ("class_indices", "any"):
            raise CheckFailed(
                f"one_hot expects class indices as targets, but receives {words(form)}.", "Remove one_hot."
            )
        return "distributions" if self.smoothing else "one_hot"

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a smoothing that leaves little of the class."""
        if self.smoothing < _MOST_SMOOTHING:
            return ()
        left = "nothing" if self.smoothing == 1 else f"only {1 - self.smoothing:.0%}"
        message = f"smoothing {self.smoothing:g} leaves {left} of the class in the target."
        return (CheckFailed(message, "Set a smaller smoothing, such as 0.1.", ("smoothing",)),)


_MOST_SMOOTHING = 0.9
"""From here on, targets of all classes are nearly equal."""


class Signs(Transform):
    """Convert targets of 0 and 1 to -1 and 1.

    Input: the entry `target`, 0 or 1, a number or a tensor of any shape. Output: the same shape as float32, -1 for 0
    and 1 for 1, as soft_margin and hinge_embedding expect.
    """

    target = "registry_builtin.objects.targets:Signs"

    def infer_image(self, image: Image) -> Image:
        """Return the image unchanged."""
        return image

    def check_sample(self, facts: DataFacts) -> None:
        """Raise CheckFailed for class indices other than 0 and 1."""
        largest = facts.largest_label if facts.num_classes is None else facts.num_classes - 1
        if facts.target_form == "class_indices" and largest is not None and largest > 1:
            message = f"signs expects targets of 0 and 1, but receives class indices up to {largest}."
            raise CheckFailed(message, "Put one_hot before signs, or remove signs.")

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Zeros and ones become signs."""
        if form != "class_indices" and not taken(form, ("multi_hot",)):
            message = f"signs expects targets of 0 and 1, but receives {words(form)}."
            raise CheckFailed(message, "Remove signs.")
        return "signs"
