"""Crops that produce several samples from one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import PIL.Image
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from registry_core.diagnostics import DataError


class FiveCrop:
    """Crops the corners and the centre of a sample's images and masks."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size

    def __call__(self, sample: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the samples made from one."""
        height, width = F.get_size(sample["input"])
        if height < self.size[0] or width < self.size[1]:
            window = f"{self.size[0]} x {self.size[1]}"
            message = f"The {window} window does not fit into the image of {height} x {width} (height x width)."
            raise DataError(message, f"Set a smaller size, or resize to at least {window} before it.")
        return self._made(sample)

    def _made(self, sample: Mapping[str, Any]) -> list[dict[str, Any]]:
        height, width = F.get_size(sample["input"])
        rows, columns = (0, height - self.size[0]), (0, width - self.size[1])
        corners = [(top, left) for top in rows for left in columns]
        made = [self._changed(sample, F.crop, top, left, *self.size) for top, left in corners]
        return [*made, self._changed(sample, F.center_crop, list(self.size))]

    @staticmethod
    def _changed(sample: Mapping[str, Any], change: Any, *arguments: Any) -> dict[str, Any]:
        return {
            key: change(value, *arguments) if key == "input" or _is_spatial(value) else value
            for key, value in sample.items()
        }


class TenCrop(FiveCrop):
    """Crops the same windows, and those of the flipped sample."""

    def __init__(self, size: tuple[int, int], vertical_flip: bool) -> None:
        super().__init__(size)
        self.mirror = F.vertical_flip if vertical_flip else F.horizontal_flip

    def _made(self, sample: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [*super()._made(sample), *super()._made(self._changed(sample, self.mirror))]


def _is_spatial(value: Any) -> bool:
    return isinstance(value, (PIL.Image.Image, tv_tensors.TVTensor))
