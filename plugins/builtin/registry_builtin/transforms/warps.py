"""Warps: affine maps, perspective and elastic changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

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
from registry_core.components import CheckFailed, Image, Transform
from registry_core.components.transform import Randomness
from registry_core.components.types import Fill, OrderedPair, Probability, WarpInterpolation


class RandomAffine(Transform):
    """Turn, shift, scale and shear the image, each by a random amount, around its middle.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type, of the same size. Each amount is
    uniform in its range; shifts are rounded to whole pixels. Draws: angle, shift right, shift down, scale, shear x,
    shear y. As torchvision.transforms.v2.RandomAffine, with uncovered pixels of masks 0.
    """

    target = "registry_builtin.objects.random_warps:RandomAffine"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"degrees": 10, "translate": [0.1, 0.1], "scale": [0.9, 1.1], "shear": 5}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_WARP

    degrees: Angles = Field(
        description="Smallest and largest angle in degrees, clockwise; one number d stands for [-d, d], 0: no turn."
    )
    translate: tuple[Probability, Probability] = Field(
        default=(0.0, 0.0), description="Largest shift [along x, along y], as a part of width and height, 0 to 1."
    )
    scale: OrderedPair = Field(default=(1.0, 1.0), description="Smallest and largest factor of the size, above 0.")
    shear: Shears = Field(
        default=(0.0, 0.0, 0.0, 0.0),
        description="Shear in degrees: a number s for [-s, s] along x, [smallest, largest] along x, or "
        "[x smallest, x largest, y smallest, y largest].",
    )
    interpolation: WarpInterpolation = Field(default="nearest", description=WARP)
    fill: Fill = Field(default=0, description=FILL)
    center: tuple[float, float] | None = Field(default=None, description=CENTER)

    def arguments(self) -> dict[str, Any]:
        """The parameters as torchvision's functions take them."""
        return {**super().arguments(), "interpolation": torch_mode(self.interpolation), "fill": torch_fill(self.fill)}

    def infer_image(self, image: Image) -> Image:
        """The image has the same size; uncovered pixels show the fill."""
        return warped(image, self.interpolation, self.fill)


class RandomPerspective(Transform):
    """Show the image as if seen from the side, with probability `p`.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type, of the same size. Each corner moves
    inwards by whole pixels, up to `distortion_scale` times half the width and height; where all come to lie on one
    line, the image stays as it is. Draws: whether, then x and y of
    the upper left corner and on clockwise. As torchvision.transforms.v2.RandomPerspective, with uncovered pixels of
    masks 0.
    """

    target = "registry_builtin.objects.random_warps:RandomPerspective"
    random: ClassVar[Randomness] = "counter"
    old_spellings: ClassVar[Mapping[str, str]] = OLD_WARP

    distortion_scale: Probability = Field(
        default=0.5, description="How far corners may move, as a part of half the width and height, 0 to 1."
    )
    p: Probability = Field(default=0.5, description="Probability of a change, 0 to 1.")
    interpolation: WarpInterpolation = Field(default="bilinear", description=WARP)
    fill: Fill = Field(default=0, description=FILL)

    def arguments(self) -> dict[str, Any]:
        """The parameters as torchvision's functions take them."""
        return {**super().arguments(), "interpolation": torch_mode(self.interpolation), "fill": torch_fill(self.fill)}

    def infer_image(self, image: Image) -> Image:
        """The image has the same size; uncovered pixels show the fill."""
        for side in (image.height, image.width):
            if self.p and side is not None and side < 2:
                message = f"random_perspective needs at least 2 x 2 pixels, and this is a {image}."
                raise CheckFailed(message, "Resize before it.")
        return warped(image, self.interpolation, self.fill)


class Elastic(Transform):
    """Move every pixel a little, neighbours alike: a picture as if seen through water.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type, of the same size. Shifts are uniform
    from -1 to 1, smoothed by a Gaussian of `sigma` pixels, times `alpha` pixels. All images and masks of a sample must
    have one size. torchvision's own random numbers, from generators seeded for the sample. As
    torchvision.transforms.v2.ElasticTransform (Simard et al., "Best practices for convolutional neural networks
    applied to visual document analysis", ICDAR 2003), with uncovered pixels of masks 0.
    """

    target = "torchvision.transforms.v2:ElasticTransform"
    random: ClassVar[Randomness] = "generators"
    example: ClassVar[Mapping[str, Any]] = {"alpha": 8.0, "sigma": 0.8}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_WARP

    alpha: TwoAmounts = Field(default=(50.0, 50.0), description="Size of shifts in pixels, along x and along y.")
    sigma: TwoAmounts = Field(
        default=(5.0, 5.0),
        description="Smoothness in pixels, along x and along y; 0 for both: none. The image needs more than 4 sigma "
        "pixels a side.",
    )
    interpolation: Literal["nearest", "bilinear"] = Field(
        default="bilinear", description="How new pixels are made from old ones. Masks take the nearest."
    )
    fill: Fill = Field(default=0, description=FILL)

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.sigma[0] == 0) != (self.sigma[1] == 0):
            raise ValueError(f"sigma must be above 0 for both x and y, or 0 for both, not {list(self.sigma)!r}")
        return self

    def arguments(self) -> dict[str, Any]:
        """The parameters as torchvision takes them, with the fill of images and of masks."""
        from torchvision.tv_tensors import Mask

        changed = {name: list(getattr(self, name)) for name in ("alpha", "sigma")}
        fill = {"others": torch_fill(self.fill), Mask: 0}
        return {**changed, "interpolation": torch_mode(self.interpolation), "fill": fill}

    def build(self) -> Callable[..., Any]:
        """The transform of torchvision, for samples."""
        from registry_builtin.objects.sample_images import OnOneSize

        return OnOneSize(self.make())

    def infer_image(self, image: Image) -> Image:
        """The image has the same size; uncovered pixels show the fill."""
        edge = max(int(8 * sigma + 1) // 2 for sigma in self.sigma)
        for side in (image.height, image.width):
            if side is not None and self.sigma[0] and side <= edge:
                message = f"sigma {max(self.sigma):g} needs images of more than {edge} pixels a side, not {side}."
                raise CheckFailed(message, "Use a smaller sigma, or resize before it.")
        return warped(image, self.interpolation, self.fill)
