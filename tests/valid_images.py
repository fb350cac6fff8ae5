"""Images on their way through valid transforms, and what parameters of transforms are drawn of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[Any], Any]
Chain = list[Any]


@dataclass(frozen=True)
class Picture:
    """An image on its way: its form, its size, whether its values lie in the usual range, and what moves with it."""

    form: str
    channels: int
    height: int
    width: int
    usual: bool = True
    mask: bool = False
    boxes: bool = False
    views: int = 1
    mode: str = ""
    """A Pillow mode whose tones Pillow does not know."""
    decisive: frozenset[str] = frozenset()
    """Aspects on which its target depends: its sides, the direction of what it shows, its whole extent."""

    @property
    def size(self) -> list[int]:
        """Height and width."""
        return [self.height, self.width]


CHANGES: dict[str, str] = {
    **dict.fromkeys(("random_horizontal_flip", "random_vertical_flip", "random_rotation", "random_affine"), "sides"),
    **dict.fromkeys(("random_crop", "center_crop", "random_resized_crop", "five_crop", "ten_crop"), "extent"),
}
"""The aspect of an image that a transform changes, on which targets may depend."""


def keeps_target(p: Picture, name: str) -> bool:
    """True if a transform changes nothing on which the target of an image depends."""
    changed = CHANGES.get(name, "")
    return changed not in p.decisive and not (changed == "sides" and "direction" in p.decisive)


def number(draw: Draw, low: float, high: float) -> float:
    """One of 101 numbers from low to high, with few digits."""
    return float(f"{low + (high - low) * draw(st.integers(0, 100)) / 100:.6g}")


def pair(draw: Draw, low: float, high: float) -> list[float]:
    """Two numbers, the smaller one first."""
    return sorted(number(draw, low, high) for _ in range(2))


def one_of(draw: Draw, *values: Any) -> Any:
    """One of the values."""
    return draw(st.sampled_from(values))


def some(draw: Draw, **parameters: Callable[[], Any]) -> dict[str, Any]:
    """A subset of parameters, each with a value that is drawn when it is chosen."""
    return {name: make() for name, make in parameters.items() if draw(st.booleans())}


def chance(draw: Draw) -> float:
    """A probability that leaves something to chance."""
    return number(draw, 0.02, 0.98)


def fill(draw: Draw, p: Picture) -> Any:
    """A pixel value, or one for each channel."""

    def value() -> float:
        return number(draw, 0, 1) if p.form == "float" else draw(st.integers(0, 255))

    return value() if draw(st.booleans()) else [value() for _ in range(p.channels)]


def interpolation(draw: Draw, p: Picture) -> str:
    """How pixels are made when an image is scaled; what overshoots is for Pillow images alone.

    torch fails to smooth whole numbers to a single pixel.
    """
    return (
        "nearest"
        if p.form == "uint8"
        else one_of(draw, "nearest", "bilinear", *(("bicubic", "lanczos") if p.form == "pil" else ()))
    )


def warp(draw: Draw, p: Picture) -> str:
    """How pixels are made when an image is warped."""
    return one_of(draw, "nearest", "bilinear", *(("bicubic",) if p.form == "pil" else ()))


def edge(draw: Draw, p: Picture) -> dict[str, Any]:
    """What padding shows; mirrored at most so far as a tensor can be."""
    mode = one_of(draw, "constant", "edge", "reflect", "symmetric") if not p.boxes else "constant"
    filled = {"fill": fill(draw, p)} if mode == "constant" and draw(st.booleans()) else {}
    return {"padding_mode": mode, **filled}


def as_tensor(p: Picture) -> tuple[Chain, Picture]:
    """What makes a tensor of a Pillow image."""
    return ([], p) if p.form != "pil" else (["to_image"], replace(p, form="uint8", mode=""))


def resized(draw: Draw, p: Picture, height: int, width: int) -> tuple[Chain, Picture]:
    """The image with this height and width, which it may have already."""
    return ([], p) if p.size == [height, width] else to_size(draw, p, height, width)


def to_size(draw: Draw, p: Picture, height: int, width: int) -> tuple[Chain, Picture]:
    """The image, whose size may be another, with this height and width."""
    return [{"resize": {"size": [height, width], "interpolation": interpolation(draw, p)}}], replace(
        p, height=height, width=width
    )


def in_colour(p: Picture) -> tuple[Chain, Picture]:
    """The image with three channels."""
    return (["rgb"], replace(p, channels=3, mode="")) if p.channels == 1 else ([], p)


def at_least(draw: Draw, p: Picture, side: int) -> tuple[Chain, Picture]:
    """The image, enlarged if a side is smaller."""
    if min(p.size) >= side:
        return [], p
    return resized(draw, p, max(p.height, side), max(p.width, side))


def side(draw: Draw) -> int:
    """A side of an image."""
    return int(draw(st.integers(3, 18)))


def sides(draw: Draw, p: Picture) -> tuple[int, int]:
    """Height and width, which are not both at most half as long as before: the image would lose its details."""
    height, width = side(draw), side(draw)
    return (p.height if 2 * height <= p.height and 2 * width <= p.width else height), width
