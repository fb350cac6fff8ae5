"""Warps: affine maps, perspective, elastic changes and distortions of lenses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Image
from registry_core.components.forms import TargetForm
from registry_core.components.types import NonNegativeFloat, Probability
from registry_core_kornia.declaring import Change, Moved
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


class _Warp(Moved):
    """What affine maps share."""

    resample: Resample = Field(default="bilinear", description=RESAMPLE)
    align_corners: bool = Field(default=False, description=ALIGN)


class _PaddedWarp(_Warp):
    """What affine maps share that say what pixels from outside show."""

    padding_mode: SamplePadding = Field(default="zeros", description=PADDING)

    def after(self, image: Image) -> Image:
        """The image has the same size."""
        return warped(image, self.resample, self.padding_mode)


class RandomAffine(_Warp):
    """Turn, shift, scale and shear images of a batch about their middle, each with probability `p`, masks with them.

    In and out: float images [batch, channels, height, width] of any values, and masks of their height and width; the
    size stays. Each amount is uniform in its range. As kornia.augmentation.RandomAffine.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomAffine"
    mask_flags: ClassVar[dict[str, float | str]] = {"fill_value": 0.0}
    example: ClassVar[Mapping[str, Any]] = {"degrees": 10, "translate": [0.1, 0.1], "scale": [0.9, 1.1], "shear": 5}

    degrees: Angles = Field(
        description="Smallest and largest angle in degrees, clockwise, -360 to 360; one number d stands for [-d, d]."
    )
    translate: tuple[Probability, Probability] | None = Field(
        default=None, description="Largest shift [along x, along y], as a part of width and height, 0 to 1; null: none."
    )
    scale: Scales | None = Field(
        default=None,
        description="Smallest and largest factor of the size, above 0, or [x smallest, x largest, y smallest, "
        "y largest]; null: 1.",
    )
    shear: Shears | None = Field(default=None, description=f"{_SHEAR} Null: none.")
    padding_mode: Literal["zeros", "border", "reflection", "fill"] = Field(
        default="zeros",
        description="What pixels from outside of the image show: black (masks: 0), the nearest edge pixel, the image "
        "mirrored, or fill_value (masks: 0).",
    )
    fill_value: float | tuple[float, ...] | None = Field(
        default=None, description="Value of pixels from outside where padding_mode is fill, or one for each channel."
    )

    @model_validator(mode="after")
    def _fill_is_used(self) -> Self:
        if (self.padding_mode == "fill") != (self.fill_value is not None):
            raise ValueError("padding_mode fill and fill_value belong together; give both or none")
        if self.fill_value == ():
            raise ValueError("fill_value needs one value, or one for each channel")
        return self

    def arguments(self) -> dict[str, Any]:
        """The parameters as kornia takes them."""
        from torch import tensor

        fill = None if self.fill_value is None else tensor(self.fill_value)
        return {**super().arguments(), "fill_value": fill}

    def after(self, image: Image) -> Image:
        """The image has the same size; CheckFailed if it has other channels than the fill."""
        fill = self.fill_value if isinstance(self.fill_value, tuple) else (self.fill_value or 0.0,)
        if len(fill) > 1 and image.channels not in (None, len(fill)):
            message = f"fill_value has {len(fill)} values, and the images have {image.channels} channels."
            raise CheckFailed(message, "Give one value, or one for each channel.", ("fill_value",))
        return warped(image, self.resample, self.padding_mode, *fill)


class RandomShear(_PaddedWarp):
    """Shear images of a batch about their middle, each with probability `p`, and masks with them.

    In and out: float images [batch, channels, height, width] of any values, and masks of their height and width; the
    size stays. As kornia.augmentation.RandomShear.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomShear"
    example: ClassVar[Mapping[str, Any]] = {"shear": [-10, 10, -5, 5]}

    shear: Shears = Field(description=_SHEAR)


class RandomTranslate(_PaddedWarp):
    """Shift images of a batch, each with probability `p`, and masks with them.

    In and out: float images [batch, channels, height, width] of any values, and masks of their height and width; the
    size stays. Positive shifts go to the right and down. As kornia.augmentation.RandomTranslate.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomTranslate"
    example: ClassVar[Mapping[str, Any]] = {"translate_x": [-0.1, 0.1], "translate_y": [-0.1, 0.1]}

    translate_x: Shifts | None = Field(
        default=None, description="Smallest and largest shift to the right, as a part of the width; null: none."
    )
    translate_y: Shifts | None = Field(
        default=None, description="Smallest and largest shift down, as a part of the height; null: none."
    )


