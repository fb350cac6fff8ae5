"""Parameters that several transforms share, with their words and their checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from registry_core.components import CheckFailed, DataFacts, Transform
from registry_core.components.types import INTEGER, NUMBER, Fill, Interpolation, PaddingMode, one_or_list

SIZE = "Height and width of the result in pixels; one number stands for both."
PADDING = "Pixels added at all edges, at [left and right, top and bottom], or at [left, top, right, bottom]."
FILL = (
    "Value of added pixels in the unit of the image (0 to 255 before to_tensor), or one for each channel; masks get 0."
)
PADDING_MODE = (
    "What added pixels show: fill, the nearest edge pixel, or the image mirrored without or with its edge pixel."
)
INTERPOLATION = "How new pixels are made from old ones; lanczos: Pillow images only. Masks take the nearest."
WARP = "How new pixels are made from old ones; bicubic: Pillow images only. Masks take the nearest."
ANTIALIAS = "Whether tensors are smoothed when they shrink (bilinear and bicubic); Pillow images always are."
CENTER = "The point [x, y] in pixels from the upper left corner that stays where it is; null: the middle."

OLD_INTERPOLATION = {
    "resample": "interpolation",
    "interpolation: 0": "interpolation: nearest",
    "interpolation: 1": "interpolation: lanczos",
    "interpolation: 2": "interpolation: bilinear",
    "interpolation: 3": "interpolation: bicubic",
}
"""Pillow's numbers, which the first torchvision took."""

OLD_WARP = {**OLD_INTERPOLATION, "fillcolor": "fill"}


def torch_mode(name: str) -> Any:
    """torchvision's name of an interpolation."""
    from torchvision.transforms import InterpolationMode

    return InterpolationMode(name)


def torch_fill(fill: float | tuple[float, ...]) -> float | list[float]:
    """A fill as torchvision's functions take it."""
    return list(fill) if isinstance(fill, tuple) else fill


class TorchvisionTransform(Transform):
    """A transform whose target is a class of torchvision, called with images and masks of a sample, nothing else."""

    def build(self) -> Callable[..., Any]:
        """The transform of torchvision, for samples."""
        from registry_builtin.objects.sample_images import OnSample

        return OnSample(super().build())


class PaddingTransform(Transform):
    """What padding with a value, or a mirror image, shares."""

    fill: Fill = Field(default=0, description=FILL)
    padding_mode: PaddingMode = Field(default="constant", description=PADDING_MODE)

    @model_validator(mode="after")
    def _fill_is_used(self) -> Self:
        if isinstance(self.fill, tuple) and self.padding_mode != "constant":
            raise ValueError(f"fill has no meaning for padding_mode {self.padding_mode!r}; remove it")
        return self

    def check_sample(self, facts: DataFacts) -> None:
        """Boxes need no pixels around them that show something."""
        if facts.boxes and self.padding_mode != "constant":
            message = f"{self.name} cannot pad in padding_mode {self.padding_mode!r} where samples have boxes."
            raise CheckFailed(message, "Choose padding_mode: constant.", ("padding_mode",))


class InterpolatingTransform(Transform):
    """What transforms that resize share."""

    interpolation: Interpolation = Field(default="bilinear", description=INTERPOLATION)
    antialias: bool = Field(default=True, description=ANTIALIAS)

    def arguments(self) -> dict[str, Any]:
        """The parameters, with torchvision's name of the interpolation."""
        return {**super().arguments(), "interpolation": torch_mode(self.interpolation)}


def _numbers(value: Any, *lengths: int) -> bool:
    if not isinstance(value, (list, tuple)) or len(value) not in lengths:
        return False
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in value)


def _range(value: Any, words: str, spread: Callable[[float], tuple[float, float]], low: float, high: float) -> Any:
    """A pair [smallest, largest] from ``low`` to ``high``; one number, at least 0, is spread to a pair."""
    pair = spread(value) if _numbers((value,), 1) and value >= 0 else value
    if _numbers(pair, 2) and low <= pair[0] <= pair[1] <= high:
        return tuple(pair)
    raise ValueError(f"expected {words}, not {value!r}")


