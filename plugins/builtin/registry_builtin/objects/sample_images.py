"""Selects the entries of a sample that a transform changes, and supplies its random numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import PIL.Image
import torch
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from registry_core.components import Draws
from registry_core.diagnostics import DataError


def is_image(value: Any) -> bool:
    """Return whether the value is a Pillow image or a tensor marked as an image."""
    return isinstance(value, (PIL.Image.Image, tv_tensors.Image))


def is_spatial(value: Any) -> bool:
    """Return whether the value is an image, or a mask or similar that moves with it."""
    return isinstance(value, (PIL.Image.Image, tv_tensors.TVTensor))


def marked(value: Any) -> Any:
    """Mark a plain tensor as an image; return anything else unchanged."""
    if isinstance(value, torch.Tensor) and not isinstance(value, tv_tensors.TVTensor):
        return tv_tensors.Image(value)
    return value


def images_of(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry ``input`` and every other entry that is an image."""
    return {key: marked(value) for key, value in sample.items() if key == "input" or is_image(value)}


def spatial_of(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry ``input`` and every other entry that is an image, a mask or similar."""
    return {key: marked(value) for key, value in sample.items() if key == "input" or is_spatial(value)}


class OnSample:
    """Wraps a torchvision transform that is called with only the images and masks of a sample.

    Called with the whole sample, torchvision would treat the first plain tensor as an image if no entry is marked as
    one, and that may be a target.
    """

    def __init__(self, transform: Callable[[Any], Any]) -> None:
        self.transform = transform

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return the transformed sample."""
        return {**sample, **self.transform(spatial_of(sample))}


class OnOneSize(OnSample):
    """Wraps a torchvision transform that requires the same height and width for all images and masks."""

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return the transformed sample; DataError if the sizes differ."""
        sizes = {key: tuple(F.get_size(value)) for key, value in spatial_of(sample).items()}
        if len(set(sizes.values())) > 1:
            found = ", ".join(f"{key!r} {height} x {width}" for key, (height, width) in sizes.items())
            message = f"All images and masks of a sample must have the same size, but found {found} (height x width)."
            raise DataError(message, "Add resize with [height, width] before it.")
        return super().__call__(sample)


class OnEachImage:
    """Wraps a torchvision transform of one image; all images of a sample receive the same random numbers."""

    def __init__(self, transform: Callable[[Any], Any], name: str) -> None:
        self.transform = transform
        self.name = name

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sample with its images transformed; DataError if it has a mask, which would not move along."""
        for key, value in sample.items():
            if key != "input" and is_spatial(value) and not is_image(value):
                message = f"{self.name} may move the image, but cannot move the entry {key!r} with it."
                raise DataError(message, "Use separate geometric and colour transforms instead.")
        state, made = torch.get_rng_state(), {}
        for key, value in images_of(sample).items():
            torch.set_rng_state(state)
            made[key] = self.transform(value)
        return {**sample, **made}


class RandomColour(ABC):
    """Base of random changes of colours and details: one random change, applied to every image of the sample."""

    def __call__(self, sample: Mapping[str, Any], draws: Draws) -> dict[str, Any]:
        """Return the sample after a change determined by ``draws``."""
        images = images_of(sample)
        channels, height, width = F.get_dimensions(images["input"])
        change = self.drawn(channels, height, width, draws)
        return {**sample, **{key: change(value) for key, value in images.items()}}

    @abstractmethod
    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """Return the change of one image, for a sample whose input has these dimensions."""


def unchanged(value: Any) -> Any:
    """Return an image unchanged."""
    return value