class RandomPerspective(_Warp):
    """Show images of a batch as if seen from the side, each with probability `p`, and masks with them.

    In and out: float images [batch, channels, height, width] of any values, and masks of their height and width; the
    size stays; what was outside of the image is 0. As kornia.augmentation.RandomPerspective.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomPerspective"

    distortion_scale: Probability = Field(
        default=0.5, description="How far corners may move, as a part of half the width and height, 0 to 1."
    )
    sampling_method: Literal["basic", "area_preserving"] = Field(
        default="basic", description="Whether corners move inwards, or in any direction, which keeps the mean area."
    )

    def after(self, image: Image) -> Image:
        """What was outside is black."""
        return warped(image, self.resample, "zeros")


class RandomElasticTransform(Moved):
    """Move every pixel of images a little, neighbours alike, each image with probability `p`, and masks with them.

    In and out: float images [batch, channels, height, width] of any values, and masks of their height and width; the
    size stays. Shifts are noise, smoothed by a Gaussian and times `alpha`, in units of half the image. As
    kornia.augmentation.RandomElasticTransform, with masks made of nearest pixels.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomElasticTransform"
    mask_flags: ClassVar[dict[str, float | str]] = {"resample": "nearest"}
    example: ClassVar[Mapping[str, Any]] = {"kernel_size": 15, "sigma": 4.0}

    kernel_size: OddKernel = Field(
        default=(63, 63),
        description="Height and width of the Gaussian in pixels, both odd; one number stands for both.",
    )
    sigma: TwoAbove0 = Field(
        default=(32.0, 32.0),
        description="Standard deviations of the Gaussian in pixels, along y and along x; one number stands for both.",
    )
    alpha: Two = Field(
        default=(1.0, 1.0),
        description="Factors of the shifts, along x and along y, in halves of the image; one number stands for both.",
    )
    align_corners: bool = Field(default=False, description=ALIGN)
    resample: GridResample = Field(default="bilinear", description=RESAMPLE)
    padding_mode: SamplePadding = Field(default="zeros", description=PADDING)

    def after(self, image: Image) -> Image:
        """The image has the same size."""
        return warped(image, self.resample, self.padding_mode)


class _Unmasked(Change):
    """What distortions share that interpolate in any case, so that masks cannot follow."""

    def build(self) -> Callable[..., Any]:
        """The augmentation, for batches without masks."""
        from registry_core_kornia.objects.adapters import ImagesWithoutMasks

        return ImagesWithoutMasks(self, self.make())

    def infer_target(self, form: TargetForm) -> TargetForm:
        """The targets stay; CheckFailed if they are class maps."""
        return not_maps(form, self.name, "makes all pixels anew by interpolation")


class RandomFisheye(_Unmasked):
    """Show images of a batch as if through a fisheye lens, each with probability `p`.

    In and out: float images [batch, channels, height, width] of any values, of the same size. Coordinates reach from
    -1 to 1 in the image; the pixel at distance r from the centre shows the one at 1 + r ** gamma times its place;
    what was outside of the image is 0. Class maps cannot be moved with the images. As
    kornia.augmentation.RandomFisheye.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomFisheye"
    example: ClassVar[Mapping[str, Any]] = {"center_x": [-0.3, 0.3], "center_y": [-0.3, 0.3], "gamma": [0.9, 1.0]}

    center_x: Range = Field(description="Smallest and largest place of the centre along x, -1 at the left, 1 right.")
    center_y: Range = Field(description="Smallest and largest place of the centre along y, -1 at the top, 1 below.")
    gamma: Range = Field(description="Smallest and largest power of the distance from the centre.")

    def arguments(self) -> dict[str, Any]:
        """The parameters as kornia takes them: tensors of two numbers."""
        from torch import tensor

        ranges = {name: tensor(getattr(self, name)) for name in ("center_x", "center_y", "gamma")}
        return {**super().arguments(), **ranges}

    def after(self, image: Image) -> Image:
        """What was outside is black."""
        return warped(image, "bilinear", "zeros")


class RandomThinPlateSpline(_Unmasked):
    """Bend images of a batch like a thin plate of which corners and middle are moved, each with probability `p`.

    In and out: float images [batch, channels, height, width] of any values, of the same size. Class maps cannot be
    moved with the images. As kornia.augmentation.RandomThinPlateSpline.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomThinPlateSpline"

    scale: NonNegativeFloat = Field(
        default=0.2, description="How far the five points may move along x and y, in halves of the image; at least 0."
    )
    align_corners: bool = Field(default=False, description=ALIGN)
    padding_mode: SamplePadding = Field(default="zeros", description=PADDING)

    def after(self, image: Image) -> Image:
        """The image has the same size."""
        return warped(image, "bilinear", self.padding_mode)
