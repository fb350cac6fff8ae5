"""Effects of padding, resizing and colour changes on the facts of an image, for checks that read no pixels."""

from __future__ import annotations

import math

from registry_core.components import CheckFailed, Image
from registry_core.components.facts import FORM_NAMES
from registry_core.components.forms import counted

Edges = tuple[int, int, int, int]
"""Pixels added at the left, top, right and bottom."""

Values = float | tuple[float, ...]
"""One pixel value, or one per channel."""


def with_values(image: Image, *values: float) -> Image:
    """Return the image as it is once pixels of these values may occur in it."""
    if image.low is None or image.high is None:
        return image
    return image.changed(low=min(image.low, *values), high=max(image.high, *values))


def with_fill(image: Image, fill: Values) -> Image:
    """Return the image as it is once it may contain this fill; CheckFailed if it cannot hold the fill."""
    values = fill if isinstance(fill, tuple) else (fill,)
    if len(values) > 1 and image.channels is not None and len(values) != image.channels:
        message = f"fill has {len(values)} values, but the image has {counted(image.channels, 'channel')}."
        raise CheckFailed(message, "Write one value, or one per channel.")
    if image.form != "float":
        for value in values:
            if not isinstance(value, int) or not 0 <= value <= 255:
                message = f"fill {value} is not a valid pixel value of a {FORM_NAMES[image.form]}."
                raise CheckFailed(message, "Write integers from 0 to 255, or put to_tensor before it.")
    return with_values(image, *values)


def padded(image: Image, edges: Edges, fill: Values, mode: str) -> Image:
    """Return the image after padding; CheckFailed if torchvision cannot pad it this way."""
    if not any(edges):
        return image
    left, top, right, bottom = edges
    _check_mirror(image, mode, "height", image.height, max(top, bottom))
    _check_mirror(image, mode, "width", image.width, max(left, right))
    height = None if image.height is None else image.height + top + bottom
    width = None if image.width is None else image.width + left + right
    square = image.square and top + bottom == left + right
    changed = image.changed(height=height, width=width, square=square)
    return with_fill(changed, fill) if mode == "constant" else changed


def _check_mirror(image: Image, mode: str, side: str, length: int | None, edge: int) -> None:
    """Check that a tensor is mirrored only once; Pillow images can be mirrored any number of times."""
    if length is None or mode not in ("reflect", "symmetric") or (image.form == "pil" and not image.masked):
        return
    longest = length - 1 if mode == "reflect" else length
    if edge > longest:
        what = "a tensor" if image.form != "pil" else "a mask, which is a tensor,"
        message = f"Padding mode {mode!r} adds at most {longest} pixels to {what} of {side} {length}, not {edge}."
        before = ", or pad before to_tensor" if not image.masked else ""
        raise CheckFailed(message, f"Pad less, or choose padding_mode: edge{before}.")


def shorter_side_resized(height: int, width: int, side: int, longest: int | None = None) -> tuple[int, int]:
    """Return height and width with the shorter side set to ``side`` and the aspect ratio kept.

    The longer side is rounded down. If it would exceed ``longest``, it is set to that, and the shorter side is scaled
    accordingly.
    """
    short, long = sorted((height, width))
    new_short, new_long = side, int(side * long / short)
    if longest is not None and new_long > longest:
        new_short, new_long = int(longest * new_short / new_long), longest
        if new_short < 1:
            message = f"Resizing an image of {height} x {width} to a longer side of {longest} leaves no pixels."
            raise CheckFailed(message, "Set a larger max_size, or size: [height, width].", ("max_size",))
    return (new_long, new_short) if width <= height else (new_short, new_long)


def resampled(image: Image, interpolation: str) -> Image:
    """Return the image after interpolation; bicubic and lanczos overshoot, as far as its form allows."""
    if image.form != "pil" and interpolation == "lanczos":
        message = f"The interpolation lanczos requires a Pillow image, but receives a {image}."
        raise CheckFailed(message, "Resize before to_tensor, or choose bicubic.")
    if interpolation in ("nearest", "bilinear"):
        return image
    return image.changed(low=None, high=None) if image.form == "float" else with_values(image, 0, 255)


