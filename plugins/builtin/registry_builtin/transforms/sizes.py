"""Sizes: resizing, padding and zooming out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_builtin.transforms.doubts import far_values, large_factor, no_effect, to_few_pixels
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
from registry_core.components import CheckFailed, Image, ParameterError, RunFacts
from registry_core.components.transform import Randomness
from registry_core.components.types import Fill, OrderedPair, Padding, PositiveInt, Probability, ResizeSize, Size
from registry_core.components.uncovering import UncoveringTransform


class Resize(InterpolatingTransform, TorchvisionTransform):
    """Resize the image to `size`.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype. A single number sets the
    shorter side and keeps the aspect ratio (the longer side is rounded down); [height, width] sets both. Equivalent to
    torchvision.transforms.v2.Resize.
    """

    target = "torchvision.transforms.v2:Resize"
    example: ClassVar[Mapping[str, Any]] = {"size": [16, 16], "interpolation": "bicubic"}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_INTERPOLATION

    size: ResizeSize = Field(description="Length of the shorter side in pixels, or [height, width].")
    max_size: PositiveInt | None = Field(
        default=None,
        description="Maximum length of the longer side in pixels; if it would be exceeded, the shorter side becomes "
        "less than `size`.",
    )

    @model_validator(mode="after")
    def _max_size_is_used(self) -> Self:
        if self.max_size is not None and isinstance(self.size, tuple):
            raise ParameterError("`max_size` has no effect when size is [height, width]", "Remove max_size")
        if self.max_size is not None and isinstance(self.size, int) and self.max_size <= self.size:
            message = f"`max_size` must be larger than size, the shorter side of {self.size}, not {self.max_size}"
            raise ParameterError(message, f"Set max_size to {self.size + 1} or more")
        return self

    def infer_image(self, image: Image) -> Image:
        """The output has the given size, as far as it is known."""
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

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a size of one or two pixels; the size that images have already is that of files to predict, too."""
        image = facts.image
        after = None if image is None else self.infer_image(image)
        if after is None or after.height is None or after.width is None:
            return ()
        return list(to_few_pixels(image, after.height, after.width))


class Pad(PaddingTransform, TorchvisionTransform):
    """Pad the image at its edges.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the output is larger by
    `padding`. A tensor cannot be mirrored beyond its own size. Equivalent to torchvision.transforms.v2.Pad, except that
    masks are padded with `mask_fill`.
    """

    target = "torchvision.transforms.v2:Pad"
    example: ClassVar[Mapping[str, Any]] = {"padding": [2, 4], "fill": 128}

    padding: Padding = Field(description=PADDING)

    def arguments(self) -> dict[str, Any]:
        """Return the parameters with separate fills for images and masks."""
        from torchvision.tv_tensors import Mask

        arguments = super().arguments()
        fill = {"others": torch_fill(self.fill), Mask: arguments.pop("mask_fill")}
        return {**arguments, "fill": fill}

    def infer_image(self, image: Image) -> Image:
        """The output is larger by the padding."""
        return padded(image, self.padding, self.fill, self.padding_mode)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a padding of 0, and of a fill out of range."""
        if not any(self.padding):
            return [no_effect(self.name, "padding is 0", "padding")]
        return list(far_values(facts.image, "fill", self.fill))


class RandomResize(InterpolatingTransform):
    """Resize the image so that its shorter side has a random length.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the aspect ratio is kept, so
    the size varies from sample to sample: crop or resize afterwards. Every length from `min_size` to `max_size`
    (excluded) is equally likely. Draws: the length. Equivalent to torchvision.transforms.v2.RandomResize.
    """

    target = "registry_builtin.objects.random_sizes:RandomResize"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"min_size": 8, "max_size": 13}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_INTERPOLATION

    min_size: PositiveInt = Field(description="Minimum length of the shorter side in pixels.")
    max_size: PositiveInt = Field(description="Upper bound of the shorter side in pixels, excluded.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_size >= self.max_size:
            message = f"`min_size` must be smaller than max_size ({self.max_size}), not {self.min_size}"
            raise ParameterError(message, f"Set max_size to {self.min_size + 1} or more")
        return self

    def infer_image(self, image: Image) -> Image:
        """The size is unknown unless only one is possible."""
        after = resampled(image, self.interpolation)
        if self.max_size - self.min_size > 1:
            return unsized(after)
        if image.height is None or image.width is None:
            return after.changed(height=None, width=None)
        height, width = shorter_side_resized(image.height, image.width, self.min_size)
        return after.changed(height=height, width=width)

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if several lengths are possible."""
        return self.max_size - self.min_size > 1


