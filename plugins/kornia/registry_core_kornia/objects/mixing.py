"""Augmentations of kornia that mix samples of a batch, with targets that reflect the visible fractions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from kornia.geometry.bbox import bbox_to_mask
from torch import Tensor, nn
from torch.nn.functional import one_hot

from registry_core.diagnostics import DataError
from registry_core_kornia.declaring import KorniaTransform
from registry_core_kornia.objects.adapters import OnBatch, Rearranged, alike, is_spatial, refuse_boxes

Shares = list[tuple[Tensor, Tensor]]
"""Indices of the other samples [batch] and their visible fractions [batch], on the CPU."""


class Mixing(OnBatch):
    """Base class of mixing: targets become weighted sums of those of the visible samples."""

    def __init__(self, declared: KorniaTransform, module: nn.Module, num_classes: int) -> None:
        super().__init__(declared, module)
        self.num_classes = num_classes

    def changed(self, batch: Mapping[str, Any], images: Tensor) -> dict[str, Any]:
        """Return mixed images and targets, float32 [batch, classes]."""
        params = self.module.forward_parameters(images.shape)
        given: Tensor = batch["target"]
        vectors = (one_hot(given, self.num_classes) if given.ndim == 1 else given).to(torch.float32)
        drawn = params["batch_prob"].to(torch.float32)
        rest, others = torch.ones_like(drawn), torch.zeros_like(vectors)
        for pairs, share in self.shares(params, images):
            seen = share.to(torch.float32) * drawn
            rest = rest - seen
            others += vectors[pairs.to(vectors.device)] * seen.to(vectors.device)[:, None]
        return {"input": self.applied(images, params), "target": vectors * rest.to(vectors.device)[:, None] + others}

    @abstractmethod
    def shares(self, params: Mapping[str, Tensor], images: Tensor) -> Shares:
        """Return the visible fractions of other samples in each sample."""


class RandomMixUpV2(Mixing):
    """Weighted means of two images."""

    def shares(self, params: Mapping[str, Tensor], images: Tensor) -> Shares:
        """Return the weight of the other image."""
        return [(params["mixup_pairs"], params["mixup_lambdas"])]


class RandomCutMixV2(Mixing):
    """Images with rectangles of others; the last one is on top."""

    def shares(self, params: Mapping[str, Tensor], images: Tensor) -> Shares:
        """Return the fraction of the pixels that show each of the other images."""
        height, width = images.shape[-2:]
        covered = torch.zeros(images.shape[0], height, width, dtype=torch.bool)
        found: Shares = []
        for pairs, corners in reversed(list(zip(params["mix_pairs"], params["crop_src"], strict=True))):
            rectangle = bbox_to_mask(corners, width, height).bool()
            found.append((pairs, (rectangle & ~covered).flatten(1).to(torch.float32).mean(1)))
            covered |= rectangle
        return found


class PatchMix(Mixing):
    """Images with a square of another image."""

    def shares(self, params: Mapping[str, Tensor], images: Tensor) -> Shares:
        """Return the fraction of the pixels that show the other image."""
        part = self.module.patch_size**2 / (images.shape[-2] * images.shape[-1])
        return [(params["mix_pairs"], torch.full((images.shape[0],), part))]


class Mosaic(Rearranged):
    """Images composed of several images, with their class maps."""

    def changed(self, batch: Mapping[str, Any], images: Tensor) -> dict[str, Any]:
        """Return images and class maps; raise DataError if the targets are not class maps."""
        need_maps(batch, images, self.declared.name)
        return super().changed(batch, images)


class Transplantation(OnBatch):
    """Images with pixels of other images, with their class maps."""

    def changed(self, batch: Mapping[str, Any], images: Tensor) -> dict[str, Any]:
        """Return images and class maps; raise DataError if the targets are not class maps."""
        need_maps(batch, images, self.declared.name)
        refuse_boxes(batch, self.declared.name)
        moved, maps = self.module(images, batch["target"], data_keys=["input", "mask"])
        return {"input": alike(moved, images), "target": maps}


def need_maps(batch: Mapping[str, Any], images: Tensor, name: str) -> None:
    """Raise DataError if the targets are not class maps [batch, height, width]."""
    target = batch.get("target")
    if not (is_spatial(target, images) and isinstance(target, Tensor) and target.ndim == 3):
        message = f"{name} expects class maps [batch, height, width] of the size of the images as targets."
        raise DataError(f"{message} Remove {name}, or use a dataset for segmentation.")