def check_one_pixel(image: Image, size: tuple[int, int], interpolation: str, antialias: bool) -> None:
    """Raise CheckFailed where torch fails: it cannot antialias a three-channel uint8 tensor to a single pixel."""
    smoothed = antialias and interpolation in ("bilinear", "bicubic") and image.form == "uint8"
    if smoothed and size == (1, 1) != (image.height, image.width) and image.channels == 3:
        message = f"torch cannot resize a {image} to one pixel with antialiasing."
        raise CheckFailed(message, "Put it before to_image or after to_tensor, or set antialias: false.")


def warped(image: Image, interpolation: str, fill: Values) -> Image:
    """Return the image after a warp: uncovered pixels contain the fill, and 0 may bleed in at their edges."""
    if image.form != "pil" and interpolation == "bicubic":
        message = f"The interpolation bicubic requires a Pillow image, but receives a {image}."
        raise CheckFailed(message, "Put it before to_tensor, or choose bilinear.")
    return with_values(with_fill(resampled(image, interpolation), fill), 0)


def greyed(image: Image, channels: int | None) -> Image:
    """Return the image after a weighted sum of its channels; torchvision's weights for tensors add up to 0.9999."""
    changed = image.changed(channels=channels)
    if image.form == "pil" or image.channels == 1 or image.low is None or image.high is None:
        return changed
    values = (image.low * 0.9999, image.high * 0.9999)
    return with_values(changed, *(map(math.floor, values) if image.form == "uint8" else values))


def top(image: Image) -> float:
    """Return the largest value of the usual range of the image's form, which starts at 0."""
    return 1.0 if image.form == "float" else 255.0


def coloured(image: Image, name: str) -> Image:
    """Return the image; CheckFailed unless it has 1 or 3 channels in the usual range of its form."""
    if image.channels not in (None, 1, 3):
        message = f"{name} expects 1 or 3 channels, but the image has {image.channels}."
        raise CheckFailed(message, f"Remove {name}, or read the images as RGB.")
    return in_range(image, name)


def in_range(image: Image, name: str, remedy: str = "Put it before normalize.") -> Image:
    """Return the image; CheckFailed if its values are known to lie outside the usual range of its form."""
    if image.form == "float" and image.low is not None and image.high is not None:
        tolerance = 1e-6  # for float32 rounding
        if image.low < -tolerance or image.high > 1 + tolerance:
            raise CheckFailed(f"{name} expects float values from 0 to 1, but receives a {image}.", remedy)
    return image


def anywhere(image: Image) -> Image:
    """Return the image as it is once its values may lie anywhere in the usual range of its form."""
    return with_values(image, 0.0, top(image))


def as_tensor(image: Image, name: str) -> Image:
    """Return the image; CheckFailed if it is a Pillow image."""
    if image.form == "pil":
        raise CheckFailed(f"{name} expects a tensor, but receives a {image}.", "Put to_tensor before it.")
    return image


def not_float(image: Image, name: str) -> Image:
    """Return the image; CheckFailed if it is a float tensor."""
    if image.form == "float":
        message = f"{name} expects a Pillow image or a uint8 tensor, but receives a {image}."
        raise CheckFailed(message, "Put it before to_tensor, and read images in 8 bits (mode: RGB or L).")
    return image


def tones_known(image: Image, name: str) -> Image:
    """Return the image; CheckFailed if its mode, such as HSV, has no tones that Pillow can change."""
    if image.mode is not None:
        message = f"{name} expects a grayscale or RGB image, but receives a {image} of mode {image.mode}."
        raise CheckFailed(message, f"Put {name} before to_pil_image, or omit the mode of to_pil_image.")
    return image


def unsized(image: Image, *, keeps_aspect: bool = True) -> Image:
    """Return the image with a size that varies from sample to sample."""
    return image.changed(height=None, width=None, varying=True, square=keeps_aspect and image.is_square)


def scaled_by(image: Image, *ratios: float) -> Image:
    """Return the image, of known size, with its sides multiplied by one of ``ratios``, rounded down, at least 1."""
    height, width = image.height or 1, image.width or 1
    sizes = {(max(1, int(height * ratio)), max(1, int(width * ratio))) for ratio in ratios}
    if len(sizes) > 1:
        return unsized(image)
    height, width = sizes.pop()
    return image.changed(height=height, width=width)
