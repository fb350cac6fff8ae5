"""Collation: from samples to a batch, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
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


class NotStackable(Exception):
    """The values of an entry do not make a batch: the entry, and the sample to blame by its place in the batch."""

    def __init__(self, entry: str, place: int, fault: str, remedy: str) -> None:
        super().__init__(fault)
        self.entry = entry
        self.place = place
        self.fault = fault
        self.remedy = remedy

    def error(self, named: Callable[[int], str]) -> DataError:
        """The error; ``named`` returns the sample at a place of the batch in words, as the subject of a sentence."""
        return DataError(f"{named(self.place)} {self.fault}.", self.remedy)


def collate(samples: Sequence[Sample]) -> Batch:
    """A batch of samples, entry by entry, as ``torch.utils.data.default_collate`` means it.

    Tensors, arrays and lists of numbers are stacked, in the type that holds all of them. Numbers of any type become
    int64 if all are whole or truth values, else float32. Boxes, texts, mappings and other objects are listed. Raises
    NotStackable.
    """
    first = samples[0]
    for place, sample in enumerate(samples):
        if sample.keys() != first.keys():
            raise _other_entries(samples, place)
    return {name: _stack(name, [sample[name] for sample in samples]) for name in first}


def _other_entries(samples: Sequence[Sample], place: int) -> NotStackable:
    one, other = samples[0], samples[place]
    lacking = next((name for name in one if name not in other), None)
    place, lacking = (place, lacking) if lacking is not None else (0, next(name for name in other if name not in one))
    fault = f"has no entry {lacking!r}, which others have"
    return NotStackable(str(lacking), place, fault, "Return the same entries for all samples.")


def _stack(name: str, values: list[Any]) -> Any:
    first = values[0]
    kind = type(first)
    if kind is int or kind is float:  # the common cases first
        if all(type(value) is kind for value in values):
            return _numbers(name, values)
    elif isinstance(first, BoundingBoxes):  # the number of boxes differs from image to image
        return [value.as_subclass(torch.Tensor) for value in values]
    if all(_is_number(value) for value in values):
        return _numbers(name, values)
    tensors = [_tensor(value) for value in values]
    if any(tensor is None for tensor in tensors):
        if all(tensor is None for tensor in tensors):
            return values
        place = next(place for place, tensor in enumerate(tensors) if (tensor is None) != (tensors[0] is None))
        found, other = (type(one).__name__ for one in (values[place], first))
        others = f"others have a {other}" if found != other else "not all of them are numbers of one shape"
        fault = f"has a {found} as the entry {name!r}, but {others}"
        raise NotStackable(name, place, fault, "Return values of one type for all samples.")
    return _stacked(name, [tensor for tensor in tensors if tensor is not None], values)


def _stacked(name: str, tensors: list[Tensor], values: list[Any]) -> Tensor:
    shapes = [tuple(tensor.shape) for tensor in tensors]
    if len(set(shapes)) > 1:
        common = max(dict.fromkeys(shapes), key=shapes.count)
        place = next(place for place, shape in enumerate(shapes) if shape != common)
        fault = f"has the shape {_written(shapes[place])} in the entry {name!r}, but others have {_written(common)}"
        is_image = name == "input" or isinstance(values[place], ImageTensor)
        remedy = (
            "Images need one size: add resize or a crop." if is_image else "Return values of one shape, or pad them."
        )
        raise NotStackable(name, place, fault, remedy)
    kinds = {tensor.dtype for tensor in tensors}
    if len(kinds) > 1:
        kind = reduce(torch.promote_types, kinds)
        tensors = [tensor.to(kind) for tensor in tensors]
    return torch.stack(tensors)


def _numbers(name: str, values: list[Any]) -> Tensor:
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    whole = all(isinstance(value, int) for value in plain)
    try:
        return torch.tensor(plain, dtype=torch.int64 if whole else torch.float32)
    except (OverflowError, RuntimeError, ValueError):  # the type depends on the version of torch
        place = next(place for place, value in enumerate(plain) if abs(value) > _LARGEST)
        fault = f"has {plain[place]} as the entry {name!r}, which is no 64-bit number"
        raise NotStackable(name, place, fault, "Return smaller numbers.") from None


_LARGEST = 2**63 - 1


def _is_number(value: Any) -> bool:
    if isinstance(value, (bool, int, float)):
        return True
    if isinstance(value, np.generic):
        return value.dtype.kind in "biuf"
    return False


def _tensor(value: Any) -> Tensor | None:
    """A tensor of a value that torch can stack; None for other values."""
    if isinstance(value, Tensor):
        return value.as_subclass(Tensor)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value) if value.dtype.kind in "biuf" else None
    if _is_number(value):
        return _numbers("", [value])[0]
    if isinstance(value, (list, tuple)) and value:
        return _tensor_of_list(value)
    return None


def _tensor_of_list(values: Sequence[Any]) -> Tensor | None:
    """A tensor of a list of numbers, or of lists of equal lengths; None if it has anything else."""
    if all(_is_number(value) for value in values):
        return _numbers("", list(values))
    tensors = [_tensor(value) for value in values]
    found = [tensor for tensor in tensors if tensor is not None]
    if len(found) < len(values) or len({tensor.shape for tensor in found}) > 1:
        return None
    return torch.stack(found)


def _written(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "of one number"


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
