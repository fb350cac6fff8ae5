"""Transforms: crops, flips, resizing, padding, grey, and the way from an image to a normalised tensor.

All of them take and return the sample. Images move with masks: what is geometric is done to every Pillow image and
torchvision tv_tensor of the sample, interpolation and fill values to images only (masks take the nearest pixel, and 0
where they are padded).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.image_facts import Edges, greyed, padded, resampled, shorter_side_resized, with_values
from registry_core.components import CheckFailed, Image, Transform
from registry_core.components.transform import Randomness
from registry_core.components.types import (
    Fill,
    Interpolation,
    OrderedPair,
    Padding,
    PaddingMode,
    PositiveFloat,
    Probability,
    ResizeSize,
    Size,
)

_SIZE = "Height and width of the result in pixels; one number stands for both."
_PADDING = "Pixels added at all edges, at [left and right, top and bottom], or at [left, top, right, bottom]."
_FILL = "Value of added pixels for padding_mode constant, 0 to 255, or one for each channel; masks get 0."
_MODE = "What added pixels show: fill, the nearest edge pixel, or the image mirrored without or with its edge pixel."
_INTERPOLATION = "How new pixels are made from old ones; lanczos: Pillow images only. Masks take the nearest."
_ANTIALIAS = "Whether tensors are smoothed when they shrink (bilinear and bicubic); Pillow images always are."


class CenterCrop(Transform):
    """Cut the middle `size` window out of the image.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; out has height and width `size`.
    Where the image is smaller than the window, the rest is 0. If the rest cannot be shared equally, the window lies
    where torchvision puts it. As torchvision.transforms.v2.CenterCrop.
    """

    target: ClassVar[str] = "torchvision.transforms.v2:CenterCrop"

    size: Size = Field(description=_SIZE)

    def follow(self, image: Image) -> Image:
        """The image has the size of the window."""
        height, width = self.size
        tall = image.height is not None and image.height >= height
        wide = image.width is not None and image.width >= width
        return (image if tall and wide else with_values(image, 0)).changed(height=height, width=width)


class _Padding(Transform):
    """What padding with a value, or a mirror image, shares."""

    fill: Fill = Field(default=0, description=_FILL)
    padding_mode: PaddingMode = Field(default="constant", description=_MODE)

    @model_validator(mode="after")
    def _fill_is_used(self) -> Self:
        if isinstance(self.fill, tuple) and not self.fill:
            raise ValueError("fill has no value; give one, or one for each channel")
        if isinstance(self.fill, tuple) and self.padding_mode != "constant":
            raise ValueError(f"fill has no meaning for padding_mode {self.padding_mode!r}; remove it")
        return self

    def _fill(self) -> int | tuple[int, ...]:
        return self.fill[0] if isinstance(self.fill, tuple) and len(self.fill) == 1 else self.fill


class RandomCrop(_Padding):
    """Cut a `size` window out of the image at a random place, after optional padding.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; out has height and width `size`.
    Every position is equally likely. Draws: top, left. An image smaller than the window is an error, unless
    `pad_if_needed` adds what is missing at both edges. As torchvision.transforms.v2.RandomCrop, with masks padded
    with 0.
    """

    target: ClassVar[str] = "registry_builtin.objects.random_geometry:RandomCrop"
    random: ClassVar[Randomness] = "counter"

    size: Size = Field(description=_SIZE)
    padding: Padding | None = Field(default=None, description=f"{_PADDING} None: no padding.")
    pad_if_needed: bool = Field(default=False, description="Whether an image that is too small is padded to fit.")

    def arguments(self) -> dict[str, Any]:
        """The parameters, with a fill of one value as a number."""
        return {**super().arguments(), "fill": self._fill()}

    def follow(self, image: Image) -> Image:
        """The image has the size of the window, if that fits into it."""
        height, width = self.size
        before = padded(image, self._edges(image), self._fill(), self.padding_mode)
        if _below(before.height, height) or _below(before.width, width):
            what = "padded image" if self.padding else "image"
            sides = " x ".join("?" if side is None else str(side) for side in (before.height, before.width))
            message = f"A window of {height} x {width} does not fit into the {what} of {sides} (height x width)."
            raise CheckFailed(message, "Use a smaller size, more padding, or pad_if_needed: true.")
        if self.pad_if_needed and self.padding_mode == "constant" and None in (image.height, image.width):
            before = with_values(before, *(self.fill if isinstance(self.fill, tuple) else (self.fill,)))
        return before.changed(height=height, width=width)

    def _edges(self, image: Image) -> Edges:
        left, top, right, bottom = self.padding or (0, 0, 0, 0)
        if self.pad_if_needed and image.height is not None:
            missing = max(0, self.size[0] - image.height - top - bottom)
            top, bottom = top + missing, bottom + missing
        if self.pad_if_needed and image.width is not None:
            missing = max(0, self.size[1] - image.width - left - right)
            left, right = left + missing, right + missing
        return left, top, right, bottom


class _Interpolating(Transform):
    """What transforms that resize share."""

    interpolation: Interpolation = Field(default="bilinear", description=_INTERPOLATION)
    antialias: bool = Field(default=True, description=_ANTIALIAS)

    def arguments(self) -> dict[str, Any]:
        """The parameters, with torchvision's name of the interpolation."""
        from torchvision.transforms import InterpolationMode

        return {**super().arguments(), "interpolation": InterpolationMode(self.interpolation)}


