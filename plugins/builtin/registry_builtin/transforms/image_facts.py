"""How padding and resizing change what is known of an image, for the checks that run before any pixel is read."""

from __future__ import annotations

import math

from registry_core.components import CheckFailed, Image
from registry_core.components.facts import FORM_NAMES

Edges = tuple[int, int, int, int]
"""Pixels at left, top, right and bottom."""

Values = float | tuple[float, ...]
"""One pixel value, or one for each channel."""


def with_values(image: Image, *values: float) -> Image:
    """The image when pixels of these values may have been put into it."""
    if image.low is None or image.high is None:
        return image
    return image.changed(low=min(image.low, *values), high=max(image.high, *values))


def with_fill(image: Image, fill: Values) -> Image:
    """The image when it may show pixels of this fill; raises CheckFailed if it cannot hold them."""
    values = fill if isinstance(fill, tuple) else (fill,)
    if len(values) > 1 and image.channels is not None and len(values) != image.channels:
        message = f"fill has {len(values)} values, but the image has {_counted(image.channels)}."
        raise CheckFailed(message, "Give one value, or one for each channel.")
    if image.form != "float":
        for value in values:
            if not isinstance(value, int) or not 0 <= value <= 255:
                message = f"fill {value} is no pixel value of a {FORM_NAMES[image.form]}."
                raise CheckFailed(message, "Give whole numbers from 0 to 255, or fill after to_tensor.")
    return with_values(image, *values)


def padded(image: Image, edges: Edges, fill: Values, mode: str) -> Image:
    """The image after padding; raises CheckFailed where torchvision cannot pad it so."""
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
    """Tensors can be mirrored once only; Pillow images as often as it takes."""
    if length is None or mode not in ("reflect", "symmetric") or (image.form == "pil" and not image.masked):
        return
    longest = length - 1 if mode == "reflect" else length
    if edge > longest:
        what = "a tensor" if image.form != "pil" else "a mask, which is a tensor,"
        message = f"Padding mode {mode!r} adds at most {longest} pixels to {what} of {side} {length}, not {edge}."
        before = ", or pad before to_tensor" if not image.masked else ""
        raise CheckFailed(message, f"Pad less, or choose padding_mode: edge{before}.")


