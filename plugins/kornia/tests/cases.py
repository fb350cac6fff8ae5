"""Every augmentation with parameters, and the corresponding one of kornia."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import kornia.augmentation as K
import torch
from kornia.augmentation import auto
from torch import Tensor, nn

from registry_core import registries
from registry_core.components import Transform


@dataclass(frozen=True)
class Case:
    """A component with parameters as in a file, and arguments of the kornia class that differ."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kornia: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, int, int, int] = (5, 3, 24, 20)

    def __str__(self) -> str:
        return f"{self.name.removeprefix('kornia_')}-{'-'.join(self.parameters)}"

    @property
    def declared(self) -> Transform:
        """Return the declaration."""
        record = registries.transforms.record(self.name)
        return registries.transforms[self.name](**self.parameters).with_record(self.name, record)

    def reference(self) -> nn.Module:
        """Return the augmentation of kornia."""
        arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in self.parameters.items()}
        return kornia_class(self.name)(**{**arguments, **self.kornia})

    def images(self, seed: int = 0) -> Tensor:
        """Return random images with values from 0 to 1."""
        return torch.rand(self.shape, generator=torch.Generator().manual_seed(seed))


def snake(name: str) -> str:
    """Return the name of a class in snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


CLASSES = {f"kornia_{snake(name)}": getattr(where, name) for where in (K, auto) for name in where.__all__}


def kornia_class(name: str) -> Any:
    """Return the kornia class after which a component is named."""
    return CLASSES[name]


def tensors(**values: Any) -> dict[str, Tensor]:
    """Return arguments that kornia expects as tensors."""
    return {name: torch.tensor(value) for name, value in values.items()}


FISHEYE = {"center_x": [-0.3, 0.3], "center_y": [-0.2, 0.3], "gamma": [0.9, 1.1]}
RAIN = {"number_of_drops": [3, 9], "drop_height": [2, 5], "drop_width": [-4, 4]}

FLIPS_AND_TURNS = [
    Case("kornia_random_horizontal_flip"),
    Case("kornia_random_horizontal_flip", {"p": 1.0}),
    Case("kornia_random_vertical_flip", {"same_on_batch": True}),
    Case("kornia_random_rotation", {"degrees": 30}),
    Case("kornia_random_rotation", {"degrees": [10, 90], "resample": "nearest", "align_corners": False, "p": 1}),
    Case("kornia_random_rotation", {"degrees": 45.5, "resample": "bicubic", "same_on_batch": True}),
    Case("kornia_random_rotation90", {"times": [0, 3], "p": 0.9}),
]
WARPS = [
    Case("kornia_random_affine", {"degrees": 20}),
    Case(
        "kornia_random_affine",
        {"degrees": [-10, 30], "translate": [0.1, 0.2], "scale": [0.8, 1.2], "shear": 5, "p": 1.0},
    ),
    Case(
        "kornia_random_affine",
        {"degrees": 0, "scale": [0.5, 0.9, 0.6, 0.7], "shear": [-5, 5, -3, 9], "padding_mode": "reflection"},
    ),
    Case(
        "kornia_random_affine",
        {"degrees": 40, "padding_mode": "fill", "fill_value": 0.5, "resample": "nearest"},
        tensors(fill_value=0.5),
    ),
    Case(
        "kornia_random_affine",
        {"degrees": 40, "padding_mode": "fill", "fill_value": [0.5, 0.1, 0.9], "same_on_batch": True, "p": 1.0},
        tensors(fill_value=[0.5, 0.1, 0.9]),
    ),
    Case("kornia_random_affine", {"degrees": 15, "padding_mode": "border", "align_corners": True, "p": 1}),
    Case("kornia_random_shear", {"shear": 20}),
    Case("kornia_random_shear", {"shear": [-20, 10, 0, 15], "padding_mode": "border", "p": 1}),
    Case("kornia_random_translate", {"translate_x": [-0.3, 0.1], "p": 1}),
    Case("kornia_random_translate", {"translate_x": [-0.3, 0.1], "translate_y": [0.1, 0.2], "resample": "nearest"}),
    Case("kornia_random_perspective", {"p": 1}),
    Case("kornia_random_perspective", {"distortion_scale": 0.3, "sampling_method": "area_preserving"}),
    Case("kornia_random_elastic_transform", {"kernel_size": [15, 9], "sigma": [4.0, 3.0], "alpha": [1.0, 2.0]}),
    Case("kornia_random_elastic_transform", {"padding_mode": "reflection", "p": 1, "align_corners": True}),
    Case("kornia_random_fisheye", FISHEYE, tensors(**FISHEYE)),
    Case("kornia_random_thin_plate_spline"),
    Case("kornia_random_thin_plate_spline", {"scale": 0.1, "padding_mode": "border", "same_on_batch": True, "p": 1}),
]
SIZES = [
    Case("kornia_center_crop", {"size": [10, 13]}),
    Case("kornia_center_crop", {"size": [10, 13], "cropping_mode": "resample"}),
    Case("kornia_random_crop", {"size": [10, 13]}),
    Case("kornia_random_crop", {"size": [24, 20], "padding": 4}),
    Case("kornia_random_crop", {"size": [20, 20], "padding": [1, 2, 3, 4], "fill": 0.5, "same_on_batch": True}),
    Case("kornia_random_crop", {"size": [30, 22], "pad_if_needed": True, "fill": [0.1, 0.2, 0.3]}),
    Case("kornia_random_crop", {"size": [20, 20], "padding": [3, 4], "padding_mode": "reflect"}),
    Case("kornia_random_crop", {"size": [10, 10], "cropping_mode": "resample", "resample": "nearest"}),
    Case("kornia_random_resized_crop", {"size": [12, 9]}),
    Case(
        "kornia_random_resized_crop", {"size": [12, 9], "scale": [0.5, 1.0], "ratio": [1.0, 1.0], "resample": "bicubic"}
    ),
    Case("kornia_random_resized_crop", {"size": [12, 9], "cropping_mode": "resample", "same_on_batch": True}),
    Case("kornia_resize", {"size": [12, 30]}),
    Case("kornia_resize", {"size": 12, "antialias": True, "align_corners": False}),
    Case("kornia_resize", {"size": 12, "side": "vert", "resample": "nearest"}),
    Case("kornia_longest_max_size", {"max_size": 13}),
    Case("kornia_smallest_max_size", {"max_size": 13, "resample": "bicubic"}),
    Case("kornia_pad_to", {"size": [30, 18]}),
    Case("kornia_pad_to", {"size": [30, 18], "crop_if_exceeds": False, "pad_value": 0.25}),
    Case("kornia_pad_to", {"size": [30, 22], "pad_mode": "reflect"}),
    Case("kornia_pad_to", {"size": [30, 22], "pad_mode": "circular"}),
]
COLOURS = [
    Case("kornia_color_jiggle", {"brightness": 0.2, "contrast": 0.3, "saturation": 0.2, "hue": 0.1}),
    Case("kornia_color_jiggle", {"brightness": [0.9, 1.2], "contrast": 0.3}, shape=(4, 1, 9, 12)),
    Case("kornia_color_jiggle", {"brightness": 0.2, "saturation": [0.5, 2.0], "order": [2, 0], "p": 0.5}),
    Case("kornia_color_jiggle"),
    Case("kornia_color_jitter", {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": [-0.1, 0.2]}),
    Case("kornia_color_jitter", {"brightness": 0.4, "saturation": 0.3, "same_on_batch": True}, shape=(4, 1, 9, 12)),
    Case("kornia_color_jitter", {"contrast": 0.4, "order": [1]}, shape=(4, 2, 9, 12)),
    Case("kornia_random_hue", {"hue": 0.2}),
    Case("kornia_random_saturation", {"saturation": [0.5, 1.5], "p": 0.5}),
    Case("kornia_random_grayscale", {"p": 0.5}),
    Case("kornia_random_grayscale", {"p": 0.5}, shape=(4, 2, 9, 12)),
    Case("kornia_random_grayscale", {"rgb_weights": [0.2, 1.0, -0.5], "p": 1}, tensors(rgb_weights=[0.2, 1.0, -0.5])),
    Case("kornia_random_channel_shuffle", {"p": 1}, shape=(4, 4, 9, 12)),
    Case("kornia_random_channel_dropout", {"num_drop_channels": 2, "fill_value": 0.3}),
    Case("kornia_random_rgb_shift"),
    Case("kornia_random_rgb_shift", {"r_shift_limit": 0.1, "g_shift_limit": [0.0, 0.3], "b_shift_limit": 0}),
    Case("kornia_random_planckian_jitter"),
    Case("kornia_random_planckian_jitter", {"mode": "CIED", "select_from": [1, 20], "p": 1}, {"select_from": [1, 20]}),
]
TONES = [
    Case("kornia_random_brightness", {"brightness": 0.3}),
    Case("kornia_random_brightness", {"brightness": [0.5, 1.9], "clip_output": False, "p": 0.5}),
    Case("kornia_random_contrast", {"contrast": [0.5, 1.9]}),
    Case("kornia_random_contrast", {"contrast": 0.5, "clip_output": False, "same_on_batch": True}),
    Case("kornia_random_gamma", {"gamma": [0.5, 2.0], "gain": [0.9, 1.1]}),
    Case("kornia_random_auto_contrast", {"p": 0.5}),
    Case("kornia_random_equalize"),
    Case("kornia_random_clahe"),
    Case("kornia_random_clahe", {"clip_limit": [1, 20], "grid_size": [3, 4], "p": 1}),
    Case("kornia_random_invert", {"max_val": 0.9}),
    Case("kornia_random_posterize"),
    Case("kornia_random_posterize", {"bits": [1, 5], "p": 1}),
    Case("kornia_random_solarize"),
    Case("kornia_random_solarize", {"thresholds": [0.2, 0.9], "additions": [-0.2, 0.0], "p": 1}),
    Case("kornia_random_sharpness"),
    Case("kornia_random_sharpness", {"sharpness": [1.0, 3.0], "p": 1}),
    Case("kornia_normalize", {"mean": [0.3, 0.4, 0.5], "std": [0.2, 0.3, 0.4]}),
    Case("kornia_normalize", {"mean": [0.3], "std": [0.2], "p": 0.5}, shape=(4, 2, 9, 12)),
    Case("kornia_denormalize", {"mean": [0.3, 0.4, 0.5], "std": [0.2, 0.3, 0.4]}),
]
ILLUMINATION = [
    Case("kornia_random_gaussian_illumination"),
    Case("kornia_random_gaussian_illumination", {"gain": 0.2, "center": 1, "sigma": 0.5, "sign": -1, "p": 1},
         {"center": 1.0, "sign": -1.0}),
    Case("kornia_random_linear_illumination"),
    Case("kornia_random_linear_illumination", {"gain": [0.1, 0.5], "sign": 1.0, "p": 1, "same_on_batch": True}),
    Case("kornia_random_linear_corner_illumination", {"p": 1}, shape=(4, 1, 9, 12)),
    Case("kornia_random_plasma_brightness"),
    Case("kornia_random_plasma_brightness", {"roughness": [0.3, 0.3], "intensity": [0.1, 0.2], "p": 1}),
    Case("kornia_random_plasma_contrast", {"p": 1}),
    Case("kornia_random_plasma_shadow", {"shade_intensity": [-0.5, 0.2], "shade_quantity": [0.2, 0.6]}),
]  # fmt: skip
DEGRADATIONS = [
    Case("kornia_random_box_blur"),
    Case("kornia_random_box_blur", {"kernel_size": [4, 5], "border_type": "constant", "normalized": False, "p": 1}),
    Case("kornia_random_gaussian_blur", {"kernel_size": [3, 5], "sigma": [0.1, 2.0]}),
    Case("kornia_random_gaussian_blur", {"kernel_size": [7, 7], "sigma": [1, 1], "border_type": "circular", "p": 1,
                                         "separable": False}),
    Case("kornia_random_median_blur"),
    Case("kornia_random_median_blur", {"kernel_size": [7, 3], "p": 1}),
    Case("kornia_random_motion_blur", {"kernel_size": 5, "angle": 35, "direction": 0.5}),
    Case("kornia_random_motion_blur", {"kernel_size": [3, 8], "angle": [0, 90], "direction": [-1, 1], "p": 1,
                                       "border_type": "reflect", "resample": "bilinear"}),
    Case("kornia_random_gaussian_noise", {"mean": 0.1, "std": 0.2}),
    Case("kornia_random_gaussian_noise", {"same_on_batch": True, "p": 1}),
    Case("kornia_random_salt_and_pepper_noise"),
    Case("kornia_random_salt_and_pepper_noise", {"amount": 0.3, "salt_vs_pepper": [0.1, 0.9], "p": 1},
         shape=(4, 1, 9, 12)),
    Case("kornia_random_jpeg"),
    Case("kornia_random_jpeg", {"jpeg_quality": [5, 20], "p": 0.5}, shape=(4, 3, 9, 13)),
    Case("kornia_random_jpeg", {"jpeg_quality": 30, "same_on_batch": True}),
    Case("kornia_random_erasing"),
    Case("kornia_random_erasing", {"scale": [0.1, 0.2], "ratio": [1.5, 2.0], "value": 0.5, "p": 1}),
    Case("kornia_random_erasing", {"same_on_batch": True, "p": 1}),
]  # fmt: skip
WEATHER = [
    Case("kornia_random_rain", RAIN),
    Case("kornia_random_rain", {**RAIN, "p": 1}, shape=(4, 1, 9, 12)),
    Case("kornia_random_snow", {"snow_coefficient": [0.2, 0.8], "brightness": [1, 3]}),
    Case("kornia_random_snow"),
]
PIECES = [
    Case("kornia_random_jigsaw"),
    Case("kornia_random_jigsaw", {"grid": [2, 5], "p": 1, "same_on_batch": True}),
]
MOSAICS = [
    Case("kornia_random_mosaic"),
    Case("kornia_random_mosaic", {"output_size": [30, 21], "p": 1}),
    Case("kornia_random_mosaic", {"mosaic_grid": [3, 2], "start_ratio_range": [0.1, 0.9], "p": 0.5}),
]
POLICIES = [
    Case("kornia_auto_augment"),
    Case("kornia_auto_augment", {"policy": "cifar10"}),
    Case("kornia_auto_augment", {"policy": "svhn"}),
    Case("kornia_rand_augment", {"n": 2, "m": 10}),
    Case("kornia_rand_augment", {"n": 15, "m": 29}),
    Case("kornia_trivial_augment"),
    Case("kornia_trivial_augment", shape=(4, 2, 9, 12)),
]
MIXING = [
    Case("kornia_random_mix_up_v2", {"num_classes": 7}),
    Case("kornia_random_mix_up_v2", {"num_classes": 7, "lambda_val": [0.2, 0.4], "same_on_batch": True, "p": 0.5}),
    Case("kornia_random_cut_mix_v2", {"num_classes": 7}),
    Case("kornia_random_cut_mix_v2", {"num_classes": 7, "beta": 0.4, "cut_size": [0.1, 0.6], "p": 0.5}),
    Case("kornia_random_cut_mix_v2", {"num_classes": 7, "num_mix": 3, "same_on_batch": True}),
    Case("kornia_patch_mix", {"num_classes": 7}),
    Case("kornia_patch_mix", {"num_classes": 7, "patch_size": 5, "alpha": 0.5, "p": 0.5}),
]
TRANSPLANTS = [
    Case("kornia_random_transplantation"),
    Case("kornia_random_transplantation", {"excluded_labels": [0], "p": 0.9, "p_batch": 0.8}),
]
MOVING = [*FLIPS_AND_TURNS, *WARPS, *SIZES]
CHANGING = [*COLOURS, *TONES, *ILLUMINATION, *DEGRADATIONS, *WEATHER]
ONE_IMAGE = [*MOVING, *CHANGING, *PIECES, *POLICIES]
"""Cases that need only images."""
ALL = [*ONE_IMAGE, *MOSAICS, *MIXING, *TRANSPLANTS]
