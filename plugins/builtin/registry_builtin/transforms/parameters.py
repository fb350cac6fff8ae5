"""Parameters that several transforms share, with their descriptions and checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from registry_core.components import CheckFailed, DataFacts, ParameterError, Transform
from registry_core.components.types import INTEGER, NUMBER, Fill, Interpolation, PaddingMode, one_or_list
from registry_core.components.uncovering import UncoveringTransform

SIZE = "Output height and width in pixels; a single number sets both."
PADDING = "Pixels added at all edges, at [left and right, top and bottom], or at [left, top, right, bottom]."
FILL = "Value of added pixels in the unit of the image (0 to 255 before to_tensor), or one value per channel."
PADDING_MODE = (
    "Content of added pixels: fill, the nearest edge pixel, or the image mirrored without or with its edge pixel."
)
INTERPOLATION = "Interpolation mode; lanczos requires Pillow images. Masks use nearest."
WARP = "Interpolation mode; bicubic requires Pillow images. Masks use nearest."
ANTIALIAS = "If true, tensors are antialiased when they shrink (bilinear and bicubic); Pillow images always are."
CENTER = "Fixed point [x, y] in pixels from the upper left corner; null for the centre of the image."

OLD_INTERPOLATION = {
    "resample": "interpolation",
    "interpolation: 0": "interpolation: nearest",
    "interpolation: 1": "interpolation: lanczos",
    "interpolation: 2": "interpolation: bilinear",
    "interpolation: 3": "interpolation: bicubic",
}
"""Pillow's integer constants, which early versions of torchvision accepted."""

OLD_WARP = {**OLD_INTERPOLATION, "fillcolor": "fill"}


def torch_mode(name: str) -> Any:
    """Return torchvision's interpolation mode of this name."""
    from torchvision.transforms import InterpolationMode

    return InterpolationMode(name)


def torch_fill(fill: float | tuple[float, ...]) -> float | list[float]:
    """Return a fill in the form of torchvision's functions."""
    return list(fill) if isinstance(fill, tuple) else fill


class TorchvisionTransform(Transform):
    """Base of transforms whose target is a torchvision class, called with the images and masks of a sample only."""

    def build(self) -> Callable[..., Any]:
        """Wrap torchvision's transform so that it accepts samples."""
        from registry_builtin.objects.sample_images import OnSample

        return OnSample(super().build())


class PaddingTransform(UncoveringTransform):
    """Base of transforms that pad with a value or with a mirrored image."""

    fill: Fill = Field(default=0, description=FILL)
    padding_mode: PaddingMode = Field(default="constant", description=PADDING_MODE)

    @model_validator(mode="after")
    def _fill_is_used(self) -> Self:
        if isinstance(self.fill, tuple) and self.padding_mode != "constant":
            raise ParameterError(f"`fill` has no effect with padding_mode {self.padding_mode!r}", "Remove fill")
        if self.mask_fill is not None and self.padding_mode != "constant":
            raise ParameterError(
                f"`mask_fill` has no effect with padding_mode {self.padding_mode!r}", "Remove mask_fill"
            )
        return self

    def check_sample(self, facts: DataFacts) -> None:
        """Raise CheckFailed if boxes would have to be padded with anything but a value."""
        if facts.boxes and self.padding_mode != "constant":
            message = f"{self.name} does not support padding_mode {self.padding_mode!r} for samples with boxes."
            raise CheckFailed(message, "Set padding_mode: constant.", ("padding_mode",))


class InterpolatingTransform(Transform):
    """Base of transforms that resize."""

    interpolation: Interpolation = Field(default="bilinear", description=INTERPOLATION)
    antialias: bool = Field(default=True, description=ANTIALIAS)

    def arguments(self) -> dict[str, Any]:
        """Return the parameters with torchvision's interpolation mode."""
        return {**super().arguments(), "interpolation": torch_mode(self.interpolation)}


def _numbers(value: Any, *lengths: int) -> bool:
    if not isinstance(value, (list, tuple)) or len(value) not in lengths:
        return False
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in value)


def _range(value: Any, words: str, spread: Callable[[float], tuple[float, float]], low: float, high: float) -> Any:
    """Return a pair [smallest, largest] from ``low`` to ``high``; a single number of at least 0 becomes a pair."""
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
        raise ValueError(f"expected an angle, [smallest, largest] or [x smallest, x largest, y …], not {value!r}")
    return (*_angles(value), 0.0, 0.0)


def _factors(value: Any) -> Any:
    words = "a number or factors [smallest, largest], each at least 0"
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
    raise ValueError(f"expected a number or [x, y], each at least 0, not {value!r}")


def _kernel(value: Any) -> Any:
    pair = (value, value) if isinstance(value, int) else value
    if _numbers(pair, 2) and all(isinstance(side, int) and side >= 1 and side % 2 == 1 for side in pair):
        return tuple(pair)
    raise ValueError(f"expected an odd number of pixels or [width, height], both odd, not {value!r}")


def _quality(value: Any) -> Any:
    pair = (value, value) if isinstance(value, int) else value
    if _numbers(pair, 2) and all(isinstance(one, int) for one in pair) and 1 <= pair[0] <= pair[1] <= 100:
        return tuple(pair)
    raise ValueError(f"expected an integer or [smallest, largest], each from 1 to 100, not {value!r}")


_AMOUNT = {**NUMBER, "minimum": 0}
_PERCENT = {**INTEGER, "minimum": 1, "maximum": 100}
_HUE = {**NUMBER, "minimum": 0, "maximum": 0.5}

Angles = Annotated[tuple[float, float], BeforeValidator(_angles), one_or_list(_AMOUNT, 2, item=NUMBER)]
"""Smallest and largest angle in degrees; a single number d means [-d, d]."""

Shears = Annotated[tuple[float, float, float, float], BeforeValidator(_shears), one_or_list(_AMOUNT, 2, 4, item=NUMBER)]
"""Smallest and largest shear along x, then along y, in degrees."""

Factors = Annotated[tuple[float, float], BeforeValidator(_factors), one_or_list(_AMOUNT, 2)]
"""Smallest and largest factor; a single number v means [max(0, 1 - v), 1 + v]."""

Hues = Annotated[tuple[float, float], BeforeValidator(_hues), one_or_list(_HUE, 2, item={**_HUE, "minimum": -0.5})]
"""Smallest and largest hue shift as a fraction of a full turn; a single number v means [-v, v]."""

Sigmas = Annotated[tuple[float, float], BeforeValidator(_sigmas), one_or_list({**NUMBER, "exclusiveMinimum": 0}, 2)]
"""Smallest and largest standard deviation in pixels; a single number sets both."""

TwoAmounts = Annotated[tuple[float, float], BeforeValidator(_two_amounts), one_or_list(_AMOUNT, 2)]
"""An amount along x and one along y; a single number sets both."""

Kernel = Annotated[tuple[int, int], BeforeValidator(_kernel), one_or_list({**INTEGER, "minimum": 1}, 2)]
"""Width and height of a kernel in pixels, both odd; a single number sets both."""

Quality = Annotated[tuple[int, int], BeforeValidator(_quality), one_or_list(_PERCENT, 2)]
"""Smallest and largest JPEG quality; a single number sets both."""