def _counted(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"


def shorter_side_resized(height: int, width: int, side: int, longest: int | None = None) -> tuple[int, int]:
    """Height and width after the shorter side became ``side`` with the aspect kept (the longer is rounded down).

    Where the longer side would be above ``longest``, it becomes that, and the shorter one follows.
    """
    short, long = sorted((height, width))
    new_short, new_long = side, int(side * long / short)
    if longest is not None and new_long > longest:
        new_short, new_long = int(longest * new_short / new_long), longest
        if new_short < 1:
            message = f"An image of {height} x {width} pixels with a longer side of {longest} has nothing left."
            raise CheckFailed(message, "Set a larger max_size, or size: [height, width].", ("max_size",))
    return (new_long, new_short) if width <= height else (new_short, new_long)


def resampled(image: Image, interpolation: str) -> Image:
    """The image after interpolation; bicubic and lanczos overshoot, as far as the form of the image lets them."""
    if image.form != "pil" and interpolation == "lanczos":
        message = f"The interpolation lanczos works on Pillow images only, and this is a {image}."
        raise CheckFailed(message, "Resize before to_tensor, or choose bicubic.")
    if interpolation in ("nearest", "bilinear"):
        return image
    return image.changed(low=None, high=None) if image.form == "float" else with_values(image, 0, 255)


def check_one_pixel(image: Image, size: tuple[int, int], interpolation: str, antialias: bool) -> None:
    """Raise CheckFailed where torch fails: it cannot smooth three channels of whole numbers to a single pixel."""
    smoothed = antialias and interpolation in ("bilinear", "bicubic") and image.form == "uint8"
    if smoothed and size == (1, 1) != (image.height, image.width) and image.channels == 3:
        message = f"torch cannot smooth a {image} to one pixel."
        raise CheckFailed(message, "Put it before to_image or after to_tensor, or set antialias: false.")


def warped(image: Image, interpolation: str, fill: Values) -> Image:
    """The image after a rotation or the like: uncovered pixels show the fill, and 0 bleeds in at their edges."""
    if image.form != "pil" and interpolation == "bicubic":
        message = f"The interpolation bicubic turns and warps Pillow images only, and this is a {image}."
        raise CheckFailed(message, "Put it before to_tensor, or choose bilinear.")
    return with_values(with_fill(resampled(image, interpolation), fill), 0)


def greyed(image: Image, channels: int | None) -> Image:
    """The image after its channels were weighted; torchvision's weights for tensors add up to 0.9999 only."""
    changed = image.changed(channels=channels)
    if image.form == "pil" or image.channels == 1 or image.low is None or image.high is None:
        return changed
    values = (image.low * 0.9999, image.high * 0.9999)
    return with_values(changed, *(map(math.floor, values) if image.form == "uint8" else values))


def top(image: Image) -> float:
    """The largest value of an image in its usual range, which starts at 0."""
    return 1.0 if image.form == "float" else 255.0


def coloured(image: Image, name: str) -> Image:
    """The image, if it is grey or has three colours in the usual range of its form; raises CheckFailed if not."""
    if image.channels not in (None, 1, 3):
        message = f"{name} works on 1 or 3 channels, and this image has {image.channels}."
        raise CheckFailed(message, f"Remove {name}, or read the images as RGB.")
    return in_range(image, name)


def in_range(image: Image, name: str, remedy: str = "Put it before normalize.") -> Image:
    """The image, if its values may lie in the usual range of its form; raises CheckFailed if they are outside."""
    if image.form == "float" and image.low is not None and image.high is not None:
        tolerance = 1e-6  # what rounding of float32 may add
        if image.low < -tolerance or image.high > 1 + tolerance:
            raise CheckFailed(f"{name} works on float values from 0 to 1, and this is a {image}.", remedy)
    return image


def anywhere(image: Image) -> Image:
    """The image when its values may have gone anywhere in the usual range of its form."""
    return with_values(image, 0.0, top(image))


def as_tensor(image: Image, name: str) -> Image:
    """The image, if it is a tensor; raises CheckFailed if it is a Pillow image."""
    if image.form == "pil":
        raise CheckFailed(f"{name} works on tensors, and this is a {image}.", "Put to_tensor before it.")
    return image


def not_float(image: Image, name: str) -> Image:
    """The image, if it has whole pixel values; raises CheckFailed if it is a float tensor."""
    if image.form == "float":
        message = f"{name} works on Pillow images and uint8 tensors, and this is a {image}."
        raise CheckFailed(message, "Put it before to_tensor.")
    return image


def tones_known(image: Image, name: str) -> Image:
    """The image, if Pillow knows what its tones are; raises CheckFailed if it has a mode such as HSV."""
    if image.mode is not None:
        message = f"{name} works on grey and RGB images, and this is a {image} of mode {image.mode}."
        raise CheckFailed(message, f"Put {name} before to_pil_image, or leave its mode out.")
    return image


def unsized(image: Image, *, keeps_aspect: bool = True) -> Image:
    """The image when its size differs from sample to sample."""
    return image.changed(height=None, width=None, varying=True, square=keeps_aspect and image.is_square)


def scaled_by(image: Image, *ratios: float) -> Image:
    """The image, whose size is known, with sides multiplied by one of these and rounded down, to 1 at least."""
    height, width = image.height or 1, image.width or 1
    sizes = {(max(1, int(height * ratio)), max(1, int(width * ratio))) for ratio in ratios}
    if len(sizes) > 1:
        return unsized(image)
    height, width = sizes.pop()
    return image.changed(height=height, width=width)
