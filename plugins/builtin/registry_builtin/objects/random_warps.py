"""Counter-based random rotations, affine and perspective transformations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from registry_builtin.objects.random_geometry import RandomGeometry
from registry_builtin.objects.sample_images import unchanged
from registry_core.components import Draws

Fill = float | list[float]


def _fill_of(value: Any, fill: Fill, mask_fill: int) -> Fill:
    return mask_fill if isinstance(value, tv_tensors.Mask) else fill


class RandomRotation(RandomGeometry):
    """Rotates by a random angle; draws one word."""

    def __init__(
        self,
        degrees: tuple[float, float],
        interpolation: InterpolationMode,
        expand: bool,
        center: Sequence[float] | None,
        fill: Fill,
        mask_fill: int,
    ) -> None:
        self.degrees = degrees
        self.interpolation = interpolation
        self.expand = expand
        self.center = None if center is None else list(center)
        self.fill = fill
        self.mask_fill = mask_fill

    def drawn(self, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a rotation by a random angle."""
        angle = draws.uniform(*self.degrees)
        return lambda value: F.rotate(
            value,
            angle,
            interpolation=self.interpolation,
            expand=self.expand,
            center=self.center,
            fill=_fill_of(value, self.fill, self.mask_fill),
        )


class RandomAffine(RandomGeometry):
    """Rotates, translates, scales and shears by random amounts; draws six words."""

    def __init__(
        self,
        degrees: tuple[float, float],
        translate: tuple[float, float],
        scale: tuple[float, float],
        shear: tuple[float, float, float, float],
        interpolation: InterpolationMode,
        fill: Fill,
        center: Sequence[float] | None,
        mask_fill: int,
    ) -> None:
        self.degrees = degrees
        self.translate = translate
        self.scale = scale
        self.shear = shear
        self.interpolation = interpolation
        self.fill = fill
        self.mask_fill = mask_fill
        self.center = None if center is None else list(center)

    def drawn(self, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return an affine map with random angle, translation in whole pixels, scale and shears."""
        angle = draws.uniform(*self.degrees)
        right, down = self.translate[0] * width, self.translate[1] * height
        shift = [round(draws.uniform(-right, right)), round(draws.uniform(-down, down))]
        scale = draws.uniform(*self.scale)
        shear = [draws.uniform(*self.shear[:2]), draws.uniform(*self.shear[2:])]
        return lambda value: F.affine(
            value,
            angle=angle,
            translate=shift,
            scale=scale,
            shear=shear,
            interpolation=self.interpolation,
            fill=_fill_of(value, self.fill, self.mask_fill),
            center=self.center,
        )


class RandomPerspective(RandomGeometry):
    """Applies a random perspective with probability ``p``; draws nine words."""

    def __init__(
        self, distortion_scale: float, p: float, interpolation: InterpolationMode, fill: Fill, mask_fill: int
    ) -> None:
        self.distortion_scale = distortion_scale
        self.p = p
        self.interpolation = interpolation
        self.fill = fill
        self.mask_fill = mask_fill

    def drawn(self, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return a change that moves the four corners inwards by random whole pixels, or the identity."""
        distorted = draws.uniform() < self.p
        corners, moved = self.points(height, width, draws)
        if not distorted:
            return unchanged
        return lambda value: self.seen(value, corners, moved)

    def seen(self, value: Any, corners: list[list[int]], moved: list[list[int]]) -> Any:
        """Return an image or mask with its corners moved."""
        fill = _fill_of(value, self.fill, self.mask_fill)
        try:
            found = F.perspective(value, corners, moved, interpolation=self.interpolation, fill=fill)
        except torch.linalg.LinAlgError:  # type: ignore[attr-defined]  # not in the stubs; corners on one line
            return value
        return _without_horizon(found, fill) if isinstance(found, tv_tensors.Image) else found

    def points(self, height: int, width: int, draws: Draws) -> tuple[list[list[int]], list[list[int]]]:
        """Return the corners [x, y] of an image of this size, clockwise from the upper left, and their targets."""
        right, bottom = width - 1, height - 1
        most = (int(self.distortion_scale * (width // 2)) + 1, int(self.distortion_scale * (height // 2)) + 1)
        corners = [[0, 0], [right, 0], [right, bottom], [0, bottom]]
        moved = []
        for x, y in corners:
            inwards = draws.integer(most[0]), draws.integer(most[1])
            moved.append([x - inwards[0] if x else inwards[0], y - inwards[1] if y else inwards[1]])
        return corners, moved


def _without_horizon(image: tv_tensors.Image, fill: Fill) -> tv_tensors.Image:
    """Return the image with the fill at pixels exactly on the horizon, for which torchvision computes 0 / 0."""
    if not image.is_floating_point():
        return image
    shown = torch.as_tensor(fill, dtype=image.dtype).reshape(-1, 1, 1)
    return tv_tensors.Image(torch.where(image.isnan(), shown, image))
