"""Sizes: scaling, padding, zooming out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_builtin.transforms.image_facts import (
    check_one_pixel,
    padded,
    resampled,
    scaled_by,
    shorter_side_resized,
    unsized,
    with_fill,
)
from registry_builtin.transforms.parameters import (
    FILL,
    OLD_INTERPOLATION,
    PADDING,
    InterpolatingTransform,
    PaddingTransform,
    TorchvisionTransform,
    torch_fill,
)
from registry_core.components import Image, Transform
from registry_core.components.transform import Randomness
from registry_core.components.types import Fill, OrderedPair, Padding, PositiveInt, Probability, ResizeSize, Size


class Resize(InterpolatingTransform, TorchvisionTransform):
    """Scale the image to `size`.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type. One number sets the shorter side
    and keeps the aspect (the longer side is rounded down); [height, width] sets both. As
    torchvision.transforms.v2.Resize.
    """

    target = "torchvision.transforms.v2:Resize"
    example: ClassVar[Mapping[str, Any]] = {"size": [16, 16], "interpolation": "bicubic"}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_INTERPOLATION

    size: ResizeSize = Field(description="Shorter side in pixels, or [height, width].")
    max_size: PositiveInt | None = Field(
        default=None,
        description="Largest longer side in pixels; where it would be longer, the shorter side gets less than `size`.",
    )

    @model_validator(mode="after")
    def _max_size_is_used(self) -> Self:
        if self.max_size is not None and isinstance(self.size, tuple):
            raise ValueError("max_size has no meaning where size is [height, width]; remove it")
        if self.max_size is not None and isinstance(self.size, int) and self.max_size <= self.size:
            raise ValueError(f"max_size {self.max_size} must be larger than the shorter side, {self.size}")
        return self

    def infer_image(self, image: Image) -> Image:
        """The image has the given size, as far as it is known."""
        after = resampled(image, self.interpolation)
        if isinstance(self.size, tuple):
            check_one_pixel(image, self.size, self.interpolation, self.antialias)
            return after.changed(height=self.size[0], width=self.size[1])
        if image.height is None or image.width is None:
            if image.square:
                return after.changed(height=self.size, width=self.size)
            return after.changed(height=None, width=None)
        height, width = shorter_side_resized(image.height, image.width, self.size, self.max_size)
        return after.changed(height=height, width=width)


class Pad(PaddingTransform, TorchvisionTransform):
    """Add pixels around the image.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; out is larger by `padding`. A
    tensor cannot be mirrored further than its own size. As torchvision.transforms.v2.Pad, with masks padded with 0.
    """

    target = "torchvision.transforms.v2:Pad"
    example: ClassVar[Mapping[str, Any]] = {"padding": [2, 4], "fill": 128}

    padding: Padding = Field(description=PADDING)

    def arguments(self) -> dict[str, Any]:
        """The parameters, with the fill of images and of masks."""
        from torchvision.tv_tensors import Mask

        return {**super().arguments(), "fill": {"others": torch_fill(self.fill), Mask: 0}}

    def infer_image(self, image: Image) -> Image:
        """The image is larger by the padding."""
        return padded(image, self.padding, self.fill, self.padding_mode)


class RandomResize(InterpolatingTransform):
    """Scale the image so that its shorter side has a random length.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; the aspect is kept, so the size
    differs from sample to sample: crop or resize afterwards. Every length from `min_size` to `max_size` (excluded) is
    equally likely. Draws: the length. As torchvision.transforms.v2.RandomResize.
    """

    target = "registry_builtin.objects.random_sizes:RandomResize"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"min_size": 8, "max_size": 13}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_INTERPOLATION

    min_size: PositiveInt = Field(description="Smallest shorter side in pixels.")
    max_size: PositiveInt = Field(description="End of the shorter side in pixels, itself excluded.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_size >= self.max_size:
            raise ValueError(f"min_size {self.min_size} must be smaller than max_size {self.max_size}")
        return self

    def infer_image(self, image: Image) -> Image:
        """The size is not known."""
        after = resampled(image, self.interpolation)
        if self.max_size - self.min_size > 1:
            return unsized(after)
        if image.height is None or image.width is None:
            return after.changed(height=None, width=None)
        height, width = shorter_side_resized(image.height, image.width, self.min_size)
        return after.changed(height=height, width=width)


class RandomShortestSize(InterpolatingTransform):
    """Scale the image so that its shorter side has one of several lengths.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; the aspect is kept, so the size may
    differ from sample to sample: crop or resize afterwards. Every length in `min_size` is equally likely. Draws: the
    length. As torchvision.transforms.v2.RandomShortestSize.
    """

    target = "registry_builtin.objects.random_sizes:RandomShortestSize"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"min_size": [8, 10, 12], "max_size": 16}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_INTERPOLATION

    min_size: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = Field(
        description="Lengths of the shorter side in pixels."
    )
    max_size: PositiveInt | None = Field(
        default=None, description="Largest longer side in pixels; where it would be longer, the shorter side gets less."
    )

    def infer_image(self, image: Image) -> Image:
        """The size is not known."""
        after = resampled(image, self.interpolation)
        if image.height is None or image.width is None:
            return after.changed(height=None, width=None) if len(set(self.min_size)) == 1 else unsized(after)
        shorter, longer = min(image.height, image.width), max(image.height, image.width)
        most = float("inf") if self.max_size is None else self.max_size / longer
        return scaled_by(after, *(min(size / shorter, most) for size in self.min_size))


class ScaleJitter(InterpolatingTransform):
    """Fit the image into `target_size`, then scale it by a random factor.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; the aspect is kept, so the size
    differs from sample to sample: crop (with pad_if_needed) or resize afterwards. The factor is uniform in
    `scale_range`. Draws: the factor. As torchvision.transforms.v2.ScaleJitter, which takes [width, height] (Ghiasi et
    al., "Simple copy-paste is a strong data augmentation method for instance segmentation", CVPR 2021).
    """

    target = "registry_builtin.objects.random_sizes:ScaleJitter"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"target_size": 10, "scale_range": [0.8, 1.25]}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_INTERPOLATION

    target_size: Size = Field(description="Height and width that the image fits into at factor 1.")
    scale_range: OrderedPair = Field(default=(0.1, 2.0), description="Smallest and largest factor, above 0.")

    def infer_image(self, image: Image) -> Image:
        """The size is not known."""
        after = resampled(image, self.interpolation)
        if self.scale_range[0] != self.scale_range[1]:
            return unsized(after)
        if image.height is None or image.width is None:
            return after.changed(height=None, width=None)
        fitted = min(self.target_size[0] / image.height, self.target_size[1] / image.width)
        return scaled_by(after, fitted * self.scale_range[0])


class RandomZoomOut(Transform):
    """Put the image at a random place of a larger canvas, with probability `p`.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type. The canvas is larger by a factor that
    is uniform in `side_range`, so the size differs from sample to sample: resize afterwards. Draws: whether, the
    factor, place along x, place along y. As torchvision.transforms.v2.RandomZoomOut, with masks padded with 0 (Liu et
    al., "SSD: Single shot multibox detector", ECCV 2016).
    """

    target = "registry_builtin.objects.random_sizes:RandomZoomOut"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"side_range": [1.0, 2.0], "fill": 128}

    side_range: OrderedPair = Field(default=(1.0, 4.0), description="Smallest and largest factor, at least 1.")
    fill: Fill = Field(default=0, description=FILL)
    p: Probability = Field(default=0.5, description="Probability of a change, 0 to 1.")

    @model_validator(mode="after")
    def _zooms_out(self) -> Self:
        if self.side_range[0] < 1:
            raise ValueError(f"side_range {list(self.side_range)!r} must start at 1 or more")
        return self

    def arguments(self) -> dict[str, Any]:
        """The parameters as torchvision's functions take them."""
        return {**super().arguments(), "fill": torch_fill(self.fill)}

    def infer_image(self, image: Image) -> Image:
        """The size is not known; added pixels show the fill."""
        filled = with_fill(image, self.fill)
        return image if not self.p or self.side_range == (1, 1) else unsized(filled)
