"""How padding and resizing change what is known of an image, for the checks that run before any pixel is read."""

from __future__ import annotations

import math

from registry_core.components import CheckFailed, Image

Edges = tuple[int, int, int, int]
"""Pixels at left, top, right and bottom."""


def with_values(image: Image, *values: float) -> Image:
    """The image when pixels of these values may have been put into it."""
    if image.low is None or image.high is None:
        return image
    return image.changed(low=min(image.low, *values), high=max(image.high, *values))


def padded(image: Image, edges: Edges, fill: int | tuple[int, ...], mode: str) -> Image:
    """The image after padding; raises CheckFailed where torchvision cannot pad it so."""
    if not any(edges):
        return image
    values = (fill,) if isinstance(fill, int) else fill
    if len(values) > 1 and image.channels is not None and len(values) != image.channels:
        message = f"fill has {len(values)} values, but the image has {_counted(image.channels)}."
        raise CheckFailed(message, "Give one value, or one for each channel.")
    left, top, right, bottom = edges
    _check_mirror(image, mode, "height", image.height, max(top, bottom))
    _check_mirror(image, mode, "width", image.width, max(left, right))
    height = None if image.height is None else image.height + top + bottom
    width = None if image.width is None else image.width + left + right
    changed = image.changed(height=height, width=width)
    return with_values(changed, *values) if mode == "constant" else changed


def _check_mirror(image: Image, mode: str, side: str, length: int | None, edge: int) -> None:
    """Tensors can be mirrored once only; Pillow images as often as it takes."""
    if image.form == "pil" or length is None or mode not in ("reflect", "symmetric"):
        return
    longest = length - 1 if mode == "reflect" else length
    if edge > longest:
        message = f"Padding mode {mode!r} adds at most {longest} pixels to a tensor of {side} {length}, not {edge}."
        raise CheckFailed(message, "Pad less, choose padding_mode: edge, or pad before to_tensor.")


def _counted(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"


def shorter_side_resized(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width after the shorter side became ``side`` with the aspect kept (the longer is rounded down)."""
    if width <= height:
        return int(side * height / width), side
    return side, int(side * width / height)


def resampled(image: Image, interpolation: str) -> Image:
    """The image after interpolation; bicubic and lanczos overshoot, as far as the form of the image lets them."""
    if image.form != "pil" and interpolation == "lanczos":
        message = f"The interpolation lanczos works on Pillow images only, and this is a {image}."
        raise CheckFailed(message, "Resize before to_tensor, or choose bicubic.")
    if interpolation in ("nearest", "bilinear"):
        return image
    return image.changed(low=None, high=None) if image.form == "float" else with_values(image, 0, 255)


def greyed(image: Image, channels: int) -> Image:
    """The image after its channels were weighted; torchvision's weights for tensors add up to 0.9999 only."""
    changed = image.changed(channels=channels)
    if image.form == "pil" or image.channels == 1 or image.low is None or image.high is None:
        return changed
    values = (image.low * 0.9999, image.high * 0.9999)
    return with_values(changed, *(map(math.floor, values) if image.form == "uint8" else values))
