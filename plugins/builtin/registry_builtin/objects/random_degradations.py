"""Random blur, compression and erased parts, with numbers by counter."""

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
    """A blur of random width; draws one word."""

    def __init__(self, kernel_size: tuple[int, int], sigma: tuple[float, float]) -> None:
        self.kernel_size = list(kernel_size)
        self.sigma = sigma

    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Blur with a standard deviation that is drawn."""
        sigma = draws.uniform(*self.sigma)
        return lambda image: F.gaussian_blur(image, self.kernel_size, [sigma, sigma])


class JPEG(RandomColour):
    """Compression of random quality; draws one word."""

    def __init__(self, quality: tuple[int, int]) -> None:
        self.quality = quality

    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Compress with a quality that is drawn."""
        quality = self.quality[0] + draws.integer(self.quality[1] - self.quality[0] + 1)
        return lambda image: _compressed(image, quality)


def _compressed(image: Any, quality: int) -> Any:
    """By Pillow, for tensors too: torchvision gives up its own encoder."""
    is_pillow = isinstance(image, PIL.Image.Image)
    written = io.BytesIO()
    (image if is_pillow else F.to_pil_image(image)).save(written, "JPEG", quality=quality)
    with PIL.Image.open(written) as read:
        return read.copy() if is_pillow else F.to_image(read)


class RandomErasing(RandomColour):
    """A rectangle of random area, shape and place erased with probability ``p``.

    Draws one word, four in each of at most ten attempts, and two more for a value that is random.
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
        """Erase a rectangle that is drawn, or leave the image as it is."""
        if draws.uniform() >= self.p:
            return unchanged
        rectangle = self.rectangle(height, width, draws)
        if rectangle is None:
            return unchanged
        value = self._pixels(channels, *rectangle[2:], draws)
        return lambda image: F.erase(image, *rectangle, v=value)

    def rectangle(self, height: int, width: int, draws: Draws) -> tuple[int, int, int, int] | None:
        """Top, left, height and width of the first of ten attempts that is smaller than the image; None if none is."""
        logarithms = (math.log(self.ratio[0]), math.log(self.ratio[1]))
        for _ in range(self.attempts):
            area = height * width * draws.uniform(*self.scale)
            aspect = math.exp(draws.uniform(*logarithms))
            rows, columns = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if rows < height and columns < width:
                return draws.integer(height - rows + 1), draws.integer(width - columns + 1), rows, columns
            draws.word(), draws.word()  # an attempt takes four words, whatever becomes of it
        return None

    def _pixels(self, channels: int, rows: int, columns: int, draws: Draws) -> torch.Tensor:
        if self.value == "random":
            generator = torch.Generator().manual_seed(draws.seed())
            return torch.randn([channels, rows, columns], generator=generator)
        values = self.value if isinstance(self.value, Sequence) else [self.value]
        return torch.tensor(values)[:, None, None]
