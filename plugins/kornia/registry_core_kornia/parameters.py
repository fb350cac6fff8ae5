"""Types and descriptions of parameters that several augmentations share."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from pydantic import BeforeValidator

from registry_core.components import ParameterError
from registry_core.components.types import INTEGER, NUMBER, one_or_list

P = "Probability of changing an image, 0 to 1; decided for each image."
P_BATCH = "Probability of changing a batch, all of its images or none, 0 to 1."
SAME = "If true, all images of a batch are changed in the same way."
SIZE = "Height and width of the result in pixels; a single number sets both."
RESAMPLE = "Interpolation mode. Masks always use nearest."
ALIGN = "If true, the centers of the corner pixels are aligned when resampling (align_corners of torch)."
PADDING = "Values of pixels from outside the image: black, the nearest edge pixel, or the mirrored image."
BORDER = "How the image is padded at its edges: black, mirrored, with the edge pixels, or from the opposite side."
KERNEL = "Height and width of the kernel in pixels; a single number sets both."
CROPPING = "Whether the window is sliced, or resampled with an affine map."

Resample = Literal["nearest", "bilinear", "bicubic"]
GridResample = Literal["nearest", "bilinear"]
SamplePadding = Literal["zeros", "border", "reflection"]
Border = Literal["constant", "reflect", "replicate", "circular"]
CroppingMode = Literal["slice", "resample"]


def _numbers(value: Any, *lengths: int, whole: bool = False) -> bool:
    kinds = int if whole else (int, float)
    if not isinstance(value, (list, tuple)) or len(value) not in lengths:
        return False
    return all(isinstance(one, kinds) and not isinstance(one, bool) for one in value)


@dataclass(frozen=True, slots=True)
class Span:
    """Parses [smallest, largest], both from ``low`` to ``high``, or one number from ``one[0]`` to ``one[1]``.

    kornia interprets a single number, which is passed on unchanged.
    """

    words: str
    low: float = -inf
    high: float = inf
    one: tuple[float, float] | None = None
    above: bool = False
    """True if ``low`` itself is excluded."""
    whole: bool = False

    def __call__(self, value: Any) -> Any:
        """Return the pair or the number; raise ParameterError if the value is neither."""
        kind = int if self.whole else float
        if self.one is not None and _numbers((value,), 1, whole=self.whole) and self.one[0] <= value <= self.one[1]:
            return kind(value)
        if _numbers(value, 2, whole=self.whole) and self._within(*value):
            return kind(value[0]), kind(value[1])
        raise ParameterError(f"expected {self.words}, not {value!r}")

    def _within(self, smallest: float, largest: float) -> bool:
        return self.low <= smallest <= largest <= self.high and not (self.above and smallest == self.low)


def _shears(value: Any) -> Any:
    if _numbers((value,), 1) and 0 <= value <= 360:
        return float(value)
    if _numbers(value, 2, 4) and all(-360 <= low <= high <= 360 for low, high in zip(value[::2], value[1::2])):  # noqa: B905  # both halves have the same length
        return tuple(map(float, value))
    words = "an angle from 0 to 360 degrees, [smallest, largest] along x, or [x smallest, x largest, y smallest, "
    raise ParameterError(f"expected {words}y largest], each from -360 to 360, not {value!r}")


def _scales(value: Any) -> Any:
    if _numbers(value, 2, 4) and all(0 < low <= high for low, high in zip(value[::2], value[1::2])):  # noqa: B905  # both halves have the same length
        return tuple(map(float, value))
    words = "factors [smallest, largest], or [x smallest, x largest, y smallest, y largest], each above 0"
    raise ParameterError(f"expected {words}, not {value!r}")


def _kernel(value: Any) -> Any:
    pair = (value, value) if _numbers((value,), 1) else value
    if _numbers(pair, 2, whole=True) and min(pair) >= 1:
        return tuple(pair)
    raise ParameterError(f"expected a number of pixels or [height, width], each at least 1, not {value!r}")


def _odd_kernel(value: Any) -> Any:
    pair = (value, value) if _numbers((value,), 1) else value
    if _numbers(pair, 2, whole=True) and all(side >= 1 and side % 2 == 1 for side in pair):
        return tuple(pair)
    raise ParameterError(f"expected an odd number of pixels or [height, width], both odd, not {value!r}")


def _motion_kernel(value: Any) -> Any:
    if _numbers((value,), 1, whole=True) and value >= 3 and value % 2 == 1:
        return value
    if (
        _numbers(value, 2, whole=True)
        and 3 <= value[0] <= value[1]
        and any(n % 2 for n in range(value[0], value[1] + 1))
    ):
        return tuple(value)
    words = "an odd number of pixels of at least 3, or [smallest, largest] with an odd number between them"
    raise ParameterError(f"expected {words}, not {value!r}")


def _pair_above_0(value: Any) -> Any:
    pair = (value, value) if _numbers((value,), 1) else value
    if _numbers(pair, 2) and min(pair) > 0:
        return tuple(map(float, pair))
    raise ParameterError(f"expected a number or [along y, along x], each above 0, not {value!r}")


def _pair(value: Any) -> Any:
    pair = (value, value) if _numbers((value,), 1) else value
    if _numbers(pair, 2):
        return tuple(map(float, pair))
    raise ParameterError(f"expected a number or [along x, along y], not {value!r}")


_LIST: dict[str, Any] = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
_SIDE = {**INTEGER, "minimum": 1}
_FLOATS = tuple[float, float]

Angles = Annotated[
    float | _FLOATS,
    BeforeValidator(
        Span("an angle from 0 to 360 degrees or [smallest, largest], each -360 to 360", -360, 360, (0, 360))
    ),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest angle in degrees; a single number d means [-d, d]."""