class RandomShortestSize(InterpolatingTransform):
    """Resize the image so that its shorter side has one of several lengths.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the aspect ratio is kept, so
    the size may vary from sample to sample: crop or resize afterwards. Every length in `min_size` is equally likely.
    Draws: the length. Equivalent to torchvision.transforms.v2.RandomShortestSize.
    """

    target = "registry_builtin.objects.random_sizes:RandomShortestSize"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"min_size": [8, 10, 12], "max_size": 16}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_INTERPOLATION

    min_size: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = Field(
        description="Lengths of the shorter side in pixels."
    )
    max_size: PositiveInt | None = Field(
        default=None,
        description="Maximum length of the longer side in pixels; if it would be exceeded, the shorter side becomes "
        "less.",
    )

    def infer_image(self, image: Image) -> Image:
        """The size is unknown unless only one is possible."""
        after = resampled(image, self.interpolation)
        if image.height is None or image.width is None:
            return after.changed(height=None, width=None) if len(set(self.min_size)) == 1 else unsized(after)
        shorter, longer = min(image.height, image.width), max(image.height, image.width)
        most = float("inf") if self.max_size is None else self.max_size / longer
        return scaled_by(after, *(min(size / shorter, most) for size in self.min_size))

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if several lengths are possible."""
        return len(set(self.min_size)) > 1


class ScaleJitter(InterpolatingTransform):
    """Fit the image into `target_size`, then scale it by a random factor.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the aspect ratio is kept, so
    the size varies from sample to sample: crop (with pad_if_needed) or resize afterwards. The factor is uniform in
    `scale_range`. Draws: the factor. Equivalent to torchvision.transforms.v2.ScaleJitter, which expects [width, height]
    (Ghiasi et al., "Simple copy-paste is a strong data augmentation method for instance segmentation", CVPR 2021).
    """

    target = "registry_builtin.objects.random_sizes:ScaleJitter"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"target_size": 10, "scale_range": [0.8, 1.25]}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_INTERPOLATION

    target_size: Size = Field(description="Height and width that the image is fitted into at factor 1.")
    scale_range: OrderedPair = Field(default=(0.1, 2.0), description="Smallest and largest factor, above 0.")

    def infer_image(self, image: Image) -> Image:
        """The size is unknown unless only one is possible."""
        after = resampled(image, self.interpolation)
        if self.scale_range[0] != self.scale_range[1]:
            return unsized(after)
        if image.height is None or image.width is None:
            return after.changed(height=None, width=None)
        fitted = min(self.target_size[0] / image.height, self.target_size[1] / image.width)
        return scaled_by(after, fitted * self.scale_range[0])

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if factors differ."""
        return self.scale_range[0] < self.scale_range[1]

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of factors in per cent."""
        return list(large_factor("scale_range", self.scale_range))


class RandomZoomOut(UncoveringTransform):
    """Place the image at a random position on a larger canvas with probability `p`.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype. The canvas is larger by a
    factor that is uniform in `side_range`, so the size varies from sample to sample: resize afterwards. Draws: the
    decision, the factor, the position along x, the position along y. Equivalent to
    torchvision.transforms.v2.RandomZoomOut, except that masks are padded with `mask_fill` (Liu et al., "SSD: Single
    shot multibox detector", ECCV 2016).
    """

    target = "registry_builtin.objects.random_sizes:RandomZoomOut"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"side_range": [1.0, 2.0], "fill": 128}

    side_range: OrderedPair = Field(default=(1.0, 4.0), description="Smallest and largest factor, at least 1.")
    fill: Fill = Field(default=0, description=FILL)
    p: Probability = Field(default=0.5, description="Probability of zooming out, 0 to 1.")

    @model_validator(mode="after")
    def _zooms_out(self) -> Self:
        if self.side_range[0] < 1:
            message = f"`side_range` must start at 1 or more, not {list(self.side_range)!r}"
            raise ParameterError(message, "Set its first value to 1 or more")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in the form of torchvision's functions."""
        return {**super().arguments(), "fill": torch_fill(self.fill)}

    def infer_image(self, image: Image) -> Image:
        """The size is unknown; added pixels contain the fill."""
        filled = with_fill(image, self.fill)
        return image if not self.p or self.side_range == (1, 1) else unsized(filled)

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if a canvas may be larger."""
        return self.p > 0 and self.side_range != (1, 1)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a canvas that is never larger, of factors in per cent, and of a fill out of range."""
        if self.side_range == (1, 1):
            return [no_effect(self.name, "side_range is 1", "side_range")]
        return [*large_factor("side_range", self.side_range), *far_values(facts.image, "fill", self.fill)]
