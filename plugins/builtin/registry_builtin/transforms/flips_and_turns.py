"""Flips and rotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_builtin.transforms.doubts import far_values, no_effect, small_angles, turned
from registry_builtin.transforms.image_facts import unsized, warped
from registry_builtin.transforms.parameters import (
    CENTER,
    FILL,
    OLD_WARP,
    WARP,
    Angles,
    torch_fill,
    torch_mode,
)
from registry_core.components import CheckFailed, Image, ParameterError, RunFacts, Transform
from registry_core.components.forms import Aspect
from registry_core.components.transform import Randomness
from registry_core.components.types import Fill, Probability, WarpInterpolation
from registry_core.components.uncovering import UncoveringTransform


class _Flip(Transform):
    random: ClassVar[Randomness] = "counter"

    altered: ClassVar[frozenset[Aspect]] = frozenset()
    """The aspects of an image that a flip changes."""

    p: Probability = Field(default=0.5, description="Probability of a flip, 0 to 1.")

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if only some images are flipped."""
        return 0 < self.p < 1

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """Return what a flip changes of an image."""
        return self.altered if self.p else frozenset()

    def infer_image(self, image: Image) -> Image:
        """Return the image unchanged: a flip affects none of its facts."""
        return image


class RandomHorizontalFlip(_Flip):
    """Flip the image horizontally with probability `p`.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the size does not change.
    Draws: one number; the image is flipped if it is below `p`. Equivalent to
    torchvision.transforms.v2.RandomHorizontalFlip.
    """

    target = "registry_builtin.objects.random_geometry:RandomHorizontalFlip"
    altered: ClassVar[frozenset[Aspect]] = frozenset({"handedness", "angle"})


class RandomVerticalFlip(_Flip):
    """Flip the image vertically with probability `p`.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the size does not change.
    Draws: one number; the image is flipped if it is below `p`. Equivalent to
    torchvision.transforms.v2.RandomVerticalFlip.
    """

    target = "registry_builtin.objects.random_geometry:RandomVerticalFlip"
    altered: ClassVar[frozenset[Aspect]] = frozenset({"handedness", "upright", "angle"})


class RandomRotation(UncoveringTransform):
    """Rotate the image counter-clockwise by a random angle.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the size does not change
    unless `expand` is true. The angle is uniform in `degrees`. Draws: the angle. Equivalent to
    torchvision.transforms.v2.RandomRotation, except that uncovered pixels of masks get `mask_fill`.
    """

    target = "registry_builtin.objects.random_warps:RandomRotation"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"degrees": 15, "interpolation": "bilinear"}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_WARP

    degrees: Angles = Field(description="Smallest and largest angle in degrees; a single number d means [-d, d].")
    interpolation: WarpInterpolation = Field(default="nearest", description=WARP)
    expand: bool = Field(
        default=False,
        description="If true, the output grows to hold the whole rotated image; its size then varies from sample to "
        "sample, so resize or crop it afterwards.",
    )
    center: tuple[float, float] | None = Field(default=None, description=CENTER)
    fill: Fill = Field(default=0, description=FILL)

    @model_validator(mode="after")
    def _center_is_used(self) -> Self:
        if self.expand and self.center is not None:
            raise ParameterError("`center` has no effect when expand is true", "Remove center")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in the form of torchvision's functions."""
        return {
            **super().arguments(),
            "interpolation": torch_mode(self.interpolation),
            "fill": torch_fill(self.fill),
        }

    def infer_image(self, image: Image) -> Image:
        """The size does not change; with `expand`, it is unknown."""
        after = warped(image, self.interpolation, self.fill)
        if not self.expand:
            return after
        if self.degrees[0] != self.degrees[1]:
            return unsized(after, keeps_aspect=False)
        if self.degrees[0] % 180 == 0:
            return after
        if self.degrees[0] % 90 == 0:
            return after.changed(height=image.width, width=image.height)
        return after.changed(height=None, width=None, square=False)

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if angles differ."""
        return self.degrees[0] < self.degrees[1]

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """Return the direction of things, and which side is up."""
        return turned(self.degrees)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a rotation by 0 degrees, of angles in radians, and of a fill out of range."""
        if self.degrees == (0, 0):
            return [no_effect(self.name, "degrees is 0", "degrees")]
        return [*small_angles(facts.image, "degrees", self.degrees), *far_values(facts.image, "fill", self.fill)]
