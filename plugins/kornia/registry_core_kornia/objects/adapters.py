"""Adapters that call augmentations of kornia with a batch, a mapping, and return a new one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from kornia.constants import Resample
from torch import Tensor, nn

from registry_core.components import CheckFailed, Image
from registry_core.components.facts import Form
from registry_core.components.uncovering import UncoveringTransform
from registry_core.diagnostics import DataError
from registry_core_kornia.declaring import KorniaTransform


class OnBatch(ABC):
    """Base class: checks images with `infer_image` of the declaration, and keeps their memory layout."""

    def __init__(self, declared: KorniaTransform, module: nn.Module) -> None:
        self.declared = declared
        self.module: Any = module  # kornia has no common base class with the methods called here
        self.checked: tuple[int, ...] = ()
        """Channels, height and width of the images that were checked last."""

    @torch.no_grad()
    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Return the batch with changed images; raise DataError if they are not supported."""
        images: Tensor = batch["input"]
        if self.checked != images.shape[1:]:
            self._check(images)
            self.checked = tuple(images.shape[1:])
        with repeatable_sums() if self.declared.sums_whole_numbers else unchanged():
            return {**batch, **self.changed(batch, images)}

    @abstractmethod
    def changed(self, batch: Mapping[str, Any], images: Tensor) -> dict[str, Any]:
        """Return the changed entries of the batch."""

    def applied(self, images: Tensor, params: Any, **flags: Any) -> Tensor:
        """Return the images changed according to ``params``, with the same memory layout."""
        return alike(self.module(images, params=params, **flags), images)

    def _check(self, images: Tensor) -> None:
        channels, height, width = images.shape[1:]
        form: Form = "float" if images.is_floating_point() else "uint8"
        try:
            self.declared.infer_image(Image(form, channels, height, width, low=None, high=None))
        except CheckFailed as failed:
            raise DataError(f"{failed.message} {failed.remedy}") from None


class OnImages(OnBatch):
    """An augmentation that changes the values of ``input``, and of other images of that shape in the same way.

    Float tensors of the shape of ``input`` are images, except for ``target``.
    """

    def changed(self, batch: Mapping[str, Any], images: Tensor) -> dict[str, Any]:
        """Return the images, all changed in the same way."""
        params = self.module.forward_parameters(images.shape)
        others = [name for name, value in batch.items() if name not in ("input", "target") and is_like(value, images)]
        return {name: self.applied(batch[name], params) for name in ("input", *others)}


class OnImagesAndMasks(OnBatch):
    """An augmentation that moves the pixels of ``input`` and of all images and masks of its height and width.

    Tensors [batch, height, width] or [batch, channels, height, width] are images if they are floats of the shape of
    ``input``, otherwise maps. Integer maps are masks, with nearest interpolation, and get ``mask_fill`` outside of the
    image; other maps get 0.
    """

    def __init__(self, declared: KorniaTransform, module: nn.Module, mask_flags: Mapping[str, float | str]) -> None:
        super().__init__(declared, module)
        self.mask_flags = dict(mask_flags)
        self.mask_fill = (declared.mask_fill if isinstance(declared, UncoveringTransform) else None) or 0

    def changed(self, batch: Mapping[str, Any], images: Tensor) -> dict[str, Any]:
        """Return the images and masks, moved together; raise DataError if there are boxes, which are not supported."""
        self.check_entries(batch)
        params = self.module.forward_parameters(images.shape)
        made = {"input": self.applied(images, params)}  # first, because it stores the matrix that moves the masks
        for name, value in batch.items():
            if name != "input" and is_spatial(value, images):
                made[name] = self._moved(value, images, params)
        return made

    def check_entries(self, batch: Mapping[str, Any]) -> None:
        """Raise DataError if an entry should move with the images but is not supported."""
        refuse_boxes(batch, self.declared.name)

    def _moved(self, value: Tensor, images: Tensor, params: Any) -> Tensor:
        planes = value if value.ndim == 4 else value[:, None]
        if is_like(value, images):
            return self.applied(value, params)
        if value.is_floating_point():
            moved = self.applied(planes, params, **self._flags("resample"))
        else:
            fill = 0 if value.dtype == torch.bool else self.mask_fill
            numbers = planes.to(torch.promote_types(images.dtype, torch.float32))  # represents class indices exactly
            moved = (self.moved_masks(numbers - fill, params) + fill).to(value.dtype)  # kornia itself fills with 0
        return moved if value.ndim == 4 else moved[:, 0]

    def moved_masks(self, planes: Tensor, params: Any) -> Tensor:
        """Return float masks [batch, channels, height, width], with 0 outside of the image."""
        matrix = getattr(self.module, "transform_matrix", None)
        given = {} if matrix is None else {"transform": matrix.to(planes.dtype)}
        moved: Tensor = self.module.transform_masks(
            planes, params=params, flags=self.module.flags, **given, **self._flags()
        )
        return moved

    def _flags(self, *without: str) -> dict[str, Any]:
        """Return the flags of maps in the form that kornia parses them to, without some."""
        known: dict[str, Callable[[Any], Any]] = {"resample": Resample.get, "fill_value": torch.tensor}
        flags = {name: flag for name, flag in self.mask_flags.items() if name not in without}
        return {name: known[name](flag) if name in known else flag for name, flag in flags.items()}


