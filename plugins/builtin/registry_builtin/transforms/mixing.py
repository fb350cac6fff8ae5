"""Batch transforms that mix samples of a batch with each other, targets with images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field

from registry_builtin.transforms.targets import NUM_CLASSES, with_classes
from registry_core.components import CheckFailed, Image, Transform
from registry_core.components.forms import TargetForm, words
from registry_core.components.transform import Randomness, Unit
from registry_core.components.types import PositiveFloat, PositiveInt

_MIXED: tuple[TargetForm, ...] = ("class_indices", "one_hot", "multi_hot", "distributions")


class _Mixing(Transform):
    """What mixing shares."""

    random: ClassVar[Randomness] = "counter"
    unit: ClassVar[Unit] = "batch"
    example: ClassVar[Mapping[str, Any]] = {"alpha": 0.2, "num_classes": 10}

    alpha: PositiveFloat = Field(default=1.0, description="Both parameters of the Beta distribution, above 0.")
    num_classes: PositiveInt | None = Field(default=None, description=NUM_CLASSES)

    def for_classes(self, classes: int | None) -> Self:
        """The same with the number of classes."""
        made: Self = with_classes(self, classes)
        return made

    def infer_image(self, image: Image) -> Image:
        """Nothing that is known of the images changes."""
        if image.form != "float":
            raise CheckFailed(
                f"{self.name} mixes float tensors, and this is a {image}.", "Add to_tensor to transforms."
            )
        return image

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Classes become distributions."""
        if form not in (*_MIXED, "any"):
            message = f"{self.name} mixes classes, and the targets are {words(form)}."
            raise CheckFailed(message, f"Remove {self.name}.")
        return "distributions"


class MixUp(_Mixing):
    """Mix each image of a batch with the one before it, and their targets alike: l of its own, 1 - l of the other.

    In: `input`, float [batch, channels, height, width]; `target`, class numbers [batch] or float [batch, classes].
    Out: the same, `target` as float [batch, classes]. l is drawn for each batch from Beta(`alpha`, `alpha`); the
    first image is mixed with the last. Stands in batch_transforms. As torchvision.transforms.v2.MixUp (Zhang et al.,
    "mixup: Beyond empirical risk minimization", ICLR 2018).
    """

    target = "registry_builtin.objects.mixing:MixUp"


class CutMix(_Mixing):
    """Replace a rectangle of each image of a batch by that of the one before it, and mix their targets by its area.

    In and out as mixup. The middle of the rectangle lies anywhere in the image; its sides are sqrt(1 - l) of the
    image's, cut at its edges, with l drawn for each batch from Beta(`alpha`, `alpha`). Draws after l: x, y. Stands in
    batch_transforms. As torchvision.transforms.v2.CutMix (Yun et al., "CutMix: Regularization strategy to train
    strong classifiers with localizable features", ICCV 2019).
    """

    target = "registry_builtin.objects.mixing:CutMix"
