"""Augmentation policies, which choose the operations for a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le
from pydantic import Field

from registry_core.components import Image
from registry_core.components.forms import TargetForm
from registry_core_kornia.declaring import KorniaTransform
from registry_core_kornia.facts import anywhere, least, not_maps, with_channels


class _Policy(KorniaTransform):
    """Base class of policies: several operations, including geometric ones, on values from 0 to 1."""

    needs_0_to_1: ClassVar[bool] = True
    sums_whole_numbers: ClassVar[bool] = True

    def build(self) -> Callable[..., Any]:
        """Build the augmentation for batches without masks."""
        from registry_core_kornia.objects.adapters import ImagesWithoutMasks

        return ImagesWithoutMasks(self, self.make())

    def after(self, image: Image) -> Image:
        """Return the image with any values from 0 to 1; raise CheckFailed if images are too small to be sharpened."""
        least(image, self.name, (3, 3), " for sharpening", f"Remove {self.name}, or resize before it.")
        return anywhere(image)

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Return the form unchanged; raise CheckFailed for class maps."""
        return not_maps(form, self.name, "rotates, shears and shifts some images")


class AutoAugment(_Policy):
    """Apply one of 25 pairs of operations, which were found by a search for a dataset.

    Input and output: float images [batch, 3, height, width], values from 0 to 1; with the policy svhn, any number of
    channels. The pair is the same for the batch; whether and in which direction an image is changed is drawn for each
    image. Equivalent to kornia.augmentation.auto.AutoAugment (Cubuk et al., "AutoAugment: Learning augmentation
    strategies from data", CVPR 2019).
    """

    target: ClassVar[str] = "kornia.augmentation.auto:AutoAugment"

    policy: Literal["imagenet", "cifar10", "svhn"] = Field(
        default="imagenet", description="Dataset for which the pairs were found."
    )

    def after(self, image: Image) -> Image:
        """As for the others; the pairs of svhn neither change colors nor sharpen, and accept any image."""
        return anywhere(image) if self.policy == "svhn" else super().after(with_channels(image, self.name, (3,)))


class RandAugment(_Policy):
    """Apply `n` of 15 operations, all with strength `m`, to the images of a batch.

    Input and output: float images [batch, 3, height, width], values from 0 to 1. The operations are the same for the
    whole batch. Equivalent to kornia.augmentation.auto.RandAugment (Cubuk et al., "RandAugment: Practical automated
    data augmentation with a reduced search space", NeurIPS 2020).
    """

    target: ClassVar[str] = "kornia.augmentation.auto:RandAugment"
    channels: ClassVar[tuple[int, ...]] = (3,)
    example: ClassVar[Mapping[str, Any]] = {"n": 2, "m": 10}

    n: Annotated[int, Ge(1), Le(15)] = Field(description="Number of operations, 1 to 15.")
    m: Annotated[int, Ge(1), Le(29)] = Field(description="Strength of the operations, 1 to 29.")


class TrivialAugment(_Policy):
    """Apply one of 12 operations to the images of a batch, with a strength drawn for each image.

    Input and output: float images [batch, channels, height, width], values from 0 to 1. Equivalent to
    kornia.augmentation.auto.TrivialAugment (Müller and Hutter, "TrivialAugment: Tuning-free yet state-of-the-art data
    augmentation", ICCV 2021).
    """

    target: ClassVar[str] = "kornia.augmentation.auto:TrivialAugment"
