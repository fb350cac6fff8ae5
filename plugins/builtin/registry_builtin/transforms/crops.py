"""Crops: a window of the image, at the centre or at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.transforms.doubts import (
    cut_to,
    far_values,
    has_size_for_certain,
    no_effect,
    other_unit,
    same_size,
    spoils,
    to_few_pixels,
)
from registry_builtin.transforms.image_facts import Edges, check_one_pixel, padded, resampled, with_fill, with_values
from registry_builtin.transforms.parameters import (
    OLD_INTERPOLATION,
    PADDING,
    SIZE,
    InterpolatingTransform,
    PaddingTransform,
    torch_fill,
)
from registry_core.components import CheckFailed, Image, RunFacts
from registry_core.components.forms import Aspect
from registry_core.components.transform import Randomness
from registry_core.components.types import OrderedPair, Padding, Size
from registry_core.components.uncovering import UncoveringTransform


class CenterCrop(UncoveringTransform):
    """Crop the central `size` window of the image.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the output has height and
    width `size`. An image smaller than the window is padded with 0, masks with `mask_fill`. If the margins cannot be
    equal, the window lies where torchvision places it. Equivalent to torchvision.transforms.v2.CenterCrop.
    """

    target = "registry_builtin.objects.center_crop:CenterCrop"
    example: ClassVar[Mapping[str, Any]] = {"size": 8}

    size: Size = Field(description=SIZE)

    def infer_image(self, image: Image) -> Image:
        """The output has the size of the window."""
        height, width = self.size
        tall = image.height is not None and image.height >= height
        wide = image.width is not None and image.width >= width
        return (image if tall and wide else with_values(image, 0)).changed(height=height, width=width)

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """Return the extent, if the window leaves out much of the image."""
        return cut_to(image, *self.size)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a window of the image's own size, and of one or two pixels."""
        if has_size_for_certain(facts, *self.size):
            return [no_effect(self.name, "size is that of the image")]
        return list(to_few_pixels(facts.image, *self.size))


class RandomCrop(PaddingTransform):
    """Crop a `size` window at a random position, after optional padding.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the output has height and
    width `size`. Every position is equally likely. Draws: top, left. An image smaller than the window is an error,
    unless `pad_if_needed` adds the missing pixels at both edges. Equivalent to torchvision.transforms.v2.RandomCrop,
    except that masks are padded with `mask_fill`.
    """

    target = "registry_builtin.objects.random_geometry:RandomCrop"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"size": 8, "padding": 1}

    size: Size = Field(description=SIZE)
    padding: Padding | None = Field(default=None, description=f"{PADDING} null: no padding.")
    pad_if_needed: bool = Field(default=False, description="If true, images smaller than the window are padded to fit.")

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in the form of torchvision's functions."""
        return {**super().arguments(), "fill": torch_fill(self.fill)}

    def infer_image(self, image: Image) -> Image:
        """The output has the size of the window; CheckFailed if the window does not fit."""
        height, width = self.size
        before = padded(image, self._edges(image), self.fill, self.padding_mode)
        if _below(before.height, height) or _below(before.width, width):
            what = "padded image" if self.padding else "image"
            sides = " x ".join("?" if side is None else str(side) for side in (before.height, before.width))
            message = f"The {height} x {width} window does not fit into the {what} of {sides} (height x width)."
            raise CheckFailed(message, "Set a smaller size, more padding, or pad_if_needed: true.")
        if self.pad_if_needed and self.padding_mode == "constant" and None in (image.height, image.width):
            before = with_fill(before, self.fill)
        return before.changed(height=height, width=width)

    def is_random(self, image: Image | None = None) -> bool:
        """Return True unless the padded image is known to have the size of the window."""
        return not self._fits_exactly(image)

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """Return the extent, if the window leaves out much of the image."""
        return cut_to(image, *self.size)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a window of the image's own size, of one or two pixels, and of a fill out of range."""
        if self._fits_exactly(facts.image) and same_size(facts.image, *self.size):
            remedy = "Set padding, or a size below that of the image."
            return [no_effect(self.name, "size is that of the image, and padding is 0", remedy=remedy)]
        padded_with = far_values(facts.image, "fill", self.fill) if self.padding or self.pad_if_needed else ()
        return [*to_few_pixels(facts.image, *self.size), *padded_with]

    def _fits_exactly(self, image: Image | None) -> bool:
        if image is None or image.height is None or image.width is None:
            return False
        left, top, right, bottom = self._edges(image)
        return self.size == (image.height + top + bottom, image.width + left + right)

    def _edges(self, image: Image) -> Edges:
        left, top, right, bottom = self.padding or (0, 0, 0, 0)
        if self.pad_if_needed and image.height is not None:
            missing = max(0, self.size[0] - image.height - top - bottom)
            top, bottom = top + missing, bottom + missing
        if self.pad_if_needed and image.width is not None:
            missing = max(0, self.size[1] - image.width - left - right)
            left, right = left + missing, right + missing
        return left, top, right, bottom


class RandomResizedCrop(InterpolatingTransform):
    """Crop a window of random area, aspect ratio and position, and resize it to `size`.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; the output has height and
    width `size`. The area is uniform in `scale` and the logarithm of the aspect ratio is uniform in that of `ratio`. If
    none of ten attempts fits, the largest central window with an aspect ratio in `ratio` is used. Draws per attempt:
    area, aspect ratio, top, left. Equivalent to torchvision.transforms.v2.RandomResizedCrop (Szegedy et al., "Going
    deeper with convolutions", CVPR 2015).
    """

    target = "registry_builtin.objects.random_geometry:RandomResizedCrop"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"size": 8, "scale": [0.5, 1.0]}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_INTERPOLATION

    size: Size = Field(description=SIZE)
    scale: OrderedPair = Field(
        default=(0.08, 1.0), description="Smallest and largest area of the window, as a fraction of the image's area."
    )
    ratio: OrderedPair = Field(
        default=(3 / 4, 4 / 3), description="Smallest and largest aspect ratio of the window, width / height."
    )

    def infer_image(self, image: Image) -> Image:
        """The output has the given size."""
        check_one_pixel(image, self.size, self.interpolation, self.antialias)
        return resampled(image, self.interpolation).changed(height=self.size[0], width=self.size[1])

    def is_random(self, image: Image | None = None) -> bool:
        """Return True unless the window is always the whole image."""
        return not self._is_whole(image)

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """Return the extent, if the window may leave out much of the image."""
        return frozenset({"extent"} if self.scale[0] < 0.9 else ())

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a scale in per cent, of tiny windows, and of a window of the image's own size."""
        if self.scale[1] > 10 or self.scale[0] > 1:
            message = f"scale is a fraction of the image's area, up to 1, but it is {list(self.scale)}."
            return [other_unit(message, "Write fractions, such as [0.08, 1.0].", "scale")]
        if self.scale[1] < 0.02:
            message = f"scale leaves at most {self.scale[1]:.3g} of the image's area."
            return [spoils(message, "Write a larger scale, such as [0.08, 1.0].", "scale")]
        if self._is_whole(facts.image) and same_size(facts.image, *self.size):
            return [no_effect(self.name, "the window is the whole image, and size is that of the image")]
        return list(to_few_pixels(facts.image, *self.size))

    def _is_whole(self, image: Image | None) -> bool:
        return image is not None and image.is_square and self.scale == (1, 1) and self.ratio[0] <= 1 <= self.ratio[1]


def _below(side: int | None, least: int) -> bool:
    return side is not None and side < least
