"""Collation: from samples to a batch, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.tv_tensors import BoundingBoxes
from torchvision.tv_tensors import Image as ImageTensor

from registry_core.assembly.data.transforms import Batch, Sample
from registry_core.diagnostics import DataError
from registry_core.diagnostics.sentences import describe_error

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
    names = first.keys()
    for place, sample in enumerate(samples):
        if sample.keys() != names:
            raise _other_entries(samples, place)
    return {name: _stack(name, [sample[name] for sample in samples]) for name in first}


def _other_entries(samples: Sequence[Sample], place: int) -> NotStackable:
    one, other = samples[0], samples[place]
    lacking = next((name for name in one if name not in other), None)
    place, lacking = (place, lacking) if lacking is not None else (0, next(name for name in other if name not in one))
    fault = f"has no entry {lacking!r}, which others have"
    return NotStackable(str(lacking), place, fault, "Return the same entries for all samples.")


def _stack(name: str, values: list[Any]) -> Any:
    types = set(map(type, values))
    if types == {Tensor}:  # the common cases first
        return _stacked(name, values, values)
    if types == {ImageTensor}:
        return _stacked(name, [value.as_subclass(Tensor) for value in values], values)
    if all(issubclass(each, _NUMBERS) for each in types):
        return _numbers(name, values)
    tensors = [_tensor_at(name, place, value) for place, value in enumerate(values)]
    if any(tensor is None for tensor in tensors):
        if all(tensor is None for tensor in tensors):
            return values
        raise _mixture(name, values, [tensor is None for tensor in tensors])
    found = [tensor for tensor in tensors if tensor is not None]
    if any(issubclass(each, BoundingBoxes) for each in types):  # the number of boxes differs from image to image
        return found
    return _stacked(name, found, values)


def _mixture(name: str, values: list[Any], is_object: list[bool]) -> NotStackable:
    place = next(place for place, found in enumerate(is_object) if found != is_object[0])
    found, other = (type(one).__name__ for one in (values[place], values[0]))
    others = f"others have a {other}" if found != other else "not all of them are numbers of one shape"
    fault = f"has a {found} as the entry {name!r}, but {others}"
    return NotStackable(name, place, fault, "Return values of one type for all samples.")


def _stacked(name: str, tensors: list[Tensor], values: list[Any]) -> Tensor:
    try:
        return torch.stack(tensors)  # in the type that holds all of them
    except (RuntimeError, TypeError) as error:
        shapes = [tuple(tensor.shape) for tensor in tensors]
        if len(set(shapes)) == 1:
            fault = f"has the entry {name!r}, which torch does not stack: {describe_error(error)}"
            raise NotStackable(name, 0, fault, "Return plain tensors.") from None
        raise _uneven(name, shapes, values) from None


def _uneven(name: str, shapes: list[tuple[int, ...]], values: list[Any]) -> NotStackable:
    common = max(dict.fromkeys(shapes), key=shapes.count)
    place = next(place for place, shape in enumerate(shapes) if shape != common)
    fault = f"has the shape {_written(shapes[place])} in the entry {name!r}, but others have {_written(common)}"
    remedy = "Return values of one shape, or pad them."
    if name == "input" or isinstance(values[place], ImageTensor):
        remedy = "Images need one size: add resize or a crop."
        if len(common) == 3 and shapes[place][1:] == common[1:]:
            remedy = "Images need one number of channels: add rgb or grayscale."
    return NotStackable(name, place, fault, remedy)


def _numbers(name: str, values: list[Any]) -> Tensor:
    types = set(map(type, values))
    whole = all(issubclass(each, _WHOLE) for each in types)
    if np.bool_ in types:  # torch makes no other type of it
        values = [bool(value) if isinstance(value, np.bool_) else value for value in values]
    try:
        return torch.tensor(values, dtype=torch.int64 if whole else torch.float32)
    except (OverflowError, RuntimeError, ValueError):  # the type depends on the version of torch
        place = next(place for place, value in enumerate(values) if not -_LARGEST - 1 <= value <= _LARGEST)
        fault = f"has {values[place]} as the entry {name!r}, which is no 64-bit number"
        raise NotStackable(name, place, fault, "Return smaller numbers.") from None


_LARGEST = 2**63 - 1
_WHOLE = (bool, int, np.bool_, np.integer)
_NUMBERS = (float, np.floating, *_WHOLE)


def _tensor_at(name: str, place: int, value: Any) -> Tensor | None:
    """A tensor of the value at a place of the batch, which an error names."""
    try:
        return _tensor(name, value)
    except NotStackable as failed:
        failed.place = place
        raise


def _tensor(name: str, value: Any) -> Tensor | None:
    """A tensor of a value that torch can stack; None for other values."""
    if isinstance(value, Tensor):
        return value if type(value) is Tensor else value.as_subclass(Tensor)
    if isinstance(value, np.ndarray):
        return _of_array(value) if value.dtype.kind in "biufc" else None
    if isinstance(value, _NUMBERS):
        return _numbers(name, [value])[0]
    if isinstance(value, (list, tuple)) and value:
        return _tensor_of_list(name, value)
    return None


def _of_array(array: NDArray[Any]) -> Tensor:
    """A tensor of an array, which is copied where torch does not accept its memory."""
    if array.flags.writeable and array.dtype.isnative and all(stride >= 0 for stride in array.strides):
        return torch.from_numpy(array)
    return torch.from_numpy(np.array(array, array.dtype.newbyteorder("="), order="C"))


def _tensor_of_list(name: str, values: Sequence[Any]) -> Tensor | None:
    """A tensor of a list of numbers, or of lists of equal lengths; None if it has anything else."""
    if all(isinstance(value, _NUMBERS) for value in values):
        return _numbers(name, list(values))
    tensors = [_tensor(name, value) for value in values]
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
