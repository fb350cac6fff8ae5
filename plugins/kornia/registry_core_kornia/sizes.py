"""Crops, resizing and padding of whole batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Image, ParameterError
from registry_core.components.types import Fill, OrderedPair, Padding, PositiveInt, Probability, ResizeSize, Size
from registry_core_kornia.declaring import Geometric, Uncovering
from registry_core_kornia.facts import resampled, sized, warped, with_values
from registry_core_kornia.parameters import ALIGN, CROPPING, P_BATCH, RESAMPLE, SAME, SIZE, CroppingMode, Resample

Side = Literal["short", "long", "vert", "horz"]


class _Resampled(Geometric):
    """Base class of transforms that change the size."""

    p: Probability = Field(default=1.0, description=P_BATCH)
    resample: Resample = Field(default="bilinear", description=RESAMPLE)
    align_corners: bool = Field(default=True, description=ALIGN)


class CenterCrop(_Resampled):
    """Crop the central window of the images of a batch, together with their masks.

    Input: float images [batch, channels, height, width] of any values, at least as large as the window, and masks of
    the same height and width. Output: the same of height and width `size`. Equivalent to
    kornia.augmentation.CenterCrop.
    """

    target: ClassVar[str] = "kornia.augmentation:CenterCrop"
    always_alike: ClassVar[bool] = True
    example: ClassVar[Mapping[str, Any]] = {"size": 8}

    size: Size = Field(description=SIZE)
    cropping_mode: CroppingMode = Field(default="slice", description=CROPPING)

    def after(self, image: Image) -> Image:
        """Return an image with the size of the window; raise CheckFailed if the window does not fit."""
        check_fit(image, self.size, (image.height, image.width), "Use a smaller size, or resize before it.")
        cut = image if self.cropping_mode == "slice" else warped(image, self.resample, "zeros")
        return sized(cut, self.size, self.p)


class RandomCrop(Uncovering, _Resampled):
    """Crop a window at a random position of each image of a batch and its masks, after optional padding.

    Input: float images [batch, channels, height, width] of any values, and masks of the same height and width. Output:
    the same of height and width `size`. With `cropping_mode` slice, `resample` and `align_corners` have no effect.
    Equivalent to kornia.augmentation.RandomCrop, with masks padded with `mask_fill`.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomCrop"
    mask_flags: ClassVar[dict[str, float | str]] = {"fill": 0.0}
    example: ClassVar[Mapping[str, Any]] = {"size": 8, "padding": 1}

    same_on_batch: bool = Field(default=False, description=SAME)
    size: Size = Field(description=SIZE)
    padding: Padding | None = Field(
        default=None,
        description="Pixels added at all edges, at [left and right, top and bottom], or at [left, top, right, bottom]; "
        "null: none.",
    )
    pad_if_needed: bool = Field(default=False, description="If true, images smaller than the window are padded to fit.")
    fill: Fill = Field(default=0, description="Value of added pixels, or one value per channel.")
    padding_mode: Literal["constant", "reflect", "replicate"] = Field(
        default="constant", description="Values of added pixels: fill, the mirrored image, or the nearest edge pixel."
    )
    cropping_mode: CroppingMode = Field(default="slice", description=CROPPING)

    @model_validator(mode="after")
    def _fill_is_used(self) -> Self:
        if isinstance(self.fill, tuple) and self.padding_mode != "constant":
            raise ParameterError(f"`fill` has no effect if padding_mode is {self.padding_mode!r}", "Remove fill")
        return self

    def after(self, image: Image) -> Image:
        """Return an image with the size of the window; raise CheckFailed if window or padding do not fit."""
        fill = self.fill if isinstance(self.fill, tuple) else (self.fill,)
        if len(fill) > 1 and image.channels not in (None, len(fill)):
            message = f"fill has {len(fill)} values, but the images have {image.channels} channels."
            raise CheckFailed(message, "Write one value, or one per channel.", ("fill",))
        left, top, right, bottom = self.padding or (0, 0, 0, 0)
        height, width = _padded(image.height, (top, bottom)), _padded(image.width, (left, right))
        if self.pad_if_needed:
            height = self._enough("height", image.height, self.size[0], (top, bottom))
            width = self._enough("width", image.width, self.size[1], (left, right))
        elif self.padding_mode == "reflect":
            check_mirror("height", image.height, max(top, bottom))
            check_mirror("width", image.width, max(left, right))
        remedy = "Use a smaller size, more padding, or pad_if_needed: true."
        check_fit(image, self.size, (height, width), remedy)
        adds = self.padding_mode == "constant" and (any(self.padding or ()) or self.pad_if_needed)
        padded = with_values(image, *fill) if adds else image
        if self.cropping_mode == "resample":
            padded = warped(padded, self.resample, "zeros" if self.padding_mode == "constant" else "border")
        return sized(padded, self.size, self.p)

    def _enough(self, side: str, length: int | None, wanted: int, edges: tuple[int, int]) -> int | None:
        """Return the length after padding, which adds missing pixels at both edges."""
        if length is None:
            return None
        missing = max(0, wanted - length)
        added = max(missing, edges[0]), max(missing, edges[1])
        if self.padding_mode == "reflect":
            check_mirror(side, length, max(added))
        return length + sum(added)


