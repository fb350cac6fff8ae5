"""Warps: affine maps, perspective, elastic transforms and lens distortions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Image, ParameterError
from registry_core.components.forms import TargetForm
from registry_core.components.types import NonNegativeFloat, Probability
from registry_core_kornia.declaring import Change, Moved, Uncovering
from registry_core_kornia.facts import not_maps, warped
from registry_core_kornia.parameters import (
    ALIGN,
    PADDING,
    RESAMPLE,
    Angles,
    GridResample,
    OddKernel,
    Range,
    Resample,
    SamplePadding,
    Scales,
    Shears,
    Shifts,
    Two,
    TwoAbove0,
)

_SHEAR = (
    "Shear in degrees, -360 to 360: a number s for [-s, s] along x, [smallest, largest] along x, or "
    "[x smallest, x largest, y smallest, y largest]."
)


class _Warp(Uncovering, Moved):
    """Base class of affine maps."""

    resample: Resample = Field(default="bilinear", description=RESAMPLE)
    align_corners: bool = Field(default=False, description=ALIGN)


class _PaddedWarp(_Warp):
    """Base class of affine maps with a padding mode."""

    padding_mode: SamplePadding = Field(default="zeros", description=PADDING)

    def after(self, image: Image) -> Image:
        """Return an image of the same size."""
        return warped(image, self.resample, self.padding_mode)


class RandomAffine(_Warp):
    """Rotate, shift, scale and shear images and masks of a batch around their center, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values, and masks of the same height and
    width; the size does not change. Each amount is uniform in its range. Equivalent to
    kornia.augmentation.RandomAffine.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomAffine"
    mask_flags: ClassVar[dict[str, float | str]] = {"fill_value": 0.0}
    example: ClassVar[Mapping[str, Any]] = {"degrees": 10, "translate": [0.1, 0.1], "scale": [0.9, 1.1], "shear": 5}

    degrees: Angles = Field(
        description="Smallest and largest angle in degrees, clockwise, -360 to 360; a single number d means [-d, d]."
    )
    translate: tuple[Probability, Probability] | None = Field(
        default=None,
        description="Largest shift [along x, along y], as a fraction of width and height, 0 to 1; null: none.",
    )
    scale: Scales | None = Field(
        default=None,
        description="Smallest and largest factor of the size, above 0, or [x smallest, x largest, y smallest, "
        "y largest]; null: 1.",
    )
    shear: Shears | None = Field(default=None, description=f"{_SHEAR} Null: none.")
    padding_mode: Literal["zeros", "border", "reflection", "fill"] = Field(
        default="zeros",
        description="Values of pixels from outside the image: black, the nearest edge pixel, the mirrored image, or "
        "fill_value.",
    )
    fill_value: float | tuple[float, ...] | None = Field(
        default=None, description="Value of pixels from outside if padding_mode is fill, or one value per channel."
    )

    @model_validator(mode="after")
    def _fill_is_used(self) -> Self:
        if (self.padding_mode == "fill") != (self.fill_value is not None):
            raise ParameterError("`padding_mode` fill and fill_value require each other", "Set both, or neither")
        if self.fill_value == ():
            raise ParameterError("`fill_value` is an empty list", "Write one value, or one per channel")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the parameters of kornia, with the fill value as a tensor."""
        from torch import tensor

        fill = None if self.fill_value is None else tensor(self.fill_value)
        return {**super().arguments(), "fill_value": fill}

    def after(self, image: Image) -> Image:
        """Return an image of the same size; raise CheckFailed if the fill has other channels."""
        fill = self.fill_value if isinstance(self.fill_value, tuple) else (self.fill_value or 0.0,)
        if len(fill) > 1 and image.channels not in (None, len(fill)):
            message = f"fill_value has {len(fill)} values, but the images have {image.channels} channels."
            raise CheckFailed(message, "Write one value, or one per channel.", ("fill_value",))
        return warped(image, self.resample, self.padding_mode, *fill)


class RandomShear(_PaddedWarp):
    """Shear images and masks of a batch around their center, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values, and masks of the same height and
    width; the size does not change. Equivalent to kornia.augmentation.RandomShear.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomShear"
    example: ClassVar[Mapping[str, Any]] = {"shear": [-10, 10, -5, 5]}

    shear: Shears = Field(description=_SHEAR)


