"""Warnings of transforms about parameters that are valid, and probably not meant."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from registry_builtin.transforms.image_facts import Values
from registry_core.components import CheckFailed, Image, RunFacts
from registry_core.components.forms import Aspect

_RADIANS = (0.5, *range(1, 5), 6, 8, 9, 10, 12, 18, 36)
"""Fractions of pi that people write as angles in radians."""

_MOST_FACTOR = 10.0
"""Bound on factors of scale and colour: larger ones are per cent, or values of pixels."""

_UPSIDE_DOWN = 90.0
"""An image that is turned by more degrees has its top below its middle."""

_WHOLE = 0.9
"""Share of an image's area that a crop leaves to be called the whole."""


def no_effect(name: str, reason: str, *at: str, remedy: str = "") -> CheckFailed:
    """Return the warning that a transform, or a parameter, leaves every image as it is."""
    return CheckFailed(
        f"{name} has no effect: {reason}.", remedy or f"Remove {name}, or change it.", at, code="no-effect"
    )


def without_colours(name: str, image: Image | None, *at: str) -> list[CheckFailed]:
    """Return a warning if a change of colours is applied to images with one channel."""
    if image is None or image.channels != 1:
        return []
    message = f"{name} has no effect on images with one channel."
    return [CheckFailed(message, "Remove it, or read the images as RGB.", at, code="no-effect")]


def spoils(message: str, remedy: str, *at: str) -> CheckFailed:
    """Return the warning that a transform leaves little of an image."""
    return CheckFailed(message, remedy, at, code="transform-effect")


def other_unit(message: str, remedy: str, *at: str) -> CheckFailed:
    """Return the warning that a parameter is in another unit than documented."""
    return CheckFailed(message, remedy, at, code="unit")


def far_values(image: Image | None, name: str, values: Values) -> Iterator[CheckFailed]:
    """Yield a warning if pixels would be filled with a value far from those of the image."""
    if image is None or image.low is None or image.high is None or image.form != "float":
        return
    room = image.high - image.low
    for value in values if isinstance(values, tuple) else (values,):
        if not image.low - room <= value <= image.high + room:
            found = f"{image.low:.4g} to {image.high:.4g}"
            message = f"{name} {value:g} is far from the values of the image, {found}."
            yield CheckFailed(message, "Write it in the unit of the image at this place.", (name,), code="value-range")
            return


def large_factor(name: str, factors: Sequence[float]) -> Iterator[CheckFailed]:
    """Yield a warning if a factor looks like per cent or a pixel value."""
    if max(factors) > _MOST_FACTOR:
        message = f"{name} is a factor, where 1 means unchanged, but it reaches {max(factors):g}."
        yield other_unit(message, "Write a factor, such as 1.1 for 110 per cent.", name)


def small_angles(image: Image | None, name: str, angles: Sequence[float]) -> Iterator[CheckFailed]:
    """Yield a warning if angles look like radians, or move no pixel of the image."""
    largest = max(map(abs, angles))
    if largest == 0:
        return
    if largest < 7 and any(abs(largest - math.pi / part) < 0.005 for part in _RADIANS):
        degrees = math.degrees(largest)
        message = f"{name} is in degrees, but {largest:g} looks like {degrees:.0f} degrees in radians."
        yield other_unit(message, f"Write {degrees:.0f}.", name)
    elif largest < 1 and image is not None and image.height is not None and image.width is not None:
        moved = math.radians(largest) * math.hypot(image.height, image.width) / 2
        if moved < 0.5:
            reason = f"{largest:g} degrees move the corners of an image of {image.height} x {image.width} by less than "
            yield no_effect(name, f"{reason}half a pixel", name, remedy="Write the angle in degrees.")


def turned(angles: Sequence[float]) -> frozenset[Aspect]:
    """Return what a rotation by up to these degrees changes of an image."""
    largest = max(map(abs, angles))
    if largest == 0:
        return frozenset()
    return frozenset({"angle", "upright"} if largest > _UPSIDE_DOWN else {"angle"})


def cut_to(image: Image | None, height: int, width: int) -> frozenset[Aspect]:
    """Return what a window of this size changes of an image: its extent, unless it holds nearly all of it."""
    if image is None or image.height is None or image.width is None:
        return frozenset()
    shown = min(height, image.height) * min(width, image.width)
    return frozenset({"extent"} if shown < _WHOLE * image.height * image.width else ())


def same_size(image: Image | None, height: int, width: int) -> bool:
    """Return True if the image is known to have this size."""
    return image is not None and (image.height, image.width) == (height, width)


def has_size_for_certain(facts: RunFacts, height: int, width: int) -> bool:
    """Return True if all images have this size: an earlier transform, or the data set, is sure of it."""
    given = facts.sample.image if facts.sample else None
    certain = facts.sample is None or facts.sample.one_size or not same_size(given, height, width)
    return certain and same_size(facts.image, height, width)


def to_few_pixels(image: Image | None, height: int, width: int) -> Iterator[CheckFailed]:
    """Yield a warning if an image becomes one of at most 2 x 2 pixels."""
    if image is not None and max(height, width) <= 2 < min(image.height or 3, image.width or 3):
        message = f"size leaves {height} x {width} pixels of an image."
        yield spoils(message, "Write the size in pixels.", "size")
