"""Colors: jitter of brightness, contrast, saturation and hue, grayscale, and channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Image, ParameterError
from registry_core.components.types import NonNegativeInt, PositiveInt, Probability
from registry_core_kornia.declaring import Change, Colour
from registry_core_kornia.facts import with_channels, with_values
from registry_core_kornia.parameters import ChannelShifts, Factors, FactorsTo2, Hues, P

_ONE = "a single number v means [1 - v, 1 + v]"
_HUE = "Smallest and largest hue shift in turns, -0.5 to 0.5; a single number v means [-v, v], 0: unchanged."
_SHIFT = "-1 to 1; a single number v means [-v, v]."
_STEPS = ("brightness", "contrast", "saturation", "hue")
Orders = Annotated[tuple[Literal[0, 1, 2, 3], ...], Field(min_length=1, max_length=4)]


class _Jitter(Colour):
    """Base class of both jitters."""

    p: Probability = Field(default=1.0, description=P)
    contrast: Factors = Field(default=0.0, description="")
    saturation: Factors = Field(default=0.0, description="")
    hue: Hues = Field(default=0.0, description=_HUE)
    order: Orders | None = Field(
        default=None,
        description="Changes in order: 0 brightness, 1 contrast, 2 saturation, 3 hue; null: all, in a random order for "
        "each batch.",
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.order is not None and len(set(self.order)) != len(self.order):
            raise ParameterError(f"`order` contains a change twice: {list(self.order)!r}", "List each change once")
        return self

    def changes(self) -> set[str]:
        """Return the properties that it changes."""
        taken = _STEPS if self.order is None else tuple(_STEPS[place] for place in self.order)
        return {step for step in taken if getattr(self, step) not in (0.0, _unchanged(step))}


def _unchanged(step: str) -> tuple[float, float]:
    return (0.0, 0.0) if step == "hue" else (1.0, 1.0)


class ColorJiggle(_Jitter):
    """Change brightness, contrast, saturation and hue of images of a batch by random amounts, in random order.

    Input and output: float images [batch, channels, height, width], values from 0 to 1; 3 channels, or any number if
    saturation and hue do not change. Brightness is added; contrast is a factor of the values, saturation a factor of
    the HSV saturation. The order is the same for the whole batch. Equivalent to kornia.augmentation.ColorJiggle.
    """

    target: ClassVar[str] = "kornia.augmentation:ColorJiggle"
    example: ClassVar[Mapping[str, Any]] = {"brightness": 0.2, "contrast": 0.2}

    brightness: FactorsTo2 = Field(
        default=0.0,
        description=f"Smallest and largest factor f, 0 to 2, of which f - 1 is added; {_ONE}, 0: unchanged.",
    )
    contrast: Factors = Field(
        default=0.0, description=f"Smallest and largest factor of values, at least 0; {_ONE}, 0: unchanged."
    )
    saturation: Factors = Field(
        default=0.0, description=f"Smallest and largest factor of the saturation, at least 0; {_ONE}, 0: unchanged."
    )

    def after(self, image: Image) -> Image:
        """Return the image with any values from 0 to 1; raise CheckFailed if required color channels are missing."""
        needed = (3,) if self.changes() & {"saturation", "hue"} else ()
        return super().after(with_channels(image, self.name, needed))


class ColorJitter(_Jitter):
    """Change brightness, contrast, saturation and hue of images of a batch as torchvision does, in random order.

    Input and output: float images [batch, channels, height, width], values from 0 to 1; any number of channels if
    saturation and hue do not change, 1 or 3 if hue does not change, else 3. The order is the same for the whole batch.
    Equivalent to kornia.augmentation.ColorJitter, with the formulas of torchvision.transforms.ColorJitter.
    """

    target: ClassVar[str] = "kornia.augmentation:ColorJitter"
    example: ClassVar[Mapping[str, Any]] = {"brightness": 0.4, "contrast": 0.4}

    brightness: Factors = Field(
        default=0.0, description=f"Smallest and largest factor of values, at least 0; {_ONE}, 0: unchanged."
    )
    contrast: Factors = Field(
        default=0.0,
        description=f"Smallest and largest factor of the difference from mean gray, at least 0; {_ONE}, 0: unchanged.",
    )
    saturation: Factors = Field(
        default=0.0,
        description=f"Smallest and largest factor of the difference from gray, at least 0; {_ONE}, 0: unchanged.",
    )

    def after(self, image: Image) -> Image:
        """Return the image with any values from 0 to 1; raise CheckFailed if required color channels are missing."""
        changes = self.changes()
        needed = (3,) if "hue" in changes else (1, 3) if "saturation" in changes else ()
        return super().after(with_channels(image, self.name, needed))


class RandomHue(Colour):
    """Shift the hue of images of a batch, each with probability `p`.

    Input and output: float images [batch, 3, height, width], values from 0 to 1. Equivalent to
    kornia.augmentation.RandomHue.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomHue"
    channels: ClassVar[tuple[int, ...]] = (3,)
    example: ClassVar[Mapping[str, Any]] = {"hue": 0.1}

    p: Probability = Field(default=1.0, description=P)
    hue: Hues = Field(default=(0.0, 0.0), description=_HUE)


