"""Warps: affine, perspective and elastic transformations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.transforms.doubts import far_values, large_factor, no_effect, small_angles, spoils, turned
from registry_builtin.transforms.image_facts import warped
from registry_builtin.transforms.parameters import (
    CENTER,
    FILL,
    OLD_WARP,
    WARP,
    Angles,
    Shears,
    TwoAmounts,
    torch_fill,
    torch_mode,
)
from registry_core.components import CheckFailed, Image, RunFacts
from registry_core.components.forms import Aspect
from registry_core.components.transform import Randomness
from registry_core.components.types import Fill, OrderedPair, Probability, WarpInterpolation
from registry_core.components.uncovering import UncoveringTransform


class RandomAffine(UncoveringTransform):
    """Rotate, translate, scale and shear the image around its centre by random amounts.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the size does not change. Each
    amount is uniform in its range; translations are rounded to whole pixels. Draws: angle, translation right,
    translation down, scale, shear x, shear y. Equivalent to torchvision.transforms.v2.RandomAffine, except that
    uncovered pixels of masks get `mask_fill`.
    """

    target = "registry_builtin.objects.random_warps:RandomAffine"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"degrees": 10, "translate": [0.1, 0.1], "scale": [0.9, 1.1], "shear": 5}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_WARP

    degrees: Angles = Field(
        description="Smallest and largest angle in degrees, clockwise; a single number d means [-d, d], 0 means no "
        "rotation."
    )
    translate: tuple[Probability, Probability] = Field(
        default=(0.0, 0.0),
        description="Largest translation [along x, along y], as a fraction of width and height, 0 to 1.",
    )
    scale: OrderedPair = Field(default=(1.0, 1.0), description="Smallest and largest scale factor, above 0.")
    shear: Shears = Field(
        default=(0.0, 0.0, 0.0, 0.0),
        description="Shear in degrees: a number s for [-s, s] along x, [smallest, largest] along x, or [x smallest, x "
        "largest, y smallest, y largest].",
    )
    interpolation: WarpInterpolation = Field(default="nearest", description=WARP)
    fill: Fill = Field(default=0, description=FILL)
    center: tuple[float, float] | None = Field(default=None, description=CENTER)

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in the form of torchvision's functions."""
        return {**super().arguments(), "interpolation": torch_mode(self.interpolation), "fill": torch_fill(self.fill)}

    def infer_image(self, image: Image) -> Image:
        """The size does not change; uncovered pixels contain the fill."""
        return warped(image, self.interpolation, self.fill)

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if an amount is drawn."""
        ranges = (self.degrees, self.scale, self.shear[:2], self.shear[2:])
        return self.translate != (0, 0) or any(low < high for low, high in ranges)

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """Return the direction of things, and which side is up."""
        return turned(self.degrees)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of amounts that change nothing, are in another unit, or leave nothing of the image."""
        angles = (*self.degrees, *self.shear)
        if not any(angles) and self.scale == (1, 1) and self.translate == (0, 0):
            return [no_effect(self.name, "all amounts are 0", "degrees", remedy="Set degrees, translate or others.")]
        found = [*small_angles(facts.image, "degrees", self.degrees), *small_angles(facts.image, "shear", self.shear)]
        found += large_factor("scale", self.scale)
        if max(self.translate) == 1:
            message = "translate is a fraction of the image's sides: 1 moves images out of sight."
            found.append(spoils(message, "Write fractions, such as [0.1, 0.1].", "translate"))
        if self.scale[1] < _LEAST_SCALE:
            message = f"scale shrinks images to at most {self.scale[1]:g} of their sides."
            found.append(spoils(message, "Write factors around 1, such as [0.9, 1.1].", "scale"))
        return [*found, *far_values(facts.image, "fill", self.fill)]


_LEAST_SCALE = 0.1
"""Below this scale, little is left of an image."""