class Erased(OnImagesAndMasks):
    """An augmentation that erases pixels, so that boxes need not move."""

    def check_entries(self, batch: Mapping[str, Any]) -> None:
        """Accept all entries: nothing has moved."""


class ImagesWithoutMasks(OnImages):
    """An augmentation that may move pixels, but always interpolates, so that masks are not supported."""

    def changed(self, batch: Mapping[str, Any], images: Tensor) -> dict[str, Any]:
        """Return the images; raise DataError if there are masks or boxes, which would have to move with them."""
        refuse_boxes(batch, self.declared.name)
        for name, value in batch.items():
            if name != "input" and is_spatial(value, images) and not is_like(value, images):
                message = f"{self.declared.name} cannot move the entry {name!r} with the images."
                raise DataError(f"{message} Use kornia_random_affine or kornia_random_elastic_transform.")
        return super().changed(batch, images)


class Rearranged(OnImagesAndMasks):
    """An augmentation that rearranges pixels without interpolation, so that masks are treated as images."""

    def moved_masks(self, planes: Tensor, params: Any) -> Tensor:
        """Return float masks [batch, channels, height, width]."""
        moved: Tensor = self.module(planes, params=params)
        return moved


def is_like(value: Any, images: Tensor) -> bool:
    """Return True for a float tensor of the shape of the images."""
    return isinstance(value, Tensor) and value.is_floating_point() and value.shape == images.shape


def is_spatial(value: Any, images: Tensor) -> bool:
    """Return True for a tensor with one or more values for each pixel of the images."""
    if not isinstance(value, Tensor) or value.ndim not in (3, 4):
        return False
    same: bool = value.shape[0] == images.shape[0] and value.shape[-2:] == images.shape[-2:]
    return same


def refuse_boxes(batch: Mapping[str, Any], name: str) -> None:
    """Raise DataError if an entry is a list of boxes: float tensors [boxes, 4]."""
    for entry, value in batch.items():
        if isinstance(value, list) and value and all(isinstance(one, Tensor) and _are_boxes(one) for one in value):
            message = f"{name} moves the images of a batch, but cannot move the boxes {entry!r} with them."
            raise DataError(f"{message} Use a transform of single samples in transforms, or omit the boxes.")


def _are_boxes(value: Tensor) -> bool:
    return value.ndim == 2 and value.shape[1] == 4


def alike(made: Tensor, given: Tensor) -> Tensor:
    """Return a tensor with the memory layout of another one."""
    last = not given.is_contiguous() and given.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if last else torch.contiguous_format
    return made.contiguous(memory_format=layout)


@contextmanager
def repeatable_sums() -> Iterator[None]:
    """Allow operations that torch considers nondeterministic on CUDA: sums of integers, medians.

    A sum of integers is exact in any order, and the value of a median is unique, so the bits are always the same.
    """
    enabled, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)


@contextmanager
def unchanged() -> Iterator[None]:
    """Change nothing."""
    yield