Turns = Annotated[
    tuple[int, int],
    BeforeValidator(Span("integers [smallest, largest], each from -3 to 3", -3, 3, whole=True)),
    one_or_list(INTEGER, 2),
]
"""Smallest and largest number of quarter turns."""

Shears = Annotated[
    float | _FLOATS | tuple[float, float, float, float], BeforeValidator(_shears), one_or_list(NUMBER, 2, 4)
]
"""Smallest and largest shear along x, then along y, in degrees; a single number s means [-s, s] along x."""

Scales = Annotated[_FLOATS | tuple[float, float, float, float], BeforeValidator(_scales), one_or_list(_LIST, 4)]
"""Smallest and largest factor, for both sides or for each."""

Parts = Annotated[_FLOATS, BeforeValidator(Span("[smallest, largest], each from 0 to 1", 0, 1)), one_or_list(_LIST, 2)]
"""Smallest and largest fraction, 0 to 1."""

PartOrParts = Annotated[
    float | _FLOATS,
    BeforeValidator(Span("a number from 0 to 1 or [smallest, largest], each from 0 to 1", 0, 1, (0, 1))),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest fraction, 0 to 1; a single number sets both."""

Signs = Annotated[
    float | _FLOATS,
    BeforeValidator(Span("a number from -1 to 1 or [smallest, largest], each from -1 to 1", -1, 1, (-1, 1))),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest number, of which only the sign matters; a single number sets both."""

Shifts = Annotated[
    _FLOATS, BeforeValidator(Span("[smallest, largest], each from -1 to 1", -1, 1)), one_or_list(_LIST, 2)
]
"""Smallest and largest fraction, -1 to 1."""

Direction = Annotated[
    float | _FLOATS,
    BeforeValidator(Span("a number from 0 to 1 or [smallest, largest], each from -1 to 1", -1, 1, (0, 1))),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest number from -1 to 1; a single number d means [-d, d]."""

Factors = Annotated[
    float | _FLOATS,
    BeforeValidator(Span("a number of at least 0 or factors [smallest, largest], each at least 0", 0, inf, (0, inf))),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest factor; a single number v means [1 - v, 1 + v], not below 0."""

FactorsTo2 = Annotated[
    float | _FLOATS,
    BeforeValidator(Span("a number from 0 to 1 or factors [smallest, largest], each from 0 to 2", 0, 2, (0, 1))),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest factor from 0 to 2; a single number v means [1 - v, 1 + v]."""

UpTo = Annotated[
    float | _FLOATS,
    BeforeValidator(Span("a number of at least 0 or [smallest, largest], each at least 0", 0, inf, (0, inf))),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest factor; a single number v means [0, v]."""

Hues = Annotated[
    float | _FLOATS,
    BeforeValidator(
        Span("a number from 0 to 0.5 or shifts [smallest, largest], each -0.5 to 0.5", -0.5, 0.5, (0, 0.5))
    ),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest shift from -0.5 to 0.5; a single number v means [-v, v]."""

Thresholds = Annotated[
    float | _FLOATS,
    BeforeValidator(Span("a number from 0 to 0.5 or [smallest, largest], each from 0 to 1", 0, 1, (0, 0.5))),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest value, 0 to 1; a single number v means [0.5 - v, 0.5 + v]."""

ChannelShifts = Annotated[
    float | _FLOATS,
    BeforeValidator(Span("a number from 0 to 1 or shifts [smallest, largest], each from -1 to 1", -1, 1, (0, 1))),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest shift of values, -1 to 1; a single number v means [-v, v]."""

Bits = Annotated[
    float | _FLOATS,
    BeforeValidator(Span("a number from 0 to 8 or [fewest, most], each from 0 to 8", 0, 8, (0, 8))),
    one_or_list(NUMBER, 2),
]
"""Fewest and most bits, 0 to 8; a single number b means [b, 8]."""

Quality = Annotated[
    float | _FLOATS,
    BeforeValidator(Span("a number from 0 to 50 or [smallest, largest], each from 1 to 100", 1, 100, (0, 50))),
    one_or_list(NUMBER, 2),
]
"""Smallest and largest JPEG quality, 1 to 100; a single number v means [50 - v, 50 + v], not below 1."""

Amounts = Annotated[_FLOATS, BeforeValidator(Span("[smallest, largest], each at least 0", 0)), one_or_list(_LIST, 2)]
"""Smallest and largest amount, at least 0."""

AmountsAbove0 = Annotated[
    _FLOATS, BeforeValidator(Span("[smallest, largest], each above 0", 0, above=True)), one_or_list(_LIST, 2)
]
"""Smallest and largest amount, above 0."""

AmountsFrom1 = Annotated[
    _FLOATS, BeforeValidator(Span("[smallest, largest], each at least 1", 1)), one_or_list(_LIST, 2)
]
"""Smallest and largest factor, at least 1."""

Range = Annotated[_FLOATS, BeforeValidator(Span("[smallest, largest]")), one_or_list(_LIST, 2)]
"""Smallest and largest number."""

Counts = Annotated[
    tuple[int, int],
    BeforeValidator(Span("integers [fewest, most], each at least 0", 0, whole=True)),
    one_or_list(INTEGER, 2),
]
"""Smallest and largest integer, at least 0."""

Lengths = Annotated[
    tuple[int, int],
    BeforeValidator(Span("pixels [smallest, largest], each at least 1", 1, whole=True)),
    one_or_list(_SIDE, 2),
]
"""Smallest and largest number of pixels, at least 1."""

Offsets = Annotated[
    tuple[int, int],
    BeforeValidator(Span("integers [smallest, largest] in pixels", whole=True)),
    one_or_list(INTEGER, 2),
]
"""Smallest and largest number of pixels, of either sign."""

Kernel = Annotated[tuple[int, int], BeforeValidator(_kernel), one_or_list(_SIDE, 2)]
"""Height and width of a kernel in pixels; a single number sets both."""

OddKernel = Annotated[tuple[int, int], BeforeValidator(_odd_kernel), one_or_list(_SIDE, 2)]
"""Height and width of a kernel in pixels, both odd; a single number sets both."""

MotionKernel = Annotated[int | tuple[int, int], BeforeValidator(_motion_kernel), one_or_list(_SIDE, 2)]
"""Length of a kernel in pixels, odd, or the smallest and the largest."""

TwoAbove0 = Annotated[_FLOATS, BeforeValidator(_pair_above_0), one_or_list(NUMBER, 2)]
"""A number above 0 along y and one along x; a single number sets both."""

Two = Annotated[_FLOATS, BeforeValidator(_pair), one_or_list(NUMBER, 2)]
"""A number along x and one along y; a single number sets both."""

Unit = Annotated[float, Ge(0), Le(1)]
"""A pixel value from 0 to 1."""
