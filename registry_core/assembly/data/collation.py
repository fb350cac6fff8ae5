"""Collation: from samples to a batch, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor
from torchvision.tv_tensors import BoundingBoxes
from torchvision.tv_tensors import Image as ImageTensor

from registry_core.assembly.data.transforms import Batch, Sample
from registry_core.diagnostics import DataError

_BYTE_MODES = {"L": 1, "LA": 2, "P": 1, "RGB": 3, "HSV": 3, "YCbCr": 3, "RGBA": 4, "CMYK": 4}
"""Pillow modes with 8 bits per channel, and their numbers of channels."""


def collate(samples: Sequence[Sample], section: str) -> Batch:
    """A batch: tensors are stacked, whole numbers become int64, others float32; boxes and the rest are listed."""
    try:
        return {name: _stack([sample[name] for sample in samples]) for name in samples[0]}
    except KeyError as error:
        message = f"Some samples of data.{section} have no entry {error}."
        raise DataError(message, "Return the same entries for all samples.") from None
    except (RuntimeError, TypeError, ValueError) as error:
        message = f"The samples of data.{section} do not make a batch: {error}."
        raise DataError(message, "Images need one size: add resize or a crop.") from error


def _stack(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, BoundingBoxes):  # the number of boxes differs from image to image
        return [value.as_subclass(torch.Tensor) for value in values]
    if isinstance(first, torch.Tensor):
        return torch.stack([value.as_subclass(torch.Tensor) for value in values])
    if isinstance(first, np.ndarray):
        return torch.stack([torch.from_numpy(value) for value in values])
    if isinstance(first, (bool, int, np.integer)):
        return torch.tensor(values, dtype=torch.int64)
    if isinstance(first, (float, np.floating)):
        return torch.tensor(values, dtype=torch.float32)
    return values


def stacked_images(samples: Sequence[Sample]) -> dict[str, Tensor] | None:
    """The images of samples, entry by entry, as stacks [batch, channels, height, width]; None if they do not stack.

    Images are the entry ``input``, and every other entry that is a Pillow image or a ``tv_tensors.Image``.
    """
    first = samples[0]
    names = [name for name, value in first.items() if name == "input" or _is_image(value)]
    stacks: dict[str, Tensor] = {}
    for name in names:
        values = [sample.get(name) for sample in samples]
        stack = _stacked_pillow(values) if isinstance(values[0], PIL.Image.Image) else _stacked_tensors(values)
        if stack is None:
            return None
        stacks[name] = stack
    others = {name for sample in samples for name, value in sample.items() if _is_image(value)} - set(names)
    return None if others else stacks


def _is_image(value: Any) -> bool:
    return isinstance(value, (PIL.Image.Image, ImageTensor))


def _stacked_pillow(values: Sequence[Any]) -> Tensor | None:
    first = values[0]
    if first.mode not in _BYTE_MODES:
        return None
    if not all(isinstance(value, PIL.Image.Image) and _alike(value, first) for value in values):
        return None
    pixels = np.stack([np.asarray(value) for value in values])
    if pixels.ndim == 3:
        return torch.from_numpy(
            pixels.reshape(len(pixels), 1, *pixels.shape[1:])
        )  # the strides that torch.stack would set
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


def _alike(image: PIL.Image.Image, first: PIL.Image.Image) -> bool:
    return image.mode == first.mode and image.size == first.size


def _stacked_tensors(values: Sequence[Any]) -> Tensor | None:
    first = values[0]
    if not all(isinstance(value, Tensor) for value in values) or first.ndim != 3:
        return None
    if any(value.shape != first.shape or value.dtype != first.dtype for value in values):
        return None
    return torch.stack([value.as_subclass(Tensor) for value in values])
