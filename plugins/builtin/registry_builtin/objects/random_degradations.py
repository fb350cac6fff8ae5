"""Counter-based random blur, compression and erasing."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import PIL.Image
import torch
from torchvision.transforms.v2 import functional as F

from registry_builtin.objects.sample_images import RandomColour, unchanged
from registry_core.components import Draws


class GaussianBlur(RandomColour):
    """Blurs with a random standard deviation; draws one word."""

    def __init__(self, kernel_size: tuple[int, int], sigma: tuple[float, float]) -> None:
        self.kernel_size = list(kernel_size)
        self.sigma = sigma

    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a blur with a random standard deviation."""
        sigma = draws.uniform(*self.sigma)
        return lambda image: F.gaussian_blur(image, self.kernel_size, [sigma, sigma])


class JPEG(RandomColour):
    """Compresses with a random quality; draws one word."""

    def __init__(self, quality: tuple[int, int]) -> None:
        self.quality = quality

    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a compression with a random quality."""
        quality = self.quality[0] + draws.integer(self.quality[1] - self.quality[0] + 1)
        return lambda image: _compressed(image, quality)


def _compressed(image: Any, quality: int) -> Any:
    """Compress with Pillow, tensors too, since torchvision is abandoning its own encoder."""
    is_pillow = isinstance(image, PIL.Image.Image)
    written = io.BytesIO()
    (image if is_pillow else F.to_pil_image(image)).save(written, "JPEG", quality=quality)
    with PIL.Image.open(written, formats=("JPEG",)) as read:
        return read.copy() if is_pillow else F.to_image(read)


class RandomErasing(RandomColour):
    """Erases a rectangle of random area, aspect ratio and position with probability ``p``.

    Draws one word, four for each of at most ten attempts, and two more for random values.
    """

    attempts = 10

    def __init__(
        self,
        p: float,
        scale: tuple[float, float],
        ratio: tuple[float, float],
        value: float | Sequence[float] | Literal["random"],
    ) -> None:
        self.p = p
        self.scale = scale
        self.ratio = ratio
        self.value = value

    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return an erasure of a random rectangle, or the identity."""
        if draws.uniform() >= self.p:
            return unchanged
        rectangle = self.rectangle(height, width, draws)
        if rectangle is None:
            return unchanged
        value = self._pixels(channels, *rectangle[2:], draws)
        return lambda image: F.erase(image, *rectangle, v=value)

    def rectangle(self, height: int, width: int, draws: Draws) -> tuple[int, int, int, int] | None:
        """Return top, left, height and width of the first of ten attempts that fits; None if none does."""
        logarithms = (math.log(self.ratio[0]), math.log(self.ratio[1]))
        for _ in range(self.attempts):
            area = height * width * draws.uniform(*self.scale)
            aspect = math.exp(draws.uniform(*logarithms))
            rows, columns = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if rows < height and columns < width:
                return draws.integer(height - rows + 1), draws.integer(width - columns + 1), rows, columns
            draws.word(), draws.word()  # every attempt draws four words, even a failed one
        return None

    def _pixels(self, channels: int, rows: int, columns: int, draws: Draws) -> torch.Tensor:
        if self.value == "random":
            generator = torch.Generator().manual_seed(draws.seed())
            return torch.randn([channels, rows, columns], generator=generator)
        values = self.value if isinstance(self.value, Sequence) else [self.value]
        return torch.tensor(values)[:, None, None]
