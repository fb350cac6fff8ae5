"""How augmentations change what is known of an image, and what they refuse, before any pixel is read."""

from __future__ import annotations

from registry_core.components import CheckFailed, Image
from registry_core.components.forms import TargetForm

TOLERANCE = 1e-6
"""What rounding of float32 may add to values from 0 to 1."""


def float_images(image: Image, name: str) -> Image:
    """The image, if it is a float tensor; raises CheckFailed if not."""
    if image.form != "float":
        raise CheckFailed(f"{name} works on float tensors, and this is a {image}.", "Add to_tensor to transforms.")
    return image


def with_channels(image: Image, name: str, channels: tuple[int, ...]) -> Image:
    """The image, if its number of channels is among these (empty: any); raises CheckFailed if not."""
    if not channels or image.channels is None or image.channels in channels:
        return image
    remedy = "Add rgb to transforms." if image.channels == 1 else "Read the images as RGB."
    wanted = " or ".join(map(str, channels))
    message = f"{name} works on images of {wanted} channels, and these have {image.channels}."
    raise CheckFailed(message, f"Remove {name}, or: {remedy}")


def from_0_to_1(image: Image, name: str) -> Image:
    """The image, if its values may lie from 0 to 1; raises CheckFailed if they are known to reach further."""
    if image.low is None or image.high is None:
        return image
    if image.low < -TOLERANCE or image.high > 1 + TOLERANCE:
        message = f"{name} works on values from 0 to 1, and this is a {image}."
        raise CheckFailed(message, f"Normalise later: kornia_normalize behind {name}, instead of normalize before it.")
    return image


def with_values(image: Image, *values: float) -> Image:
    """The image when pixels of these values may have been put into it."""
    if image.low is None or image.high is None:
        return image
    return image.changed(low=min(image.low, *values), high=max(image.high, *values))


def anywhere(image: Image) -> Image:
    """The image when its values may have gone anywhere from 0 to 1."""
    return with_values(image, 0.0, 1.0)


def unbounded(image: Image) -> Image:
    """The image when its values may have gone anywhere."""
    return image.changed(low=None, high=None)


def resampled(image: Image, resample: str) -> Image:
    """The image after interpolation; bicubic overshoots."""
    return unbounded(image) if resample == "bicubic" else image


def warped(image: Image, resample: str, padding: str, *fill: float) -> Image:
    """The image after pixels moved; those from outside of it show black, a fill, or the image itself."""
    outside = {"zeros": (0.0,), "fill": fill}.get(padding, ())
    moved = resampled(image, resample)
    return with_values(moved, *outside) if outside else moved


def sized(image: Image, size: tuple[int | None, int | None], p: float) -> Image:
    """The image of another size, which a whole batch gets with probability ``p``."""
    height, width = size
    if p == 0:
        return image
    if p == 1:
        return image.changed(height=height, width=width)
    return image.changed(
        height=height if image.height == height else None, width=width if image.width == width else None
    )


def least(image: Image, name: str, sides: tuple[int, int], why: str, remedy: str) -> None:
    """Raise CheckFailed if height or width are known to be below these."""
    for side, length, wanted in zip(("height", "width"), (image.height, image.width), sides, strict=True):
        if length is not None and length < wanted:
            message = f"{name} needs images of {side} {wanted} or more{why}, and these have {length}."
            raise CheckFailed(message, remedy)


def filtered(image: Image, name: str, kernel: tuple[int, int], border: str) -> Image:
    """The image after a filter that averages; raises CheckFailed where the border is wider than the image."""
    wanted = {"reflect": 1, "circular": 0}.get(border)
    if wanted is not None:
        sides = (kernel[0] // 2 + wanted, kernel[1] // 2 + wanted)
        why = f" for a kernel of {kernel[0]} x {kernel[1]} with {border} borders"
        least(image, name, sides, why, "Use a smaller kernel_size, or larger images.")
    return with_values(image, 0.0) if border == "constant" else image


def not_maps(form: TargetForm, name: str, why: str) -> TargetForm:
    """The form of targets, unless they are class maps, which raise CheckFailed."""
    if form == "class_maps":
        message = f"{name} {why}, and cannot move class maps with the images."
        raise CheckFailed(message, f"Remove {name}, or use kornia_random_affine or kornia_random_elastic_transform.")
    return form