class RandomResizedCrop(_Interpolating):
    """Cut out a window of random area, shape and place, and resize it to `size`.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; out has height and width `size`.
    The area is uniform in `scale`, the logarithm of the aspect is uniform in that of `ratio`; ten attempts are made,
    then the largest middle window with an aspect in `ratio` is taken. Draws of each attempt: area, aspect, top, left.
    As torchvision.transforms.v2.RandomResizedCrop (Szegedy et al., "Going deeper with convolutions", CVPR 2015).
    """

    target: ClassVar[str] = "registry_builtin.objects.random_geometry:RandomResizedCrop"
    random: ClassVar[Randomness] = "counter"

    size: Size = Field(description=_SIZE)
    scale: OrderedPair = Field(
        default=(0.08, 1.0), description="Smallest and largest area of the window, as a part of the image's area."
    )
    ratio: OrderedPair = Field(
        default=(3 / 4, 4 / 3), description="Smallest and largest aspect of the window, width divided by height."
    )

    def follow(self, image: Image) -> Image:
        """The image has the given size."""
        return resampled(image, self.interpolation).changed(height=self.size[0], width=self.size[1])


class RandomHorizontalFlip(Transform):
    """Mirror the image left to right with probability `p`.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type, of the same size. Draws: one
    number; the image is flipped if it is below `p`. As torchvision.transforms.v2.RandomHorizontalFlip.
    """

    target: ClassVar[str] = "registry_builtin.objects.random_geometry:RandomHorizontalFlip"
    random: ClassVar[Randomness] = "counter"

    p: Probability = Field(default=0.5, description="Probability of a flip, 0 to 1.")

    def follow(self, image: Image) -> Image:
        """Nothing that is known of the image changes."""
        return image


class Resize(_Interpolating):
    """Scale the image to `size`.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type. One number sets the shorter side
    and keeps the aspect (the longer side is rounded down); [height, width] sets both. As
    torchvision.transforms.v2.Resize.
    """

    target: ClassVar[str] = "torchvision.transforms.v2:Resize"

    size: ResizeSize = Field(description="Shorter side in pixels, or [height, width].")

    def follow(self, image: Image) -> Image:
        """The image has the given size, as far as it is known."""
        after = resampled(image, self.interpolation)
        if isinstance(self.size, tuple):
            return after.changed(height=self.size[0], width=self.size[1])
        if image.height is None or image.width is None:
            return after.changed(height=None, width=None)
        height, width = shorter_side_resized(image.height, image.width, self.size)
        return after.changed(height=height, width=width)


