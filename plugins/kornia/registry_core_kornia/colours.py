"""Colours: jitter of brightness, contrast, saturation and hue, grey, and channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Image
from registry_core.components.types import NonNegativeInt, PositiveInt, Probability
from registry_core_kornia.declaring import Change, Colour
from registry_core_kornia.facts import with_channels, with_values
from registry_core_kornia.parameters import ChannelShifts, Factors, FactorsTo2, Hues, P

_ONE = "one number v stands for [1 - v, 1 + v]"
_HUE = "Smallest and largest shift of the hue in turns, -0.5 to 0.5; one number v stands for [-v, v], 0: unchanged."
_SHIFT = "-1 to 1; one number v stands for [-v, v]."
_STEPS = ("brightness", "contrast", "saturation", "hue")
Orders = Annotated[tuple[Literal[0, 1, 2, 3], ...], Field(min_length=1, max_length=4)]


class _Jitter(Colour):
    """What both jitters share."""

    p: Probability = Field(default=1.0, description=P)
    contrast: Factors = Field(default=0.0, description="")
    saturation: Factors = Field(default=0.0, description="")
    hue: Hues = Field(default=0.0, description=_HUE)
    order: Orders | None = Field(
        default=None,
        description="The changes to make, in this order: 0 brightness, 1 contrast, 2 saturation, 3 hue; null: all, in "
        "an order that is drawn for each batch.",
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.order is not None and len(set(self.order)) != len(self.order):
            raise ValueError(f"order has a change twice: {list(self.order)!r}; each may stand in it once")
        return self

    def changes(self) -> set[str]:
        """What it changes at all."""
        taken = _STEPS if self.order is None else tuple(_STEPS[place] for place in self.order)
        return {step for step in taken if getattr(self, step) not in (0.0, _unchanged(step))}


def _unchanged(step: str) -> tuple[float, float]:
    return (0.0, 0.0) if step == "hue" else (1.0, 1.0)


class ColorJiggle(_Jitter):
    """Change brightness, contrast, saturation and hue of images of a batch by random amounts, in random order.

    In and out: float images [batch, channels, height, width], values from 0 to 1; 3 channels, or any number where
    saturation and hue stay. Brightness is added, contrast a factor of values, saturation one of that of HSV; the order
    is one for the batch. As kornia.augmentation.ColorJiggle.
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
        """Values may go anywhere from 0 to 1; CheckFailed if colours are needed that are not there."""
        needed = (3,) if self.changes() & {"saturation", "hue"} else ()
        return super().after(with_channels(image, self.name, needed))


class ColorJitter(_Jitter):
    """Change brightness, contrast, saturation and hue of images of a batch as torchvision does, in random order.

    In and out: float images [batch, channels, height, width], values from 0 to 1; any number of channels where
    saturation and hue stay, 1 or 3 where hue stays, else 3. The order is one for the batch. As
    kornia.augmentation.ColorJitter, with the formulas of torchvision.transforms.ColorJitter.
    """

    target: ClassVar[str] = "kornia.augmentation:ColorJitter"
    example: ClassVar[Mapping[str, Any]] = {"brightness": 0.4, "contrast": 0.4}

    brightness: Factors = Field(
        default=0.0, description=f"Smallest and largest factor of values, at least 0; {_ONE}, 0: unchanged."
    )
    contrast: Factors = Field(
        default=0.0,
        description=f"Smallest and largest factor of the distance to the mean grey, at least 0; {_ONE}, 0: unchanged.",
    )
    saturation: Factors = Field(
        default=0.0,
        description=f"Smallest and largest factor of the distance to grey, at least 0; {_ONE}, 0: unchanged.",
    )

    def after(self, image: Image) -> Image:
        """Values may go anywhere from 0 to 1; CheckFailed if colours are needed that are not there."""
        changes = self.changes()
        needed = (3,) if "hue" in changes else (1, 3) if "saturation" in changes else ()
        return super().after(with_channels(image, self.name, needed))


class RandomHue(Colour):
    """Shift the hue of images of a batch, each with probability `p`.

    In and out: float images [batch, 3, height, width], values from 0 to 1. As kornia.augmentation.RandomHue.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomHue"
    channels: ClassVar[tuple[int, ...]] = (3,)
    example: ClassVar[Mapping[str, Any]] = {"hue": 0.1}

    p: Probability = Field(default=1.0, description=P)
    hue: Hues = Field(default=(0.0, 0.0), description=_HUE)


class RandomSaturation(Colour):
    """Change the saturation, as in HSV, of images of a batch, each with probability `p`.

    In and out: float images [batch, 3, height, width], values from 0 to 1. As kornia.augmentation.RandomSaturation.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomSaturation"
    channels: ClassVar[tuple[int, ...]] = (3,)
    example: ClassVar[Mapping[str, Any]] = {"saturation": [0.5, 1.5]}

    p: Probability = Field(default=1.0, description=P)
    saturation: Factors = Field(
        default=(1.0, 1.0), description=f"Smallest and largest factor of the saturation, at least 0; {_ONE}."
    )


