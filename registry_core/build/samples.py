"""Samples on their way to a batch: transforms with their random numbers, and collation."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torchvision.tv_tensors import BoundingBoxes

from registry_core.build.checked import build
from registry_core.components import Draws, Transform, stream_key
from registry_core.components.transform import Randomness
from registry_core.errors import BrokenComponent, DataError, RegistryError

Sample = dict[str, Any]
Batch = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Step:
    """One built transform; without its declaration: one made of a signature cannot be sent to a worker process."""

    label: str
    built: Callable[..., Any]
    random: Randomness
    takes_image_only: bool
    key: int

    def __call__(self, sample: Sample, draws: Draws) -> Sample:
        if self.random == "counter":
            return dict(self.built(sample, draws))
        given = sample["input"] if self.takes_image_only else sample
        if self.random == "generators":
            with seeded_generators(draws.seed()):
                result = self.built(given)
        else:
            result = self.built(given)
        return {**sample, "input": result} if self.takes_image_only else dict(result)


class SampleTransforms:
    """The transforms of a section, applied to one sample as a pure function of (seed, epoch, sample index)."""

    def __init__(self, transforms: tuple[Transform, ...], seed: int, purpose: str) -> None:
        self.steps = [
            _Step(
                label=transform.full_name,
                built=build(transform, transform.build),
                random=transform.random,
                takes_image_only=transform.takes_image_only,
                key=stream_key(seed, f"{purpose}[{place}]"),
            )
            for place, transform in enumerate(transforms)
        ]

    def __call__(self, sample: Sample, epoch: int, index: int) -> Sample:
        """The sample after all transforms, in this epoch and under this number."""
        for step in self.steps:
            try:
                sample = step(sample, Draws(step.key, epoch, index))
            except RegistryError:
                raise
            except Exception as error:  # a plugin may raise anything
                reason = f"{type(error).__name__}: {error}"
                raise BrokenComponent(f"The {step.label} failed on sample {index}: {reason}.") from error
        return sample


@contextmanager
def seeded_generators(seed: int) -> Iterator[None]:
    """Seed the global generators of torch (CPU), NumPy and Python inside, and put them back afterwards."""
    saved = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which would seed the device's generator too
    np.random.seed([seed & 0xFFFFFFFF, seed >> 32])
    random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(saved[0])
        np.random.set_state(saved[1])
        random.setstate(saved[2])


def as_sample(found: Any, dataset: str, index: int) -> Sample:
    """What a data set gave, as a sample: a mapping, or a pair in torch's convention."""
    if isinstance(found, Mapping):
        return dict(found)
    if isinstance(found, tuple) and len(found) == 2:
        return {"input": found[0], "target": found[1]}
    message = f"The dataset {dataset!r} gave a {type(found).__name__} as sample {index}."
    raise BrokenComponent(f"{message} A sample is a mapping with `input` and `target`.")


def check_class(sample: Sample, classes: int | None, section: str, index: int) -> None:
    """Raise DataError if a class index is outside the classes of the model."""
    target = sample.get("target")
    if classes is not None and isinstance(target, int) and not 0 <= target < classes:
        message = f"Sample {index} of data.{section} has the label {target}, outside the classes 0 to {classes - 1}."
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
