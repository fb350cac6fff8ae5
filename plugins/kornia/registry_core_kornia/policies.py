"""Augmentations that choose by themselves what they do to a batch."""

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
    """What they share: several kinds of changes, geometric ones among them, of values from 0 to 1."""

    needs_0_to_1: ClassVar[bool] = True
    sums_whole_numbers: ClassVar[bool] = True

    def build(self) -> Callable[..., Any]:
        """The augmentation, for batches without masks."""
        from registry_core_kornia.objects.adapters import ImagesWithoutMasks

        return ImagesWithoutMasks(self, self.make())

    def after(self, image: Image) -> Image:
        """Values may go anywhere from 0 to 1; CheckFailed if images are too small to be sharpened."""
        least(image, self.name, (3, 3), " to sharpen them", f"Remove {self.name}, or resize before it.")
        return anywhere(image)

    def infer_target(self, form: TargetForm) -> TargetForm:
        """The targets stay; CheckFailed if they are class maps."""
        return not_maps(form, self.name, "turns, shears and shifts some images")


class AutoAugment(_Policy):
    """Change the images of a batch by one of 25 pairs of operations that a search found for a data set.

    In and out: float images [batch, 3, height, width], values from 0 to 1; with policy svhn any number of channels. The
    pair is one for the batch; whether an image is changed, and in which direction, is drawn for each. As
    kornia.augmentation.auto.AutoAugment (Cubuk et al., "AutoAugment: Learning augmentation strategies from data",
    CVPR 2019).
    """

    target: ClassVar[str] = "kornia.augmentation.auto:AutoAugment"

    policy: Literal["imagenet", "cifar10", "svhn"] = Field(
        default="imagenet", description="The data set that the pairs were found for."
    )

    def after(self, image: Image) -> Image:
        """As the others; the pairs for svhn neither change colours nor sharpen, and take any image."""
        return anywhere(image) if self.policy == "svhn" else super().after(with_channels(image, self.name, (3,)))


class RandAugment(_Policy):
    """Change the images of a batch by `n` of 15 operations, all of strength `m`.

    In and out: float images [batch, 3, height, width], values from 0 to 1. The operations are the same for the batch.
    As kornia.augmentation.auto.RandAugment (Cubuk et al., "RandAugment: Practical automated data augmentation with a
    reduced search space", NeurIPS 2020).
    """

    target: ClassVar[str] = "kornia.augmentation.auto:RandAugment"
    channels: ClassVar[tuple[int, ...]] = (3,)
    example: ClassVar[Mapping[str, Any]] = {"n": 2, "m": 10}

    n: Annotated[int, Ge(1), Le(15)] = Field(description="Number of operations, 1 to 15.")
    m: Annotated[int, Ge(1), Le(29)] = Field(description="Strength of the operations, 1 to 29.")


class TrivialAugment(_Policy):
    """Change the images of a batch by one of 12 operations, of a strength that is drawn for each image.

    In and out: float images [batch, channels, height, width], values from 0 to 1. As
    kornia.augmentation.auto.TrivialAugment (Müller and Hutter, "TrivialAugment: Tuning-free yet state-of-the-art data
    augmentation", ICCV 2021).
    """

    target: ClassVar[str] = "kornia.augmentation.auto:TrivialAugment"