class Pad(_Padding):
    """Add pixels around the image.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; out is larger by `padding`. A
    tensor cannot be mirrored further than its own size. As torchvision.transforms.v2.Pad, with masks padded with 0.
    """

    target: ClassVar[str] = "torchvision.transforms.v2:Pad"

    padding: Padding = Field(description=_PADDING)

    def arguments(self) -> dict[str, Any]:
        """The parameters, with the fill of images and of masks."""
        from torchvision.tv_tensors import Mask

        return {**super().arguments(), "fill": {"others": self._fill(), Mask: 0}}

    def follow(self, image: Image) -> Image:
        """The image is larger by the padding."""
        return padded(image, self.padding, self._fill(), self.padding_mode)


class Grayscale(Transform):
    """Turn colours into grey: 0.299 red + 0.587 green + 0.114 blue.

    In and out: a Pillow image, or a tensor [1 or 3, height, width]; out has `num_output_channels` equal channels. A
    grey image keeps its values. As torchvision.transforms.v2.Grayscale.
    """

    target: ClassVar[str] = "torchvision.transforms.v2:Grayscale"

    num_output_channels: Literal[1, 3] = Field(default=1, description="Channels of the result, all equal.")

    def follow(self, image: Image) -> Image:
        """The image has the given number of channels."""
        if image.form != "pil" and image.channels not in (None, 1, 3):
            message = f"Only 1 or 3 channels can be made grey, and this image has {image.channels}."
            raise CheckFailed(message, "Remove grayscale, or read the images as RGB.")
        return greyed(image, self.num_output_channels)


class ToTensor(Transform):
    """Make a float tensor with values from 0 to 1.

    In: a Pillow image or a uint8 tensor [channels, height, width], values 0 to 255. Out: a tv_tensors.Image
    [channels, height, width], float32, the values divided by 255. Masks and other entries stay as they are. As
    torchvision.transforms.ToTensor.
    """

    target: ClassVar[str] = "registry_builtin.objects.conversion:ToTensor"

    def follow(self, image: Image) -> Image:
        """The image is a float tensor with values divided by 255."""
        if image.form == "float":
            raise CheckFailed("to_tensor is given a float tensor already.", "Remove the second to_tensor.")
        low, high = (None if value is None else value / 255 for value in (image.low, image.high))
        return image.changed(form="float", low=low, high=high)


class Normalize(Transform):
    """Subtract `mean` from every channel and divide by `std`.

    In and out: a float tensor [channels, height, width]; `mean` and `std` have one value for all channels or one for
    each, in the unit of the pixels (0 to 1 after to_tensor). As torchvision.transforms.v2.Normalize.
    """

    target: ClassVar[str] = "torchvision.transforms.v2:Normalize"

    mean: Annotated[tuple[float, ...], Field(min_length=1)] = Field(description="Mean of each channel, or one for all.")
    std: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = Field(
        description="Standard deviation of each channel, above 0, or one for all."
    )

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.mean) != len(self.std):
            raise ValueError(f"mean has {_values(self.mean)}, but std has {_values(self.std)}; give both as many")
        return self

    def follow(self, image: Image) -> Image:
        """The range of values is moved and scaled."""
        if image.form != "float":
            raise CheckFailed(f"normalize works on float tensors, and this is a {image}.", "Put to_tensor before it.")
        if image.channels is not None and len(self.mean) not in (1, image.channels):
            message = f"normalize has {_values(self.mean)} for {image.channels} channel{'s'[: image.channels != 1]}."
            raise CheckFailed(message, "Give one value for mean and std, or one for each channel.")
        if image.low is None or image.high is None:
            return image
        pairs = list(zip(self.mean, self.std, strict=True))
        low = min((image.low - mean) / std for mean, std in pairs)
        high = max((image.high - mean) / std for mean, std in pairs)
        return image.changed(low=low, high=high)


def _below(side: int | None, least: int) -> bool:
    return side is not None and side < least


def _values(values: tuple[float, ...]) -> str:
    return "1 value" if len(values) == 1 else f"{len(values)} values"
