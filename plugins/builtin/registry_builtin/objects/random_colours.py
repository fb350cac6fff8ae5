"""Counter-based random changes of colours and tones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torchvision.transforms.v2 import functional as F

from registry_builtin.objects.sample_images import RandomColour, unchanged
from registry_core.components import Draws

Range = tuple[float, float]


def permutation(length: int, draws: Draws) -> list[int]:
    """Return a random permutation of the numbers below ``length`` (Fisher-Yates); draws length - 1 words."""
    order = list(range(length))
    for last in range(length - 1, 0, -1):
        other = draws.integer(last + 1)
        order[last], order[other] = order[other], order[last]
    return order


class Sometimes(RandomColour):
    """Calls a function of torchvision with fixed arguments with probability ``p``; draws one word."""

    def __init__(self, function: str, p: float, **arguments: Any) -> None:
        self.function = function
        self.p = p
        self.arguments = arguments

    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return the function, or the identity."""
        if draws.uniform() >= self.p:
            return unchanged
        function = getattr(F, self.function)
        return lambda image: function(image, **self.arguments)


class RandomGrayscale(RandomColour):
    """Converts to grayscale with probability ``p``, keeping the number of channels; draws one word."""

    def __init__(self, p: float) -> None:
        self.p = p

    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return the conversion, or the identity."""
        if draws.uniform() >= self.p:
            return unchanged
        return lambda image: F.rgb_to_grayscale(image, num_output_channels=F.get_num_channels(image))


class ColorJitter(RandomColour):
    """Changes brightness, contrast, saturation and hue in random order; draws seven words."""

    def __init__(self, brightness: Range, contrast: Range, saturation: Range, hue: Range) -> None:
        self.changes: list[tuple[Callable[..., Any], Range, float]] = [
            (F.adjust_brightness, brightness, 1.0),
            (F.adjust_contrast, contrast, 1.0),
            (F.adjust_saturation, saturation, 1.0),
            (F.adjust_hue, hue, 0.0),
        ]

    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a change by random amounts in random order."""
        amounts = [draws.uniform(*spread) for _, spread, _ in self.changes]
        order = permutation(len(self.changes), draws)

        def jitter(image: Any) -> Any:
            for place in order:
                change, spread, neutral = self.changes[place]
                if spread != (neutral, neutral):
                    image = change(image, amounts[place])
            return image

        return jitter


class RandomChannelPermutation(RandomColour):
    """Permutes the channels; draws one word less than there are channels."""

    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a random permutation of the channels."""
        order = permutation(channels, draws)
        return lambda image: F.permute_channels(image, order)


class RandomPhotometricDistort(RandomColour):
    """Applies each change with probability ``p``; draws ten words, and one less than there are channels."""

    def __init__(self, brightness: Range, contrast: Range, saturation: Range, hue: Range, p: float) -> None:
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.p = p

    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a random change: contrast comes before or after saturation and hue."""
        brightness, contrast, saturation, hue = (
            self._change(change, spread, draws)
            for change, spread in (
                (F.adjust_brightness, self.brightness),
                (F.adjust_contrast, self.contrast),
                (F.adjust_saturation, self.saturation),
                (F.adjust_hue, self.hue),
            )
        )
        contrast_first, permuted = draws.uniform() < 0.5, draws.uniform() < self.p
        order = permutation(channels, draws)
        middle = [contrast, saturation, hue] if contrast_first else [saturation, hue, contrast]

        def distort(image: Any) -> Any:
            for change in (brightness, *middle):
                image = change(image)
            return F.permute_channels(image, order) if permuted else image

        return distort

    def _change(self, change: Callable[..., Any], spread: Range, draws: Draws) -> Callable[[Any], Any]:
        done, amount = draws.uniform() < self.p, draws.uniform(*spread)
        return (lambda image: change(image, amount)) if done else unchanged
