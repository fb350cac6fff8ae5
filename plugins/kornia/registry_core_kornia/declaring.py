"""Base classes of the declarations: transforms of whole batches of float images, on the device of the model."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, ClassVar, Self

from packaging.version import Version
from pydantic import Field, model_validator

from registry_core.components import Image, ParameterError, Transform
from registry_core.components.transform import Randomness, Unit
from registry_core.components.types import Probability
from registry_core.components.uncovering import UncoveringTransform
from registry_core.diagnostics import BrokenComponent
from registry_core_kornia.facts import anywhere, float_images, from_0_to_1, with_channels
from registry_core_kornia.parameters import SAME, P

OLDEST = "0.9"
"""The oldest supported version of kornia; earlier ones use other formulas."""


class KorniaTransform(Transform):
    """A transform whose target is an augmentation of kornia, called with the images of a batch.

    kornia draws on the CPU, from the global generator of torch, which the core seeds for each batch: the numbers do not
    depend on the device.
    """

    random: ClassVar[Randomness] = "generators"
    unit: ClassVar[Unit] = "batch"
    on_device: ClassVar[bool] = True
    always_alike: ClassVar[bool] = False
    """True if it draws nothing for an image that it is applied to."""
    channels: ClassVar[tuple[int, ...]] = ()
    """Allowed numbers of channels; empty: any."""
    needs_0_to_1: ClassVar[bool] = False
    """True if values must be from 0 to 1."""
    sums_whole_numbers: ClassVar[bool] = False
    """True if it uses operations that torch considers nondeterministic on CUDA, but only with exact results."""

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if it draws how to change an image, or which images it changes."""
        p = getattr(self, "p", 1.0)
        return bool(0 < p < 1 if self.always_alike else p)

    def infer_image(self, image: Image) -> Image:
        """Return the image after the transform; raise CheckFailed if it cannot be applied."""
        taken = with_channels(float_images(image, self.name), self.name, self.channels)
        return self.after(from_0_to_1(taken, self.name) if self.needs_0_to_1 else taken)

    def after(self, image: Image) -> Image:
        """Return a supported image after the transform; raise CheckFailed if its size is wrong."""
        return image

    def make(self, *leading: Any) -> Any:
        """Build the augmentation of kornia; raise BrokenComponent if kornia is too old."""
        if Version(version("kornia")) < Version(OLDEST):
            message = f"The {self.label} requires kornia {OLDEST} or newer, but {version('kornia')} is installed."
            raise BrokenComponent(f"{message} Run: pip install 'kornia>={OLDEST}'.")
        return super().make(*leading)

    def build(self) -> Callable[..., Any]:
        """Build the augmentation for batches."""
        from registry_core_kornia.objects.adapters import OnImages

        return OnImages(self, self.make())


class Change(KorniaTransform):
    """An augmentation that changes the values of each image with probability `p`."""

    p: Probability = Field(default=0.5, description=P)
    same_on_batch: bool = Field(default=False, description=SAME)


class Colour(Change):
    """An augmentation whose input and output have values from 0 to 1."""

    needs_0_to_1: ClassVar[bool] = True

    def after(self, image: Image) -> Image:
        """Return the image with any values from 0 to 1."""
        return anywhere(image)


class Geometric(KorniaTransform):
    """An augmentation that moves the pixels of images together with those of masks."""

    mask_flags: ClassVar[dict[str, float | str]] = {}
    """Flags that differ for masks: the value of added pixels, and the interpolation."""

    def build(self) -> Callable[..., Any]:
        """Build the augmentation for batches and their masks."""
        from registry_core_kornia.objects.adapters import OnImagesAndMasks

        return OnImagesAndMasks(self, self.make(), self.mask_flags)


class Uncovering(UncoveringTransform, Geometric):
    """An augmentation whose output has pixels that the input does not cover."""

    @model_validator(mode="after")
    def _mask_fill_is_used(self) -> Self:
        for name in ("padding_mode", "pad_mode"):
            mode = getattr(self, name, "zeros")
            if self.mask_fill is not None and mode not in ("zeros", "fill", "constant"):
                raise ParameterError(f"`mask_fill` has no effect with {name} {mode!r}", "Remove mask_fill")
        return self

    def is_argument(self, field: str) -> bool:
        """Return False for ``mask_fill``: kornia itself fills masks with 0."""
        return field != "mask_fill" and super().is_argument(field)


class Moved(Geometric):
    """An augmentation that moves the pixels of each image with probability `p`."""

    p: Probability = Field(default=0.5, description=P)
    same_on_batch: bool = Field(default=False, description=SAME)
