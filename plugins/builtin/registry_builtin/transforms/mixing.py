"""Batch transforms that mix the samples of a batch, targets along with images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import Field

from registry_builtin.transforms.doubts import no_effect
from registry_builtin.transforms.targets import NUM_CLASSES, with_classes
from registry_core.components import CheckFailed, Image, RunFacts, Transform
from registry_core.components.forms import TargetForm, words
from registry_core.components.transform import Randomness, Unit
from registry_core.components.types import PositiveFloat, PositiveInt

_MIXED: tuple[TargetForm, ...] = ("class_indices", "one_hot", "multi_hot", "distributions")


class _Mixing(Transform):
    """Base of the mixing transforms."""

    random: ClassVar[Randomness] = "counter"
    unit: ClassVar[Unit] = "batch"
    example: ClassVar[Mapping[str, Any]] = {"alpha": 0.2, "num_classes": 10}

    alpha: PositiveFloat = Field(default=1.0, description="Both parameters of the Beta distribution, above 0.")
    num_classes: PositiveInt | None = Field(default=None, description=NUM_CLASSES)

    def for_classes(self, classes: int | None) -> Self:
        """Return a copy with the number of classes."""
        made: Self = with_classes(self, classes)
        return made

    def infer_image(self, image: Image) -> Image:
        """Return the image unchanged; CheckFailed unless it is a float tensor."""
        if image.form != "float":
            raise CheckFailed(
                f"{self.name} expects float tensors, but receives a {image}.", "Add to_tensor to transforms."
            )
        return image

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Classes become distributions; CheckFailed for targets that are not classes."""
        if form not in (*_MIXED, "any"):
            message = f"{self.name} expects classes as targets, but receives {words(form)}."
            raise CheckFailed(message, f"Remove {self.name}.")
        return "distributions"

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of an alpha whose Beta distribution draws 0 and 1 alone."""
        if self.alpha >= _LEAST_ALPHA:
            return ()
        reason = f"alpha {self.alpha:g} takes nearly every image from one sample alone"
        return (no_effect(self.name, reason, "alpha", remedy="Set a larger alpha, such as 0.2."),)


_LEAST_ALPHA = 0.01
"""Below, more than 95 of 100 shares are under 1 or over 99 per cent."""


class MixUp(_Mixing):
    """Mix each image of a batch with the previous one, and their targets in the same proportion l : 1 - l.

    Input: `input`, float [batch, channels, height, width]; `target`, class indices [batch] or float [batch, classes].
    Output: the same, with `target` as float [batch, classes]. l is the share of the image itself, drawn for each batch
    from Beta(`alpha`, `alpha`); the first image is mixed with the last. Belongs in batch_transforms. Equivalent to
    torchvision.transforms.v2.MixUp (Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018).
    """

    target = "registry_builtin.objects.mixing:MixUp"


class CutMix(_Mixing):
    """Replace a rectangle of each image of a batch by that of the previous image, and mix their targets by area.

    Input and output: as for mixup. The centre of the rectangle is uniform over the image; its sides are sqrt(1 - l)
    times those of the image, clipped at the edges, with l drawn for each batch from Beta(`alpha`, `alpha`). Draws after
    l: x, y. Belongs in batch_transforms. Equivalent to torchvision.transforms.v2.CutMix (Yun et al., "CutMix:
    Regularization strategy to train strong classifiers with localizable features", ICCV 2019).
    """

    target = "registry_builtin.objects.mixing:CutMix"