class RandomSaturation(Colour):
    """Change the HSV saturation of images of a batch, each with probability `p`.

    Input and output: float images [batch, 3, height, width], values from 0 to 1. Equivalent to
    kornia.augmentation.RandomSaturation.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomSaturation"
    channels: ClassVar[tuple[int, ...]] = (3,)
    example: ClassVar[Mapping[str, Any]] = {"saturation": [0.5, 1.5]}

    p: Probability = Field(default=1.0, description=P)
    saturation: Factors = Field(
        default=(1.0, 1.0), description=f"Smallest and largest factor of the saturation, at least 0; {_ONE}."
    )


class RandomGrayscale(Change):
    """Convert images of a batch to grayscale, each with probability `p`, keeping the number of channels.

    Input and output: float images [batch, channels, height, width] of any values. For 3 channels, gray is 0.299 red +
    0.587 green + 0.114 blue, otherwise the mean of the channels. Equivalent to kornia.augmentation.RandomGrayscale.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomGrayscale"

    p: Probability = Field(default=0.1, description=P)
    rgb_weights: Annotated[tuple[float, ...], Field(min_length=1)] | None = Field(
        default=None, description="Weight of each channel; null for the weights above. They need not sum to 1."
    )

    def arguments(self) -> dict[str, Any]:
        """Return the parameters of kornia, with the weights as a tensor."""
        from torch import tensor

        weights = None if self.rgb_weights is None else tensor(self.rgb_weights)
        return {**super().arguments(), "rgb_weights": weights}

    def after(self, image: Image) -> Image:
        """Return the image after weighted sums; raise CheckFailed if the number of weights is wrong."""
        weights = self.rgb_weights
        if weights is None:
            return image
        if image.channels not in (None, len(weights)):
            message = f"rgb_weights has {len(weights)} values, but the images have {image.channels} channels."
            raise CheckFailed(message, "Write one weight per channel.", ("rgb_weights",))
        if image.low is None or image.high is None:
            return image
        ends = [sorted((weight * image.low, weight * image.high)) for weight in weights]
        return with_values(image, sum(low for low, _ in ends), sum(high for _, high in ends))


class RandomChannelShuffle(Change):
    """Permute the channels of images of a batch at random, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values. Equivalent to
    kornia.augmentation.RandomChannelShuffle.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomChannelShuffle"


class RandomChannelDropout(Change):
    """Set random channels of images of a batch to a constant, each image with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values. Equivalent to
    kornia.augmentation.RandomChannelDropout.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomChannelDropout"

    num_drop_channels: PositiveInt = Field(default=1, description="Number of dropped channels per image.")
    fill_value: Probability = Field(default=0.0, description="Value of dropped channels, 0 to 1.")

    def after(self, image: Image) -> Image:
        """Return the image with dropped channels; raise CheckFailed if it has too few channels."""
        if image.channels is not None and image.channels < self.num_drop_channels:
            message = f"num_drop_channels is {self.num_drop_channels}, but the images have {image.channels}."
            raise CheckFailed(message, "Drop fewer channels.", ("num_drop_channels",))
        return with_values(image, self.fill_value)


class RandomRGBShift(Colour):
    """Add a random number to each of the three channels of images of a batch, each image with probability `p`.

    Input and output: float images [batch, 3, height, width], values from 0 to 1. Equivalent to
    kornia.augmentation.RandomRGBShift.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomRGBShift"
    channels: ClassVar[tuple[int, ...]] = (3,)

    r_shift_limit: ChannelShifts = Field(default=0.5, description=f"Smallest and largest number added to red, {_SHIFT}")
    g_shift_limit: ChannelShifts = Field(
        default=0.5, description=f"Smallest and largest number added to green, {_SHIFT}"
    )
    b_shift_limit: ChannelShifts = Field(
        default=0.5, description=f"Smallest and largest number added to blue, {_SHIFT}"
    )


class RandomPlanckianJitter(Colour):
    """Change the color temperature of images of a batch, each with probability `p`.

    Input and output: float images [batch, 3, height, width], values from 0 to 1. Red and blue are scaled as under a
    light of another temperature. Equivalent to kornia.augmentation.RandomPlanckianJitter (Zini et al., "Planckian
    jitter: countering the color-crippling effects of color jitter on self-supervised training", 2022).
    """

    target: ClassVar[str] = "kornia.augmentation:RandomPlanckianJitter"
    channels: ClassVar[tuple[int, ...]] = (3,)

    mode: Literal["blackbody", "CIED"] = Field(
        default="blackbody", description="Black-body lights (25), or CIE daylights (23)."
    )
    select_from: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] | None = Field(
        default=None, description="Indices of the lights to draw from, 0 is the warmest; null: all."
    )

    @model_validator(mode="after")
    def _there(self) -> Self:
        lights = 25 if self.mode == "blackbody" else 23
        if self.select_from is not None and max(self.select_from) >= lights:
            raise ParameterError(
                f"`select_from` contains {max(self.select_from)}, but {self.mode} has the lights 0 to {lights - 1}",
                f"Use indices up to {lights - 1}",
            )
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the parameters of kornia, with the lights as a list."""
        chosen = None if self.select_from is None else list(self.select_from)
        return {**super().arguments(), "select_from": chosen}
