"""Which entries of a sample a transform changes, and how it gets its random numbers."""

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
    """Whether it is a Pillow image or a tensor that is marked as an image."""
    return isinstance(value, (PIL.Image.Image, tv_tensors.Image))


def is_spatial(value: Any) -> bool:
    """Whether it is an image, or a mask or the like that moves with it."""
    return isinstance(value, (PIL.Image.Image, tv_tensors.TVTensor))


def marked(value: Any) -> Any:
    """A plain tensor marked as an image; anything else as it is."""
    if isinstance(value, torch.Tensor) and not isinstance(value, tv_tensors.TVTensor):
        return tv_tensors.Image(value)
    return value


def images_of(sample: Mapping[str, Any]) -> dict[str, Any]:
    """The entry ``input``, and every other one that is an image."""
    return {key: marked(value) for key, value in sample.items() if key == "input" or is_image(value)}


def spatial_of(sample: Mapping[str, Any]) -> dict[str, Any]:
    """The entry ``input``, and every other one that is an image, a mask or the like."""
    return {key: marked(value) for key, value in sample.items() if key == "input" or is_spatial(value)}


class OnSample:
    """A transform of torchvision, called with the images and masks of a sample, but nothing else.

    Called with the whole sample, torchvision would take the first plain tensor for an image where no entry is marked
    as one, and that may be a target.
    """

    def __init__(self, transform: Callable[[Any], Any]) -> None:
        self.transform = transform

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """The sample after the change."""
        return {**sample, **self.transform(spatial_of(sample))}


class OnOneSize(OnSample):
    """The same for a transform of torchvision that needs one height and width for all images and masks."""

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """The sample after the change; DataError if the sizes differ."""
        sizes = {key: tuple(F.get_size(value)) for key, value in spatial_of(sample).items()}
        if len(set(sizes.values())) > 1:
            found = ", ".join(f"{key!r} {height} x {width}" for key, (height, width) in sizes.items())
            message = f"All images and masks of a sample must have one size to be moved together: {found}"
            raise DataError(f"{message} (height x width). Add resize with [height, width] before it.")
        return super().__call__(sample)


class OnEachImage:
    """A transform of torchvision for one image, done to every image of a sample with the same random numbers."""

    def __init__(self, transform: Callable[[Any], Any], name: str) -> None:
        self.transform = transform
        self.name = name

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """The sample with its images changed; DataError if it has a mask, which would not move with them."""
        for key, value in sample.items():
            if key != "input" and is_spatial(value) and not is_image(value):
                message = f"{self.name} may move the image, but cannot move the entry {key!r} with it"
                raise DataError(f"{message}. Use geometric and colour transforms of their own instead.")
        state, made = torch.get_rng_state(), {}
        for key, value in images_of(sample).items():
            torch.set_rng_state(state)
            made[key] = self.transform(value)
        return {**sample, **made}


class RandomColour(ABC):
    """Base of random changes of colours and details: one change, drawn once, done to every image of the sample."""

    def __call__(self, sample: Mapping[str, Any], draws: Draws) -> dict[str, Any]:
        """The sample after a change that ``draws`` decide."""
        images = images_of(sample)
        channels, height, width = F.get_dimensions(images["input"])
        change = self.drawn(channels, height, width, draws)
        return {**sample, **{key: change(value) for key, value in images.items()}}

    @abstractmethod
    def drawn(self, channels: int, height: int, width: int, draws: Draws) -> Callable[[Any], Any]:
        """The change of one image, for a sample whose input has these dimensions."""


def unchanged(value: Any) -> Any:
    """What is done to an image that is left as it is."""
    return value