class RandomResizedCrop(_Resampled):
    """Crop a window of random area, shape and position of each image of a batch, and resize it; also for masks.

    Input: float images [batch, channels, height, width] of any values, and masks of the same height and width. Output:
    the same of height and width `size`. After ten failed attempts for an image, the largest window with an aspect ratio
    in `ratio` is used, at a random position. Equivalent to kornia.augmentation.RandomResizedCrop (Szegedy et al.,
    "Going deeper with convolutions", CVPR 2015).
    """

    target: ClassVar[str] = "kornia.augmentation:RandomResizedCrop"
    example: ClassVar[Mapping[str, Any]] = {"size": 8, "scale": [0.5, 1.0]}

    same_on_batch: bool = Field(default=False, description=SAME)
    size: Size = Field(description=SIZE)
    scale: OrderedPair = Field(
        default=(0.08, 1.0), description="Smallest and largest area of the window, as a fraction of the image's area."
    )
    ratio: OrderedPair = Field(
        default=(3 / 4, 4 / 3), description="Smallest and largest aspect ratio of the window, width divided by height."
    )
    cropping_mode: CroppingMode = Field(default="slice", description=CROPPING)

    def after(self, image: Image) -> Image:
        """Return an image of the given size."""
        cut = resampled(image, self.resample)
        return sized(cut if self.cropping_mode == "slice" else warped(cut, self.resample, "zeros"), self.size, self.p)


class Resize(_Resampled):
    """Resize the images of a batch, together with their masks.

    Input: float images [batch, channels, height, width] of any values, and masks of the same height and width. Output:
    the same in the new size. Equivalent to kornia.augmentation.Resize.
    """

    target: ClassVar[str] = "kornia.augmentation:Resize"
    always_alike: ClassVar[bool] = True
    example: ClassVar[Mapping[str, Any]] = {"size": [8, 8]}

    size: ResizeSize = Field(
        description="Height and width in pixels, or the length of one side, keeping the aspect ratio (rounded down)."
    )
    side: Side = Field(
        default="short",
        description="Side with a given length: the shorter, the longer, the vertical or the horizontal one.",
    )
    antialias: bool = Field(default=False, description="If true, images are smoothed when downscaling; masks are not.")

    def after(self, image: Image) -> Image:
        """Return an image of the new size; raise CheckFailed if a side would be 0."""
        return sized(resampled(image, self.resample), after_side(image, self.size, self.side), self.p)


class LongestMaxSize(_Resampled):
    """Resize the images of a batch to a given longer side, keeping the aspect ratio, together with their masks.

    Input: float images [batch, channels, height, width] of any values, and masks of the same height and width. Output:
    the same in the new size; the shorter side is rounded down. Equivalent to kornia.augmentation.LongestMaxSize.
    """

    target: ClassVar[str] = "kornia.augmentation:LongestMaxSize"
    always_alike: ClassVar[bool] = True
    example: ClassVar[Mapping[str, Any]] = {"max_size": 8}

    max_size: PositiveInt = Field(description="Length of the longer side in pixels.")

    def after(self, image: Image) -> Image:
        """Return an image of the new size; raise CheckFailed if a side would be 0."""
        return sized(resampled(image, self.resample), after_side(image, self.max_size, "long"), self.p)


