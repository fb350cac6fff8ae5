"""Counter-based random resizing and zooming out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from registry_builtin.objects.random_geometry import RandomGeometry
from registry_builtin.objects.sample_images import unchanged
from registry_core.components import Draws


class RandomScaling(RandomGeometry):
    """Base of resizing to a random size."""

    def __init__(self, interpolation: InterpolationMode, antialias: bool) -> None:
        self.interpolation = interpolation
        self.antialias = antialias

    @abstractmethod
    def size(self, height: int, width: int, draws: Draws) -> list[int]:
        """Return height and width, or the shorter side, of the result for an image of this size."""

    def drawn(self, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a resize to a random size."""
        size = [max(1, side) for side in self.size(height, width, draws)]
        return lambda value: F.resize(value, size, interpolation=self.interpolation, antialias=self.antialias)


class RandomResize(RandomScaling):
    """Resizes the shorter side to a random length; draws one word."""

    def __init__(self, min_size: int, max_size: int, interpolation: InterpolationMode, antialias: bool) -> None:
        super().__init__(interpolation, antialias)
        self.min_size = min_size
        self.max_size = max_size

    def size(self, height: int, width: int, draws: Draws) -> list[int]:
        """Return a shorter side from min_size to max_size (excluded)."""
        return [self.min_size + draws.integer(self.max_size - self.min_size)]


class RandomShortestSize(RandomScaling):
    """Resizes the shorter side to one of several lengths; draws one word."""

    def __init__(
        self, min_size: Sequence[int], max_size: int | None, interpolation: InterpolationMode, antialias: bool
    ) -> None:
        super().__init__(interpolation, antialias)
        self.min_size = min_size
        self.max_size = max_size

    def size(self, height: int, width: int, draws: Draws) -> list[int]:
        """Return one of the lengths, or less if the longer side would exceed max_size."""
        ratio = self.min_size[draws.integer(len(self.min_size))] / min(height, width)
        if self.max_size is not None:
            ratio = min(ratio, self.max_size / max(height, width))
        return [int(height * ratio), int(width * ratio)]


class ScaleJitter(RandomScaling):
    """Fits the image into a size and scales it by a random factor; draws one word."""

    def __init__(
        self,
        target_size: tuple[int, int],
        scale_range: tuple[float, float],
        interpolation: InterpolationMode,
        antialias: bool,
    ) -> None:
        super().__init__(interpolation, antialias)
        self.target_size = target_size
        self.scale_range = scale_range

    def size(self, height: int, width: int, draws: Draws) -> list[int]:
        """Return the fitted size times a random factor."""
        ratio = min(self.target_size[0] / height, self.target_size[1] / width) * draws.uniform(*self.scale_range)
        return [int(height * ratio), int(width * ratio)]


class RandomZoomOut(RandomGeometry):
    """Places the image at a random position on a larger canvas with probability ``p``; draws four words."""

    def __init__(self, side_range: tuple[float, float], fill: Any, p: float, mask_fill: int) -> None:
        self.side_range = side_range
        self.fill = fill
        self.mask_fill = mask_fill
        self.p = p

    def drawn(self, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a padding to a random size at a random position, or the identity."""
        zoomed = draws.uniform() < self.p
        edges = self.edges(height, width, draws)
        if not zoomed:
            return unchanged
        return lambda value: F.pad(
            value, edges, fill=self.mask_fill if isinstance(value, tv_tensors.Mask) else self.fill
        )

    def edges(self, height: int, width: int, draws: Draws) -> list[int]:
        """Return the pixels to add at left, top, right and bottom."""
        factor = draws.uniform(*self.side_range)
        wider, higher = int(width * factor) - width, int(height * factor) - height
        left, top = int(wider * draws.uniform()), int(higher * draws.uniform())
        return [left, top, wider - left, higher - top]
