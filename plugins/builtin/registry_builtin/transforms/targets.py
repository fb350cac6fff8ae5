"""Transforms of targets: class numbers as vectors, and truth values as signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field

from registry_core.components import CheckFailed, DataFacts, Image, Transform
from registry_core.components.forms import TargetForm, taken, words
from registry_core.components.types import PositiveInt, Probability

NUM_CLASSES = "Number of classes. None: that of the model, or of the training data."


def with_classes(transform: Any, classes: int | None) -> Any:
    """A transform whose `num_classes` is set; CheckFailed if it is not what model or data have, or not known."""
    if transform.num_classes is None and classes is None:
        message = f"{transform.name} cannot tell the number of classes from the model or the data."
        raise CheckFailed(message, "Set num_classes.")
    if transform.num_classes is None:
        return transform.model_copy(update={"num_classes": classes})
    if classes is not None and transform.num_classes != classes:
        message = f"{transform.name} is for {transform.num_classes} classes, but the model or the data have {classes}."
        raise CheckFailed(message, f"Set num_classes to {classes}, or leave it out.", ("num_classes",))
    return transform


class OneHot(Transform):
    """Turn the class number of a sample into a vector: 1 at the place of the class, else 0.

    In: the entry `target`, a whole number from 0 to `num_classes` - 1. Out: float32 [num_classes]. With `smoothing` s
    each vector is mixed with equal parts of all classes: 1 - s + s / num_classes at the class, s / num_classes
    elsewhere. As torch.nn.functional.one_hot; smoothing as in Szegedy et al., "Rethinking the Inception architecture
    for computer vision", CVPR 2016.
    """

    target = "registry_builtin.objects.targets:OneHot"
    example: ClassVar[Mapping[str, Any]] = {"num_classes": 10}

    num_classes: PositiveInt | None = Field(default=None, description=NUM_CLASSES)
    smoothing: Probability = Field(default=0.0, description="What part is shared among all classes, 0 to 1.")

    def for_classes(self, classes: int | None) -> Self:
        """The same with the number of classes."""
        made: Self = with_classes(self, classes)
        return made

    def infer_image(self, image: Image) -> Image:
        """The image stays as it is."""
        return image

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Class numbers become vectors of 0 and 1, or with smoothing distributions."""
        if form not in ("class_indices", "any"):
            raise CheckFailed(f"one_hot takes class numbers, and the targets are {words(form)}.", "Remove one_hot.")
        return "distributions" if self.smoothing else "one_hot"


class Signs(Transform):
    """Turn targets of 0 and 1 into -1 and 1.

    In: the entry `target`, 0 or 1, a number or a tensor of any shape; out: the same as float32, -1 for 0 and 1 for 1.
    What soft_margin and hinge_embedding take.
    """

    target = "registry_builtin.objects.targets:Signs"

    def infer_image(self, image: Image) -> Image:
        """The image stays as it is."""
        return image

    def check_sample(self, facts: DataFacts) -> None:
        """Class numbers are 0 and 1."""
        largest = facts.largest_label if facts.num_classes is None else facts.num_classes - 1
        if facts.target_form == "class_indices" and largest is not None and largest > 1:
            message = f"signs takes targets of 0 and 1, and the targets are class numbers up to {largest}."
            raise CheckFailed(message, "Put one_hot before signs, or remove signs.")

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Zeros and ones become signs."""
        if form != "class_indices" and not taken(form, ("multi_hot",)):
            message = f"signs takes targets of 0 and 1, and the targets are {words(form)}."
            raise CheckFailed(message, "Remove signs.")
        return "signs"
