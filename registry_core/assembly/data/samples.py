"""Samples on their way to a batch: transforms with their random numbers, and collation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torchvision.tv_tensors import BoundingBoxes

from registry_core.assembly.data.steps import Batch, Moment, Sample, Step
from registry_core.components import Transform, stream_key
from registry_core.components.dataset import describe_sample
from registry_core.diagnostics import BrokenComponent, DataError

__all__ = ["Batch", "BatchTransforms", "Sample", "SampleTransforms", "as_sample", "check_class", "collate"]


class SampleTransforms:
    """The transforms of a section, applied to one sample as a pure function of (seed, epoch, sample index)."""

    def __init__(self, transforms: tuple[Transform, ...], seed: int, purpose: str) -> None:
        self.steps = [Step.of(each, stream_key(seed, f"{purpose}[{place}]")) for place, each in enumerate(transforms)]
        self.views = math.prod(step.views for step in self.steps)
        """How many samples they make of one."""

    def __call__(self, sample: Sample, epoch: int, index: int) -> Sample:
        """The sample after all transforms, in this epoch and under this number; of several views the first."""
        return self.all_views(sample, epoch, index)[0]

    def all_views(self, sample: Sample, epoch: int, index: int) -> list[Sample]:
        """All views of a sample after all transforms; mostly there is one."""
        views = [sample]
        for step in self.steps:
            views = self.stepped(step, views, epoch, index)
        return views

    @staticmethod
    def stepped(step: Step, views: list[Sample], epoch: int, index: int) -> list[Sample]:
        """The views of a sample after one of the transforms, each with random numbers of its own."""
        return [made for view, each in enumerate(views) for made in step.each(each, Moment(epoch, index, view))]


class BatchTransforms:
    """Batch transforms of a section, applied as a pure function of (seed, epoch, batch number)."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps

    @classmethod
    def of(cls, transforms: tuple[Transform, ...], seed: int, purpose: str) -> tuple[BatchTransforms, BatchTransforms]:
        """Those that are applied where batches are loaded, and those that are applied on the device, which follow."""
        steps = [Step.of(each, stream_key(seed, f"{purpose}[{place}]")) for place, each in enumerate(transforms)]
        return cls([step for step in steps if not step.on_device]), cls([step for step in steps if step.on_device])

    def __call__(self, batch: Batch, epoch: int, number: int) -> Batch:
        """The batch after all of them."""
        if not self.steps:
            return batch
        with torch.no_grad():
            for step in self.steps:
                batch = step(batch, Moment(epoch, number))
        return batch


def as_sample(found: Any, dataset: str, index: int) -> Sample:
    """What a data set gave, as a sample: a mapping, or a pair in torch's convention."""
    if isinstance(found, Mapping):
        return dict(found)
    if isinstance(found, tuple) and len(found) == 2:
        return {"input": found[0], "target": found[1]}
    message = f"The dataset {dataset!r} gave a {type(found).__name__} as sample {index}."
    raise BrokenComponent(f"{message} A sample is a mapping with `input` and `target`.")


def check_class(sample: Sample, classes: int | None, section: str, index: int, dataset: Any = None) -> None:
    """Raise DataError, with where the data set has the sample from, if a class number is outside of the model's."""
    target = sample.get("target")
    if classes is not None and isinstance(target, int) and not 0 <= target < classes:
        where = describe_sample(dataset, index)
        named = f"Sample {index} of data.{section}{f', {where},' if where else ''}"
        message = f"{named} has the label {target}, outside the classes 0 to {classes - 1}."
        raise DataError(f"{message} Correct the label, or the model's number of classes.")


def collate(samples: list[Sample], section: str) -> Batch:
    """A batch: tensors are stacked, whole numbers become int64, others float32; boxes and the rest are listed."""
    try:
        return {name: _stack([sample[name] for sample in samples]) for name in samples[0]}
    except KeyError as error:
        raise DataError(f"Some samples of data.{section} have no {error}. All samples need the same entries.") from None
    except (RuntimeError, TypeError, ValueError) as error:
        message = f"The samples of data.{section} do not make a batch: {error}."
        raise DataError(f"{message} Images of one size are needed: add resize, or a crop.") from error


def _stack(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, BoundingBoxes):  # images have different numbers of them
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
