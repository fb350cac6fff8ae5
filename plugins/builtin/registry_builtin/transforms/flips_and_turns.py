"""Flips and turns: mirror images."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from registry_core.components import Image, Transform
from registry_core.components.transform import Randomness
from registry_core.components.types import Probability


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
