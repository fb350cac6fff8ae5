"""Counter-based random crops and flips, independent of where a sample is made."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from registry_builtin.objects.sample_images import spatial_of, unchanged
from registry_core.components import Draws
from registry_core.diagnostics import DataError


class Window(NamedTuple):
    """A rectangle of an image, in pixels."""

    top: int
    left: int
    height: int
    width: int


class RandomGeometry(ABC):
    """Base of random geometric transforms: one random change, applied to every image and mask of the sample.

    It applies to the entry ``input`` and to every other entry that is a Pillow image or a tv_tensor.
    """

    def __call__(self, sample: Mapping[str, Any], draws: Draws) -> dict[str, Any]:
        """Return the sample after a change determined by ``draws``."""
        moved = spatial_of(sample)
        height, width = F.get_size(moved["input"])
        change = self.drawn(height, width, draws)
        return {**sample, **{key: change(value) for key, value in moved.items()}}

    @abstractmethod
    def drawn(self, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return the change of one image or mask, for a sample whose input has this size."""


class RandomCrop(RandomGeometry):
    """Crops a window of fixed size; draws two words, top and left, even if only one position is possible."""

    def __init__(
        self,
        size: tuple[int, int],
        padding: tuple[int, int, int, int] | None,
        pad_if_needed: bool,
        fill: float | Sequence[float],
        padding_mode: str,
        mask_fill: int,
    ) -> None:
        self.size = size
        self.padding = padding or (0, 0, 0, 0)
        self.pad_if_needed = pad_if_needed
        self.fill = list(fill) if isinstance(fill, Sequence) else fill
        self.padding_mode = padding_mode
        self.mask_fill = mask_fill

    def drawn(self, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a change that pads, then crops the window at a random position."""
        left, top, right, bottom = self.padding
        if self.pad_if_needed:
            missing = max(0, self.size[0] - height - top - bottom)
            top, bottom = top + missing, bottom + missing
            missing = max(0, self.size[1] - width - left - right)
            left, right = left + missing, right + missing
        room = (height + top + bottom - self.size[0], width + left + right - self.size[1])
        if min(room) < 0:
            padded = f"{height + top + bottom} x {width + left + right}"
            message = f"The {self.size[0]} x {self.size[1]} window does not fit into the image of {padded}"
            remedy = "Set a smaller size, more padding, or pad_if_needed: true."
            raise DataError(f"{message} (height x width, padding included).", remedy)
        window = Window(draws.integer(room[0] + 1), draws.integer(room[1] + 1), *self.size)
        return lambda value: F.crop(self._padded(value, [left, top, right, bottom]), *window)

    def _padded(self, value: Any, edges: list[int]) -> Any:
        if not any(edges):
            return value
        fill = self.mask_fill if isinstance(value, tv_tensors.Mask) else self.fill
        return F.pad(value, edges, fill=fill, padding_mode=self.padding_mode)


class RandomResizedCrop(RandomGeometry):
    """Crops a window of random area and aspect ratio and resizes it; draws four words per attempt, at most ten."""

    attempts = 10

    def __init__(
        self,
        size: tuple[int, int],
        scale: tuple[float, float],
        ratio: tuple[float, float],
        interpolation: InterpolationMode,
        antialias: bool,
    ) -> None:
        self.size = size
        self.scale = scale
        self.ratio = ratio
        self.interpolation = interpolation
        self.antialias = antialias

    def drawn(self, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a change that crops a random window and resizes it."""
        window = self.window(height, width, draws)
        return lambda value: F.resized_crop(
            value, *window, size=list(self.size), interpolation=self.interpolation, antialias=self.antialias
        )

    def window(self, height: int, width: int, draws: Draws) -> Window:
        """Return the window for an image of this size: the first of ten attempts that fits, else a central one."""
        logarithms = (math.log(self.ratio[0]), math.log(self.ratio[1]))
        for _ in range(self.attempts):
            area = height * width * draws.uniform(*self.scale)
            aspect = math.exp(draws.uniform(*logarithms))
            window_width, window_height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < window_width <= width and 0 < window_height <= height:
                top, left = draws.integer(height - window_height + 1), draws.integer(width - window_width + 1)
                return Window(top, left, window_height, window_width)
            draws.word(), draws.word()  # every attempt draws four words, even a failed one
        return self._middle(height, width)

    def _middle(self, height: int, width: int) -> Window:
        narrowest, widest = self.ratio
        window_height, window_width = height, width
        if width / height < narrowest:
            window_height = max(1, round(width / narrowest))
        elif width / height > widest:
            window_width = max(1, round(height * widest))
        return Window((height - window_height) // 2, (width - window_width) // 2, window_height, window_width)


class RandomHorizontalFlip(RandomGeometry):
    """Flips horizontally with probability ``p``; draws one word."""

    def __init__(self, p: float) -> None:
        self.p = p

    def drawn(self, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return the flip, or the identity."""
        return F.horizontal_flip if draws.uniform() < self.p else unchanged


class RandomVerticalFlip(RandomGeometry):
    """Flips vertically with probability ``p``; draws one word."""

    def __init__(self, p: float) -> None:
        self.p = p

    def drawn(self, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return the flip, or the identity."""
        return F.vertical_flip if draws.uniform() < self.p else unchanged