def _angles(value: Any) -> Any:
    words = "an angle of at least 0 degrees or [smallest, largest] in degrees"
    return _range(value, words, lambda angle: (-angle, angle), float("-inf"), float("inf"))


def _shears(value: Any) -> Any:
    if _numbers(value, 4) and value[0] <= value[1] and value[2] <= value[3]:
        return tuple(value)
    if isinstance(value, (list, tuple)) and len(value) != 2:
        raise ValueError(f"expected an angle, [smallest, largest] or [x smallest, x largest, y ...], not {value!r}")
    return (*_angles(value), 0.0, 0.0)


def _factors(value: Any) -> Any:
    words = "a number of at least 0 or factors [smallest, largest], each at least 0"
    return _range(value, words, lambda part: (max(0.0, 1 - part), 1 + part), 0, float("inf"))


def _hues(value: Any) -> Any:
    words = "a number from 0 to 0.5 or shifts [smallest, largest], each from -0.5 to 0.5"
    return _range(value, words, lambda part: (-part, part), -0.5, 0.5)


def _sigmas(value: Any) -> Any:
    words = "a standard deviation above 0 or [smallest, largest] in pixels, each above 0"
    return _range(value, words, lambda part: (part, part), 1e-12, float("inf"))


def _two_amounts(value: Any) -> Any:
    pair = (value, value) if _numbers((value,), 1) else value
    if _numbers(pair, 2) and min(pair) >= 0:
        return tuple(pair)
    raise ValueError(f"expected a number or one for x and one for y, each at least 0, not {value!r}")


def _kernel(value: Any) -> Any:
    pair = (value, value) if isinstance(value, int) else value
    if _numbers(pair, 2) and all(isinstance(side, int) and side >= 1 and side % 2 == 1 for side in pair):
        return tuple(pair)
    raise ValueError(f"expected an odd number of pixels or [width, height], both odd, not {value!r}")


def _quality(value: Any) -> Any:
    pair = (value, value) if isinstance(value, int) else value
    if _numbers(pair, 2) and all(isinstance(one, int) for one in pair) and 1 <= pair[0] <= pair[1] <= 100:
        return tuple(pair)
    raise ValueError(f"expected a whole number or [smallest, largest], each from 1 to 100, not {value!r}")


_AMOUNT = {**NUMBER, "minimum": 0}
_PERCENT = {**INTEGER, "minimum": 1, "maximum": 100}
_HUE = {**NUMBER, "minimum": 0, "maximum": 0.5}

Angles = Annotated[tuple[float, float], BeforeValidator(_angles), one_or_list(_AMOUNT, 2, item=NUMBER)]
"""Smallest and largest angle in degrees; one number d stands for [-d, d]."""

Shears = Annotated[tuple[float, float, float, float], BeforeValidator(_shears), one_or_list(_AMOUNT, 2, 4, item=NUMBER)]
"""Smallest and largest shear along x, then along y, in degrees."""

Factors = Annotated[tuple[float, float], BeforeValidator(_factors), one_or_list(_AMOUNT, 2)]
"""Smallest and largest factor; one number v stands for [1 - v, 1 + v], not below 0."""

Hues = Annotated[tuple[float, float], BeforeValidator(_hues), one_or_list(_HUE, 2, item={**_HUE, "minimum": -0.5})]
"""Smallest and largest shift of the hue in turns; one number v stands for [-v, v]."""

Sigmas = Annotated[tuple[float, float], BeforeValidator(_sigmas), one_or_list({**NUMBER, "exclusiveMinimum": 0}, 2)]
"""Smallest and largest standard deviation in pixels; one number stands for both."""

TwoAmounts = Annotated[tuple[float, float], BeforeValidator(_two_amounts), one_or_list(_AMOUNT, 2)]
"""An amount along x and one along y; one number stands for both."""

Kernel = Annotated[tuple[int, int], BeforeValidator(_kernel), one_or_list({**INTEGER, "minimum": 1}, 2)]
"""Width and height of a kernel in pixels, both odd; one number stands for both."""

Quality = Annotated[tuple[int, int], BeforeValidator(_quality), one_or_list(_PERCENT, 2)]
"""Smallest and largest JPEG quality; one number stands for both."""