class RandomTranslate(_PaddedWarp):
    """Shift images and masks of a batch, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values, and masks of the same height and
    width; the size does not change. Positive shifts are to the right and down. Equivalent to
    kornia.augmentation.RandomTranslate.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomTranslate"
    example: ClassVar[Mapping[str, Any]] = {"translate_x": [-0.1, 0.1], "translate_y": [-0.1, 0.1]}

    translate_x: Shifts | None = Field(
        default=None, description="Smallest and largest shift to the right, as a fraction of the width; null: none."
    )
    translate_y: Shifts | None = Field(
        default=None, description="Smallest and largest shift down, as a fraction of the height; null: none."
    )


class RandomPerspective(_Warp):
    """Apply a random perspective to images and masks of a batch, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values, and masks of the same height and
    width; the size does not change; pixels from outside the image are 0. Equivalent to
    kornia.augmentation.RandomPerspective.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomPerspective"

    distortion_scale: Probability = Field(
        default=0.5, description="Largest shift of the corners, as a fraction of half the width and height, 0 to 1."
    )
    sampling_method: Literal["basic", "area_preserving"] = Field(
        default="basic", description="Whether corners move inward, or in any direction, which preserves the mean area."
    )

    def after(self, image: Image) -> Image:
        """Return the image, with black from outside."""
        return warped(image, self.resample, "zeros")


class RandomElasticTransform(Uncovering, Moved):
    """Displace the pixels of images smoothly, each image with probability `p`, together with their masks.

    Input and output: float images [batch, channels, height, width] of any values, and masks of the same height and
    width; the size does not change. Displacements are noise, smoothed by a Gaussian and multiplied by `alpha`, in units
    of half the image. Equivalent to kornia.augmentation.RandomElasticTransform, with nearest-neighbor interpolation for
    masks.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomElasticTransform"
    mask_flags: ClassVar[dict[str, float | str]] = {"resample": "nearest"}
    example: ClassVar[Mapping[str, Any]] = {"kernel_size": 15, "sigma": 4.0}

    kernel_size: OddKernel = Field(
        default=(63, 63),
        description="Height and width of the Gaussian in pixels, both odd; a single number sets both.",
    )
    sigma: TwoAbove0 = Field(
        default=(32.0, 32.0),
        description="Standard deviations of the Gaussian in pixels, along y and along x; a single number sets both.",
    )
    alpha: Two = Field(
        default=(1.0, 1.0),
        description="Factors of the displacements along x and along y, in halves of the image; one number sets both.",
    )
    align_corners: bool = Field(default=False, description=ALIGN)
    resample: GridResample = Field(default="bilinear", description=RESAMPLE)
    padding_mode: SamplePadding = Field(default="zeros", description=PADDING)

    def after(self, image: Image) -> Image:
        """Return an image of the same size."""
        return warped(image, self.resample, self.padding_mode)


class _Unmasked(Change):
    """Base class of distortions that always interpolate, so that masks cannot be transformed."""

    def build(self) -> Callable[..., Any]:
        """Build the augmentation for batches without masks."""
        from registry_core_kornia.objects.adapters import ImagesWithoutMasks

        return ImagesWithoutMasks(self, self.make())

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Return the form unchanged; raise CheckFailed for class maps."""
        return not_maps(form, self.name, "always interpolates")


class RandomFisheye(_Unmasked):
    """Apply a fisheye distortion to images of a batch, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values, of the same size. Coordinates range
    from -1 to 1 in the image; the pixel at distance r from the center shows the one at 1 + r ** gamma times its
    position; pixels from outside the image are 0. Class maps are not supported. Equivalent to
    kornia.augmentation.RandomFisheye.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomFisheye"
    example: ClassVar[Mapping[str, Any]] = {"center_x": [-0.3, 0.3], "center_y": [-0.3, 0.3], "gamma": [0.9, 1.0]}

    center_x: Range = Field(description="Smallest and largest center along x, from -1 (left) to 1 (right).")
    center_y: Range = Field(description="Smallest and largest center along y, from -1 (top) to 1 (bottom).")
    gamma: Range = Field(description="Smallest and largest exponent of the distance from the center.")

    def arguments(self) -> dict[str, Any]:
        """Return the parameters of kornia, as tensors of two numbers."""
        from torch import tensor

        ranges = {name: tensor(getattr(self, name)) for name in ("center_x", "center_y", "gamma")}
        return {**super().arguments(), **ranges}

    def after(self, image: Image) -> Image:
        """Return the image, with black from outside."""
        return warped(image, "bilinear", "zeros")


class RandomThinPlateSpline(_Unmasked):
    """Warp images of a batch by a thin plate spline whose corners and center are moved, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values, of the same size. Class maps are not
    supported. Equivalent to kornia.augmentation.RandomThinPlateSpline.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomThinPlateSpline"

    scale: NonNegativeFloat = Field(
        default=0.2, description="Largest shift of the five points along x and y, in halves of the image; at least 0."
    )
    align_corners: bool = Field(default=False, description=ALIGN)
    padding_mode: SamplePadding = Field(default="zeros", description=PADDING)

    def after(self, image: Image) -> Image:
        """Return an image of the same size."""
        return warped(image, "bilinear", self.padding_mode)