class RandomGrayscale(Change):
    """Turn colours of images of a batch into grey, each with probability `p`, with as many channels as before.

    In and out: float images [batch, channels, height, width] of any values. Of 3 channels grey is 0.299 red + 0.587
    green + 0.114 blue, of another number their mean. As kornia.augmentation.RandomGrayscale.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomGrayscale"

    p: Probability = Field(default=0.1, description=P)
    rgb_weights: Annotated[tuple[float, ...], Field(min_length=1)] | None = Field(
        default=None, description="Weight of each channel in the grey; null: those above. They need not add up to 1."
    )

    def arguments(self) -> dict[str, Any]:
        """The parameters as kornia takes them: weights as a tensor."""
        from torch import tensor

        weights = None if self.rgb_weights is None else tensor(self.rgb_weights)
        return {**super().arguments(), "rgb_weights": weights}

    def after(self, image: Image) -> Image:
        """Values are weighted sums; CheckFailed if there are other channels than weights."""
        weights = self.rgb_weights
        if weights is None:
            return image
        if image.channels not in (None, len(weights)):
            message = f"rgb_weights has {len(weights)} values, and the images have {image.channels} channels."
            raise CheckFailed(message, "Give one weight for each channel.", ("rgb_weights",))
        if image.low is None or image.high is None:
            return image
        ends = [sorted((weight * image.low, weight * image.high)) for weight in weights]
        return with_values(image, sum(low for low, _ in ends), sum(high for _, high in ends))


class RandomChannelShuffle(Change):
    """Put the channels of images of a batch into random order, each with probability `p`.

    In and out: float images [batch, channels, height, width] of any values. As
    kornia.augmentation.RandomChannelShuffle.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomChannelShuffle"


class RandomChannelDropout(Change):
    """Give channels of images of a batch one value, each image with probability `p`.

    In and out: float images [batch, channels, height, width] of any values. As
    kornia.augmentation.RandomChannelDropout.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomChannelDropout"

    num_drop_channels: PositiveInt = Field(default=1, description="How many channels of an image are dropped.")
    fill_value: Probability = Field(default=0.0, description="Value of dropped channels, 0 to 1.")

    def after(self, image: Image) -> Image:
        """Values may be that of dropped channels; CheckFailed if there are fewer channels than are dropped."""
        if image.channels is not None and image.channels < self.num_drop_channels:
            message = f"Of {image.channels} channels, num_drop_channels cannot be {self.num_drop_channels}."
            raise CheckFailed(message, "Drop fewer.", ("num_drop_channels",))
        return with_values(image, self.fill_value)


class RandomRGBShift(Colour):
    """Add a random number to each of the three channels of images of a batch, each image with probability `p`.

    In and out: float images [batch, 3, height, width], values from 0 to 1. As kornia.augmentation.RandomRGBShift.
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
    """Show images of a batch as in another light, each with probability `p`.

    In and out: float images [batch, 3, height, width], values from 0 to 1. Red and blue are scaled as by a light of
    another temperature. As kornia.augmentation.RandomPlanckianJitter (Zini et al., "Planckian jitter: countering the
    color-crippling effects of color jitter on self-supervised training", 2022).
    """

    target: ClassVar[str] = "kornia.augmentation:RandomPlanckianJitter"
    channels: ClassVar[tuple[int, ...]] = (3,)

    mode: Literal["blackbody", "CIED"] = Field(
        default="blackbody", description="Lights of a black body (25 of them), or daylights of the CIE (23)."
    )
    select_from: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] | None = Field(
        default=None, description="Numbers of the lights to draw from, from 0, the warmest; null: all."
    )

    @model_validator(mode="after")
    def _there(self) -> Self:
        lights = 25 if self.mode == "blackbody" else 23
        if self.select_from is not None and max(self.select_from) >= lights:
            raise ValueError(
                f"select_from has {max(self.select_from)}, and {self.mode} has the lights 0 to {lights - 1}"
            )
        return self

    def arguments(self) -> dict[str, Any]:
        """The parameters as kornia takes them: lights as a list."""
        chosen = None if self.select_from is None else list(self.select_from)
        return {**super().arguments(), "select_from": chosen}
