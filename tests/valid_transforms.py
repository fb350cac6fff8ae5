"""What valid transforms are: for each, parameters that fit the image that comes to it, and what the image is after it.

Nothing here asks the declarations: sizes follow from what torchvision does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from valid_images import (
    Chain,
    Draw,
    Picture,
    as_tensor,
    at_least,
    chance,
    edge,
    fill,
    in_colour,
    interpolation,
    keeps_target,
    number,
    one_of,
    pair,
    resized,
    side,
    sides,
    some,
    to_size,
    warp,
)


def resize(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    if draw(st.booleans()):
        chain, after = resized(draw, p, *sides(draw, p))
        return (chain, after) if chain else resized(draw, p, p.height + 1, p.width)
    shorter = max(side(draw), min(p.size) // 2 + 1)
    shorter += shorter == min(p.size)
    longer = shorter * max(p.size) // min(p.size)
    most = {"max_size": longer + draw(st.integers(1, 9))} if draw(st.booleans()) else {}
    sizes = (longer, shorter) if p.width <= p.height else (shorter, longer)
    parameters = {"size": shorter, **most, "interpolation": interpolation(draw, p)}
    return [{"resize": parameters}], replace(p, height=sizes[0], width=sizes[1])


def pad(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    shown = edge(draw, p)
    most = min(p.size) - 1 if shown["padding_mode"] == "reflect" else min(p.size)
    edges = [draw(st.integers(min(most, 1), min(most, 3))) for _ in range(4)]
    written = one_of(draw, edges[0], edges[:2], edges)
    left, top, right, bottom = (
        edges if written is edges else [edges[0], edges[1]] * 2 if isinstance(written, list) else [edges[0]] * 4
    )
    after = replace(p, height=p.height + top + bottom, width=p.width + left + right)
    return [{"pad": {"padding": written, **shown}}], after


def random_crop(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    padding = draw(st.integers(0, min(min(p.size) - 1, 2)))
    height, width = (draw(st.integers(min(3, length), length + 2 * padding)) for length in p.size)
    if [height, width] == p.size and not padding:
        padding = 1 if min(p.size) > 1 else 0
    parameters = {"size": [height, width], **some(draw, pad_if_needed=lambda: True), **edge(draw, p)}
    if padding:
        parameters["padding"] = padding
    return [{"random_crop": parameters}], replace(p, height=height, width=width)


def center_crop(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    height, width = side(draw), side(draw)
    height += [height, width] == p.size
    return [{"center_crop": {"size": [height, width]}}], replace(p, height=height, width=width)


def random_resized_crop(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    height, width = side(draw), side(draw)
    parameters = some(
        draw, scale=lambda: [number(draw, 0.01, 0.4), number(draw, 0.41, 1)], ratio=lambda: pair(draw, 0.2, 5)
    )
    parameters = {"size": [height, width], **parameters, "interpolation": interpolation(draw, p)}
    return [{"random_resized_crop": parameters}], replace(p, height=height, width=width)


def views(name: str, count: int) -> Callable[[Draw, Picture], tuple[Chain, Picture]]:
    """Crops that make several images of one, once on the way of an image."""

    def make(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
        if p.views > 1:
            return [], p
        chain, p = at_least(draw, p, 4)
        height, width = (draw(st.integers(length - 3, length - 1)) for length in p.size)
        flipped = some(draw, vertical_flip=lambda: True) if count == 10 else {}
        after = replace(p, height=height, width=width, views=count)
        return [*chain, {name: {"size": [height, width], **flipped}}], after

    return make


def of_any_size(name: str, parameters: Callable[[Draw, Picture], dict[str, Any]]) -> Any:
    """What makes a size that differs from sample to sample, with what makes one size of it."""

    def make(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
        scales = {"interpolation": interpolation(draw, p)} if name != "random_zoom_out" else {}
        chosen = {name: {**parameters(draw, p), **scales}}
        if p.height == p.width and draw(st.booleans()):
            length = side(draw)  # squares stay squares
            return [chosen, {"resize": {"size": length, **scales}}], replace(p, height=length, width=length)
        chain, after = to_size(draw, p, side(draw), side(draw))
        return [chosen, *chain], after

    return make


def same_size(
    name: str, parameters: Callable[[Draw, Picture], dict[str, Any]], least: int = 1, *, colours: bool = False
) -> Any:
    """What leaves the size as it is, for images of so many pixels a side, or with colours."""

    def make(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
        chain, p = at_least(draw, p, least)
        coloured, p = in_colour(p) if colours else ([], p)
        chain = [*chain, *coloured]
        found = parameters(draw, p)
        return [*chain, {name: found} if found else name], p

    return make


def tones(name: str, parameters: Callable[[Draw, Picture], dict[str, Any]], *, tensors: bool = False) -> Any:
    """What works on values in the usual range of grey or RGB images."""

    def make(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
        chain, after = as_tensor(p) if tensors or p.mode else ([], p)
        found = parameters(draw, after)
        return [*chain, {name: found} if found else name], after

    return make


def not_float(name: str, parameters: Callable[[Draw, Picture], dict[str, Any]]) -> Any:
    """What works on whole pixel values, and moves no mask or box."""

    def make(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
        if name != "jpeg" and (p.mask or p.boxes):
            return [], p
        chain: Chain = []
        if p.form == "float":
            chain, p = [{"to_dtype": {"dtype": "uint8", "scale": True}}], replace(p, form="uint8")
        before, p = as_tensor(p) if p.mode else ([], p)
        found = parameters(draw, p)
        return [*chain, *before, {name: found} if found else name], p

    return make


def automatic(draw: Draw, p: Picture, **more: Callable[[], Any]) -> dict[str, Any]:
    return some(draw, interpolation=lambda: warp(draw, p), fill=lambda: fill(draw, p), **more)


def rand_augment(draw: Draw, p: Picture) -> dict[str, Any]:
    bins = draw(st.integers(2, 31))
    strength = {"num_magnitude_bins": bins, "magnitude": draw(st.integers(0, bins - 1))}
    return {**automatic(draw, p, num_ops=lambda: draw(st.integers(1, 3))), **strength}


def aug_mix(draw: Draw, p: Picture) -> dict[str, Any]:
    return some(
        draw,
        interpolation=lambda: one_of(draw, "nearest", "bilinear"),
        severity=lambda: draw(st.integers(1, 10)),
        mixture_width=lambda: draw(st.integers(1, 3)),
        chain_depth=lambda: draw(st.integers(-1, 2)),
        alpha=lambda: number(draw, 0.1, 4),
        all_ops=lambda: False,
    )


def angles(draw: Draw) -> Any:
    """Angles in degrees, which are random."""
    return one_of(draw, number(draw, 10, 360), [number(draw, -180, 20), number(draw, 30, 180)])


def random_affine(draw: Draw, p: Picture) -> dict[str, Any]:
    return {
        "degrees": angles(draw),
        **some(
            draw,
            translate=lambda: [chance(draw), chance(draw)],
            scale=lambda: pair(draw, 0.1, 4),
            shear=lambda: one_of(draw, number(draw, 10, 80), [number(draw, -80, 20), number(draw, 30, 80)]),
            interpolation=lambda: warp(draw, p),
            fill=lambda: fill(draw, p),
            center=lambda: [number(draw, -5, 20), number(draw, -5, 20)],
        ),
    }


def random_rotation(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    options = some(draw, interpolation=lambda: warp(draw, p), fill=lambda: fill(draw, p))
    degrees = angles(draw)
    if not draw(st.booleans()):
        center = some(draw, center=lambda: [number(draw, -5, 20), number(draw, -5, 20)])
        return [{"random_rotation": {"degrees": degrees, **options, **center}}], p
    chain, after = to_size(draw, p, side(draw), side(draw))
    return [{"random_rotation": {"degrees": degrees, "expand": True, **options}}, *chain], after


def elastic(draw: Draw, p: Picture) -> dict[str, Any]:
    sigma = one_of(draw, 0.0, number(draw, 0.1, 0.9), [number(draw, 0.1, 0.9), number(draw, 0.1, 0.9)])
    alpha = one_of(draw, number(draw, 1, 9), [number(draw, 1, 9), number(draw, 1, 9)])
    shown = some(draw, interpolation=lambda: one_of(draw, "nearest", "bilinear"), fill=lambda: fill(draw, p))
    return {"sigma": sigma, "alpha": alpha, **shown}


def gaussian_blur(draw: Draw, p: Picture) -> dict[str, Any]:
    width, height = (2 * draw(st.integers(1, length - 1)) + 1 for length in (p.width, p.height))
    sigma = some(draw, sigma=lambda: [number(draw, 0.1, 1), number(draw, 1.1, 3)])
    return {"kernel_size": [width, height], **sigma}


def factors(draw: Draw) -> Any:
    return one_of(draw, number(draw, 0.1, 2), [number(draw, 0, 1), number(draw, 1.1, 3)])


def colours(draw: Draw, p: Picture) -> dict[str, Any]:
    amounts = {
        "contrast": lambda: factors(draw),
        "saturation": lambda: factors(draw),
        "hue": lambda: one_of(draw, number(draw, 0.1, 0.5), [number(draw, -0.5, 0), number(draw, 0.1, 0.5)]),
    }
    if p.channels == 1:
        amounts = {"contrast": amounts["contrast"]}
    return {"brightness": factors(draw), **some(draw, **amounts)}


def random_erasing(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    chain, p = as_tensor(p)
    enlarged, p = at_least(draw, p, 4)
    chain = [*chain, *enlarged]
    options = some(
        draw, p=lambda: chance(draw), scale=lambda: [0.1, number(draw, 0.2, 1)], ratio=lambda: [0.5, number(draw, 1, 9)]
    )
    value = one_of(draw, fill(draw, p), *(("random",) if p.form == "float" else ()))
    return [*chain, {"random_erasing": {**options, "value": value}}], replace(p, usual=value != "random")


def gaussian_noise(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    chain, p = as_tensor(p)
    clip = p.form != "float" or draw(st.booleans())
    options = some(draw, mean=lambda: number(draw, -1, 1), sigma=lambda: number(draw, 0.01, 1))
    return [*chain, {"gaussian_noise": {**options, "clip": clip}}], replace(p, usual=clip)


def to_tensor(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    return ([], p) if p.form == "float" else (["to_tensor"], replace(p, form="float", mode=""))


def to_dtype(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    dtype = one_of(draw, "float32", "uint8")
    form = "float" if dtype == "float32" else "uint8"
    return [{"to_dtype": {"dtype": dtype, "scale": True}}], replace(p, form=form, mode="")


def to_pil_image(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    modes = {1: ("L",), 3: ("RGB", "YCbCr", "HSV")}[p.channels]
    mode = one_of(draw, None, *modes) if p.form != "pil" else None
    unknown = mode if mode in ("YCbCr", "HSV") else p.mode if p.form == "pil" else ""
    return [{"to_pil_image": {"mode": mode}} if mode else "to_pil_image"], replace(p, form="pil", mode=unknown or "")


def normalize(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    chain, p = to_tensor(draw, p)
    count = one_of(draw, 1, p.channels)
    values = {name: [number(draw, 0.1, 1) for _ in range(count)] for name in ("mean", "std")}
    return [*chain, {"normalize": values}], replace(p, usual=False)


def grayscale(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    channels = one_of(draw, 1, 3)
    return [{"grayscale": {"num_output_channels": channels}}], replace(p, channels=channels, mode="")


def rgb(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
    return ["rgb"], replace(p, channels=3, mode="")


def named(draw: Draw, p: Picture, function: str = "") -> tuple[Chain, Picture]:
    """The transform lambda."""
    function = function or one_of(draw, "invert", "gamma")
    gamma = {"gamma": {"gamma": number(draw, 0.2, 3), **some(draw, gain=lambda: number(draw, 0.5, 2))}}
    chain, p = as_tensor(p) if p.mode else ([], p)
    return [*chain, {"lambda": {"function": gamma if function == "gamma" else function}}], p


def inside(draw: Draw, p: Picture) -> Chain:
    """Transforms that leave form and size as they are, for those of transforms."""
    possible = (*_KEEPING, *_KEEPING_TONES) if p.usual and not p.mode else _KEEPING
    names = [name for name in possible if keeps_target(p, name)]
    chain: Chain = []
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)):
        chain += TRANSFORMS[name](draw, p)[0]
    return chain


def composed(name: str) -> Callable[[Draw, Picture], tuple[Chain, Picture]]:
    """A transform of transforms."""

    def make(draw: Draw, p: Picture) -> tuple[Chain, Picture]:
        parts = inside(draw, p)
        options: dict[str, Any] = {}
        if name == "random_apply":
            options = some(draw, p=lambda: chance(draw))
        if name == "random_choice":
            options = some(draw, p=lambda: [number(draw, 0.1, 3) for _ in parts])
        return [{name: {"transforms": parts, **options}}], p

    return make


def _sometimes(draw: Draw, p: Picture) -> dict[str, Any]:
    return some(draw, p=lambda: chance(draw))


_KEEPING = ("random_horizontal_flip", "random_vertical_flip", "random_perspective")
_KEEPING_TONES = ("random_invert", "random_equalize", "random_autocontrast")

TRANSFORMS: dict[str, Callable[[Draw, Picture], tuple[Chain, Picture]]] = {
    "resize": resize,
    "pad": pad,
    "random_crop": random_crop,
    "center_crop": center_crop,
    "random_resized_crop": random_resized_crop,
    "five_crop": views("five_crop", 5),
    "ten_crop": views("ten_crop", 10),
    "random_rotation": random_rotation,
    "random_erasing": random_erasing,
    "gaussian_noise": gaussian_noise,
    "to_tensor": to_tensor,
    "to_image": lambda draw, p: (["to_image"], as_tensor(p)[1]),
    "to_dtype": to_dtype,
    "to_pil_image": to_pil_image,
    "grayscale": grayscale,
    "rgb": rgb,
    "lambda": named,
    "random_resize": of_any_size(
        "random_resize",
        lambda draw, p: {"min_size": (low := side(draw)), "max_size": low + draw(st.integers(2, 6))},
    ),
    "random_shortest_size": of_any_size(
        "random_shortest_size",
        lambda draw, p: {
            "min_size": [low := side(draw), low + 1, side(draw)],
            **some(draw, max_size=lambda: (low + 1) * max(p.size) // min(p.size) + 1),
        },
    ),
    "scale_jitter": of_any_size(
        "scale_jitter",
        lambda draw, p: {
            "target_size": [(length := side(draw)), length],
            **some(draw, scale_range=lambda: [number(draw, 0.1, 1), number(draw, 1.1, 2)]),
        },
    ),
    "random_zoom_out": of_any_size(
        "random_zoom_out",
        lambda draw, p: {
            **_sometimes(draw, p),
            **some(draw, side_range=lambda: [number(draw, 1, 1.5), number(draw, 1.6, 3)], fill=lambda: fill(draw, p)),
        },
    ),
    "random_horizontal_flip": same_size("random_horizontal_flip", _sometimes),
    "random_vertical_flip": same_size("random_vertical_flip", _sometimes),
    "random_affine": same_size("random_affine", random_affine),
    "random_perspective": same_size(
        "random_perspective",
        lambda draw, p: {
            **_sometimes(draw, p),
            **some(
                draw,
                distortion_scale=lambda: number(draw, 0.1, 1),
                interpolation=lambda: warp(draw, p),
                fill=lambda: fill(draw, p),
            ),
        },
        least=2,
    ),
    "elastic": same_size("elastic", elastic, least=5),
    "gaussian_blur": same_size("gaussian_blur", gaussian_blur),
    "random_channel_permutation": same_size("random_channel_permutation", lambda draw, p: {}, colours=True),
    "random_grayscale": same_size("random_grayscale", _sometimes, colours=True),
    "color_jitter": tones("color_jitter", colours),
    "random_photometric_distort": tones(
        "random_photometric_distort", lambda draw, p: {**_sometimes(draw, p), **colours(draw, p)}
    ),
    "random_invert": tones("random_invert", _sometimes),
    "random_equalize": tones("random_equalize", _sometimes),
    "random_autocontrast": tones("random_autocontrast", _sometimes),
    "random_posterize": tones(
        "random_posterize", lambda draw, p: {"bits": draw(st.integers(1, 7)), **_sometimes(draw, p)}
    ),
    "random_solarize": tones(
        "random_solarize",
        lambda draw, p: {
            "threshold": number(draw, 0, 1) if p.form == "float" else draw(st.integers(1, 200)),
            **_sometimes(draw, p),
        },
    ),
    "random_adjust_sharpness": tones(
        "random_adjust_sharpness", lambda draw, p: {"sharpness_factor": number(draw, 1.1, 3), **_sometimes(draw, p)}
    ),
    "jpeg": not_float("jpeg", lambda draw, p: {"quality": [draw(st.integers(1, 50)), draw(st.integers(51, 100))]}),
    "auto_augment": not_float(
        "auto_augment",
        lambda draw, p: automatic(draw, p, policy=lambda: one_of(draw, "imagenet", "cifar10", "svhn")),
    ),
    "rand_augment": not_float("rand_augment", rand_augment),
    "trivial_augment_wide": not_float(
        "trivial_augment_wide",
        lambda draw, p: automatic(draw, p, num_magnitude_bins=lambda: draw(st.integers(2, 40))),
    ),
    "aug_mix": not_float("aug_mix", aug_mix),
    "random_apply": composed("random_apply"),
    "random_choice": composed("random_choice"),
    "random_order": composed("random_order"),
}
"""What may stand anywhere on the way of an image in the usual range; each brings along what it needs before it."""


def whitening(p: Picture, folder: Path) -> tuple[Chain, Picture]:
    """The transform linear_transformation, with a file for images of this size."""
    numbers = p.channels * p.height * p.width
    file = folder / f"white-{numbers}.npz"
    if not file.exists():
        matrix = np.eye(numbers, dtype=np.float32 if numbers % 2 else np.float64)
        np.savez(file, transformation_matrix=matrix, mean_vector=np.full(numbers, 0.5, matrix.dtype))
    return [{"linear_transformation": {"file": str(file)}}], replace(p, usual=False)
