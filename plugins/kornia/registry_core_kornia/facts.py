"""Inference of image facts through augmentations, and checks of images before any pixel is read."""

from __future__ import annotations

from registry_core.components import CheckFailed, Image
from registry_core.components.forms import TargetForm

TOLERANCE = 1e-6
"""Rounding error of float32 allowed beyond the range from 0 to 1."""


def float_images(image: Image, name: str) -> Image:
    """Return the image; raise CheckFailed unless it is a float tensor."""
    if image.form != "float":
        raise CheckFailed(f"{name} expects float tensors, but receives a {image}.", "Add to_tensor to transforms.")
    return image


def with_channels(image: Image, name: str, channels: tuple[int, ...]) -> Image:
    """Return the image; raise CheckFailed unless its number of channels is one of these (empty: any)."""
    if not channels or image.channels is None or image.channels in channels:
        return image
    remedy = "Add rgb to transforms." if image.channels == 1 else "Read the images as RGB."
    wanted = " or ".join(map(str, channels))
    message = f"{name} expects {wanted} channels, but the images have {image.channels}."
    raise CheckFailed(message, f"{remedy} Or remove {name}.")


def from_0_to_1(image: Image, name: str) -> Image:
    """Return the image; raise CheckFailed if its values are known to exceed the range from 0 to 1."""
    if image.low is None or image.high is None:
        return image
    if image.low < -TOLERANCE or image.high > 1 + TOLERANCE:
        message = f"{name} expects values from 0 to 1, but receives a {image}."
        raise CheckFailed(
            message, f"Normalize later: use kornia_normalize after {name} instead of normalize before it."
        )
    return image


def with_values(image: Image, *values: float) -> Image:
    """Return the image with a range that includes these values."""
    if image.low is None or image.high is None:
        return image
    return image.changed(low=min(image.low, *values), high=max(image.high, *values))


def anywhere(image: Image) -> Image:
    """Return the image with a range that includes 0 to 1."""
    return with_values(image, 0.0, 1.0)


def unbounded(image: Image) -> Image:
    """Return the image with an unknown range of values."""
    return image.changed(low=None, high=None)


def resampled(image: Image, resample: str) -> Image:
    """Return the image after interpolation; bicubic interpolation overshoots."""
    return unbounded(image) if resample == "bicubic" else image


def warped(image: Image, resample: str, padding: str, *fill: float) -> Image:
    """Return the image after a warp; pixels from outside are black, a fill value, or from the image itself."""
    outside = {"zeros": (0.0,), "fill": fill}.get(padding, ())
    moved = resampled(image, resample)
    return with_values(moved, *outside) if outside else moved


def sized(image: Image, size: tuple[int | None, int | None], p: float) -> Image:
    """Return the image with another size, which applies to a whole batch with probability ``p``."""
    height, width = size
    if p == 0:
        return image
    if p == 1:
        return image.changed(height=height, width=width)
    return image.changed(
        height=height if image.height == height else None, width=width if image.width == width else None
    )


def least(image: Image, name: str, sides: tuple[int, int], why: str, remedy: str) -> None:
    """Raise CheckFailed if the height or the width is known to be less than required."""
    for side, length, wanted in zip(("height", "width"), (image.height, image.width), sides, strict=True):
        if length is not None and length < wanted:
            message = f"{name} requires a {side} of at least {wanted}{why}, but the images have {length}."
            raise CheckFailed(message, remedy)


def filtered(image: Image, name: str, kernel: tuple[int, int], border: str) -> Image:
    """Return the image after an averaging filter; raise CheckFailed if the border is wider than the image."""
    wanted = {"reflect": 1, "circular": 0}.get(border)
    if wanted is not None:
        sides = (kernel[0] // 2 + wanted, kernel[1] // 2 + wanted)
        why = f" for a kernel of {kernel[0]} x {kernel[1]} with {border} borders"
        least(image, name, sides, why, "Use a smaller kernel_size, or larger images.")
    return with_values(image, 0.0) if border == "constant" else image


def not_maps(form: TargetForm, name: str, why: str) -> TargetForm:
    """Return the form of the targets; raise CheckFailed for class maps."""
    if form == "class_maps":
        message = f"{name} {why}, and cannot move class maps with the images."
        raise CheckFailed(message, f"Remove {name}, or use kornia_random_affine or kornia_random_elastic_transform.")
    return form