class RandomPerspective(UncoveringTransform):
    """Apply a random perspective transformation with probability `p`.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the size does not change. Each
    corner moves inwards by whole pixels, up to `distortion_scale` times half the width and height; if all corners end
    up on one line, the image does not change. Draws: the decision, then x and y of each corner, clockwise from the
    upper left. Equivalent to torchvision.transforms.v2.RandomPerspective, except that uncovered pixels of masks get
    `mask_fill`.
    """

    target = "registry_builtin.objects.random_warps:RandomPerspective"
    random: ClassVar[Randomness] = "counter"
    old_spellings: ClassVar[Mapping[str, str]] = OLD_WARP

    distortion_scale: Probability = Field(
        default=0.5, description="Largest movement of a corner, as a fraction of half the width and height, 0 to 1."
    )
    p: Probability = Field(default=0.5, description="Probability of the transformation, 0 to 1.")
    interpolation: WarpInterpolation = Field(default="bilinear", description=WARP)
    fill: Fill = Field(default=0, description=FILL)

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in the form of torchvision's functions."""
        return {**super().arguments(), "interpolation": torch_mode(self.interpolation), "fill": torch_fill(self.fill)}

    def infer_image(self, image: Image) -> Image:
        """The size does not change; uncovered pixels contain the fill."""
        for side in (image.height, image.width):
            if self.p and side is not None and side < 2:
                message = f"random_perspective requires at least 2 x 2 pixels, but receives a {image}."
                raise CheckFailed(message, "Put resize before it.")
        return warped(image, self.interpolation, self.fill)

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if corners move."""
        return self.p > 0 and self.distortion_scale > 0

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of corners that do not move, and of a fill out of range."""
        if self.distortion_scale == 0:
            return [no_effect(self.name, "distortion_scale is 0", "distortion_scale")]
        return list(far_values(facts.image, "fill", self.fill))


class Elastic(UncoveringTransform):
    """Displace each pixel by a smooth random vector field, as if seen through water.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the size does not change.
    Displacements are uniform from -1 to 1, smoothed by a Gaussian of `sigma` pixels, times `alpha` pixels. All images
    and masks of a sample must have the same size. torchvision draws its own random numbers, from generators seeded for
    the sample. Equivalent to torchvision.transforms.v2.ElasticTransform (Simard et al., "Best practices for
    convolutional neural networks applied to visual document analysis", ICDAR 2003), except that uncovered pixels of
    masks get `mask_fill`.
    """

    target = "torchvision.transforms.v2:ElasticTransform"
    random: ClassVar[Randomness] = "generators"
    example: ClassVar[Mapping[str, Any]] = {"alpha": 8.0, "sigma": 0.8}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_WARP

    alpha: TwoAmounts = Field(
        default=(50.0, 50.0), description="Magnitude of the displacements in pixels, along x and along y."
    )
    sigma: TwoAmounts = Field(
        default=(5.0, 5.0),
        description="Smoothness in pixels, along x and along y; 0 for both disables smoothing. Each side of the image "
        "must exceed 4 sigma pixels.",
    )
    interpolation: Literal["nearest", "bilinear"] = Field(
        default="bilinear", description="Interpolation mode. Masks use nearest."
    )
    fill: Fill = Field(default=0, description=FILL)

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.sigma[0] == 0) != (self.sigma[1] == 0):
            raise ValueError(f"`sigma` must be above 0 for both x and y, or 0 for both, not {list(self.sigma)!r}")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in torchvision's form, with separate fills for images and masks."""
        from torchvision.tv_tensors import Mask

        changed = {name: list(getattr(self, name)) for name in ("alpha", "sigma")}
        fill = {"others": torch_fill(self.fill), Mask: self.mask_fill or 0}
        return {**changed, "interpolation": torch_mode(self.interpolation), "fill": fill}

    def build(self) -> Callable[..., Any]:
        """Wrap torchvision's transform so that it accepts samples."""
        from registry_builtin.objects.sample_images import OnOneSize

        return OnOneSize(self.make())

    def infer_image(self, image: Image) -> Image:
        """The size does not change; uncovered pixels contain the fill."""
        edge = max(int(8 * sigma + 1) // 2 for sigma in self.sigma)
        for side in (image.height, image.width):
            if side is not None and self.sigma[0] and side <= edge:
                message = f"sigma {max(self.sigma):g} requires images of more than {edge} pixels per side, not {side}."
                raise CheckFailed(message, "Set a smaller sigma, or put resize before it.")
        return warped(image, self.interpolation, self.fill)

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if pixels move."""
        return self.alpha != (0, 0)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of pixels that do not move, of displacements as large as the image, and of a fill out of range."""
        image, moved = facts.image, max(map(self._moved, self.alpha, self.sigma))
        if moved == 0:
            return [no_effect(self.name, "alpha is 0", "alpha")]
        side = None if image is None or image.height is None or image.width is None else min(image.height, image.width)
        found = list(far_values(image, "fill", self.fill))
        if side is not None and moved > side:
            message = f"alpha and sigma move pixels by about {moved:.3g}, more than the {side} pixels of the image."
            found.append(spoils(message, "Set a smaller alpha, or a larger sigma.", "alpha"))
        return found

    @staticmethod
    def _moved(alpha: float, sigma: float) -> float:
        """Return the standard deviation of the displacements in pixels: half of alpha in torchvision, smoothed."""
        return alpha / 2 / math.sqrt(3) / max(1.0, 2 * math.sqrt(math.pi) * sigma)