class SmallestMaxSize(_Resampled):
    """Resize the images of a batch to a given shorter side, keeping the aspect ratio, together with their masks.

    Input: float images [batch, channels, height, width] of any values, and masks of the same height and width. Output:
    the same in the new size; the longer side is rounded down. Equivalent to kornia.augmentation.SmallestMaxSize.
    """

    target: ClassVar[str] = "kornia.augmentation:SmallestMaxSize"
    always_alike: ClassVar[bool] = True
    example: ClassVar[Mapping[str, Any]] = {"max_size": 8}

    max_size: PositiveInt = Field(description="Length of the shorter side in pixels.")

    def after(self, image: Image) -> Image:
        """Return an image of the new size."""
        return sized(resampled(image, self.resample), after_side(image, self.max_size, "short"), self.p)


class PadTo(Uncovering):
    """Pad or crop the images of a batch and their masks to a size, at the right and at the bottom.

    Input: float images [batch, channels, height, width] of any values, and masks of the same height and width. Output:
    the same of height and width `size`. It is always applied. Equivalent to kornia.augmentation.PadTo, with masks
    padded with `mask_fill`.
    """

    target: ClassVar[str] = "kornia.augmentation:PadTo"
    always_alike: ClassVar[bool] = True
    mask_flags: ClassVar[dict[str, float | str]] = {"pad_value": 0.0}
    example: ClassVar[Mapping[str, Any]] = {"size": 8}

    size: Size = Field(description=SIZE)
    pad_mode: Literal["constant", "reflect", "replicate", "circular"] = Field(
        default="constant",
        description="Values of added pixels: pad_value, the mirrored image, the edge pixels, or the opposite side.",
    )
    pad_value: float = Field(default=0.0, description="Value of added pixels if pad_mode is constant.")
    crop_if_exceeds: bool = Field(default=True, description="If true, pixels beyond the size are cut off.")

    def after(self, image: Image) -> Image:
        """Return an image of at least the given size; raise CheckFailed if the padding is too wide."""
        sides = (image.height, image.width)
        added = [0 if side is None else max(0, wanted - side) for side, wanted in zip(sides, self.size, strict=True)]
        if self.pad_mode in ("reflect", "circular"):
            for name, side, more in zip(("height", "width"), sides, added, strict=True):
                check_mirror(name, side, more, most=0 if self.pad_mode == "circular" else 1)
        padded = with_values(image, self.pad_value) if self.pad_mode == "constant" and self._pads(sides) else image
        if self.crop_if_exceeds:
            return padded.changed(height=self.size[0], width=self.size[1])
        height, width = (None if s is None else max(s, w) for s, w in zip(sides, self.size, strict=True))
        return padded.changed(height=height, width=width)

    def _pads(self, sides: tuple[int | None, int | None]) -> bool:
        return any(side is None or side < wanted for side, wanted in zip(sides, self.size, strict=True))


def check_fit(image: Image, window: tuple[int, int], room: tuple[int | None, int | None], remedy: str) -> None:
    """Raise CheckFailed if a window is known to be larger than the padded images."""
    if any(side is not None and side < wanted for side, wanted in zip(room, window, strict=True)):
        found = " x ".join("?" if side is None else str(side) for side in room)
        what = "images" if room == (image.height, image.width) else "padded images"
        message = f"A window of {window[0]} x {window[1]} does not fit into {what} of {found} (height x width)."
        raise CheckFailed(message, remedy)


def check_mirror(side: str, length: int | None, added: int, most: int = 1) -> None:
    """Raise CheckFailed if more pixels are added than the image has to repeat."""
    if length is not None and added > length - most:
        message = f"Images with a {side} of {length} can repeat at most {length - most} pixels, not {added}."
        raise CheckFailed(message, "Use less padding, or replicate.")


def after_side(image: Image, size: int | tuple[int, int], side: Side) -> tuple[int | None, int | None]:
    """Return height and width for the given side; raise CheckFailed if the other one would be 0."""
    if isinstance(size, tuple):
        return size
    if image.height is None or image.width is None:
        return None, None
    aspect = image.width / image.height
    tall = side == "vert" or (side != "horz" and (side == "short") ^ (aspect < 1.0))
    height, width = (size, int(size * aspect)) if tall else (int(size / aspect), size)
    if min(height, width) < 1:
        message = f"Images of {image.height} x {image.width} pixels would become {height} x {width}."
        raise CheckFailed(message, "Use a larger size.")
    return height, width


def _padded(length: int | None, edges: tuple[int, int]) -> int | None:
    return None if length is None else length + sum(edges)
