"""What all declarations share: they work on whole batches of float images, where the model is."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, ClassVar

from packaging.version import Version
from pydantic import Field

from registry_core.components import Image, Transform
from registry_core.components.transform import Randomness, Unit
from registry_core.components.types import Probability
from registry_core.diagnostics import BrokenComponent
from registry_core_kornia.facts import anywhere, float_images, from_0_to_1, with_channels
from registry_core_kornia.parameters import SAME, P

OLDEST = "0.9"
"""The first kornia whose formulas these are."""


class KorniaTransform(Transform):
    """A transform whose target is an augmentation of kornia, called with the images of a batch.

    kornia draws on the processor, from torch's global generator, which the core seeds for each batch: numbers do not
    depend on the device.
    """

    random: ClassVar[Randomness] = "generators"
    unit: ClassVar[Unit] = "batch"
    on_device: ClassVar[bool] = True
    channels: ClassVar[tuple[int, ...]] = ()
    """Numbers of channels that images may have; empty: any."""
    needs_0_to_1: ClassVar[bool] = False
    """Whether values must lie from 0 to 1."""
    sums_whole_numbers: ClassVar[bool] = False
    """Whether it calls what torch counts as not repeatable on CUDA, with whole numbers or results that are."""

    def infer_image(self, image: Image) -> Image:
        """What the images are after it; CheckFailed if it does not work on them."""
        taken = with_channels(float_images(image, self.name), self.name, self.channels)
        return self.after(from_0_to_1(taken, self.name) if self.needs_0_to_1 else taken)

    def after(self, image: Image) -> Image:
        """What images that it can take are after it; CheckFailed if they are of the wrong size."""
        return image

    def make(self, *leading: Any) -> Any:
        """The augmentation of kornia; BrokenComponent if that is too old."""
        if Version(version("kornia")) < Version(OLDEST):
            message = f"The {self.label} needs kornia {OLDEST} or newer, and {version('kornia')} is installed."
            raise BrokenComponent(f"{message} Run: pip install 'kornia>={OLDEST}'.")
        return super().make(*leading)

    def build(self) -> Callable[..., Any]:
        """The augmentation, for batches."""
        from registry_core_kornia.objects.adapters import OnImages

        return OnImages(self, self.make())


class Change(KorniaTransform):
    """An augmentation that changes values, of each image with probability `p`."""

    p: Probability = Field(default=0.5, description=P)
    same_on_batch: bool = Field(default=False, description=SAME)


class Colour(Change):
    """An augmentation that needs values from 0 to 1, and gives such."""

    needs_0_to_1: ClassVar[bool] = True

    def after(self, image: Image) -> Image:
        """Values may go anywhere from 0 to 1."""
        return anywhere(image)


class Geometric(KorniaTransform):
    """An augmentation that moves pixels: those of images, and those of masks with them."""

    mask_flags: ClassVar[dict[str, float | str]] = {}
    """What differs for masks: the value of pixels that are added, and how pixels are made."""

    def build(self) -> Callable[..., Any]:
        """The augmentation, for batches, and the masks in them."""
        from registry_core_kornia.objects.adapters import OnImagesAndMasks

        return OnImagesAndMasks(self, self.make(), self.mask_flags)


class Moved(Geometric):
    """An augmentation that moves the pixels of each image with probability `p`."""

    p: Probability = Field(default=0.5, description=P)
    same_on_batch: bool = Field(default=False, description=SAME)
