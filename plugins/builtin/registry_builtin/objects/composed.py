"""Samples composed of the images of another data set.

All draws are counter-based: a sample is a function of the seed, its index and the inner data set alone. The order of
the draws is part of the definition of these data sets; changing it changes their samples.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from registry_core.components import Draws, stream_key
from registry_core.components.dataset import describe_sample
from registry_core.diagnostics import DataError


class Composed(Dataset[dict[str, Any]]):
    """Base of composed data sets: each sample is made from its own draws; length None means that of the inner one."""

    purpose: ClassVar[str]
    """Purpose of the draws: data sets of different purposes with the same seed draw different numbers."""

    def __init__(self, dataset: Any, seed: int, length: int | None) -> None:
        if len(dataset) == 0:
            raise DataError(f"The inner data set of {self.purpose} is empty.", "Use a data set with samples.")
        self.dataset = dataset
        self.length = len(dataset) if length is None else length
        self.key = stream_key(seed, f"dataset/{self.purpose}")

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        number = range(self.length)[index]
        return self.composed(number, Draws(self.key, 0, number))

    def composed(self, number: int, draws: Draws) -> dict[str, Any]:
        """Return the sample with this index."""
        raise NotImplementedError

    def source(self, number: int) -> int | None:
        """Return the index of the inner sample that becomes `input`, if there is exactly one."""
        return None

    def describe_sample(self, index: int) -> str:
        """Describe the origin of `input`."""
        source = self.source(index)
        return "" if source is None else describe_sample(self.dataset, source)

    def labelled(self, number: int) -> tuple[PIL.Image.Image, int]:
        """Return image and class index of a sample of the inner data set."""
        found = self.dataset[number]
        image, label = (found["input"], found["target"]) if isinstance(found, Mapping) else found
        if not isinstance(image, PIL.Image.Image):
            message = f"Sample {number} of the inner data set of {self.purpose} has a {type(image).__name__} as input."
            raise DataError(message, "Use a data set of Pillow images.")
        return image, self.class_number(label, number)

    def class_number(self, label: Any, number: int) -> int:
        """Return the label as an integer; DataError if it is not a class index."""
        try:
            found = operator.index(label)
        except TypeError:
            found = -1
        if found < 0:
            message = f"Sample {number} of the inner data set of {self.purpose} has the target {label!r},"
            raise DataError(f"{message} which is not a class index.", "Use a data set for classification.")
        return found


class _Related(Composed):
    """Base of samples of several images that share a class or do not."""

    def __init__(self, dataset: Any, seed: int, length: int | None) -> None:
        super().__init__(dataset, seed, length)
        labels = getattr(dataset, "targets", None)
        if labels is None:  # a plain data set need not have an attribute for its classes
            labels = [self.labelled(number)[1] for number in range(len(dataset))]
        self.labels: NDArray[np.int64] = np.asarray(labels, dtype=np.int64)
        self.by_class = np.argsort(self.labels, kind="stable")
        """Indices of all samples, grouped by class."""
        self.ordered = self.labels[self.by_class]
        self.place = np.argsort(self.by_class)
        """Position of each sample in ``by_class``."""
        classes, sizes = np.unique(self.labels, return_counts=True)
        if len(classes) < 2:
            message = f"All samples of the inner data set of {self.purpose} have the class {classes[0]}."
            raise DataError(message, "Use data with two or more classes.")
        if sizes.min() < 2:
            message = (
                f"The class {classes[sizes.argmin()]} has only one sample, but {self.purpose} require at least two."
            )
            raise DataError(message, "Remove the class, or add samples.")

    def source(self, number: int) -> int:
        """Return each sample in turn."""
        return number % len(self.labels)

    def _class_block(self, number: int) -> tuple[int, int]:
        label = self.labels[number]
        return int(np.searchsorted(self.ordered, label)), int(np.searchsorted(self.ordered, label, side="right"))

    def same(self, number: int, draws: Draws) -> int:
        """Return another sample of the same class, chosen uniformly."""
        start, end = self._class_block(number)
        place = start + draws.integer(end - start - 1)
        return int(self.by_class[place + (place >= self.place[number])])

    def different(self, number: int, draws: Draws) -> int:
        """Return a sample of another class, chosen uniformly."""
        start, end = self._class_block(number)
        place = draws.integer(len(self.labels) - (end - start))
        return int(self.by_class[place + (end - start) * (place >= start)])


class Pairs(_Related):
    """Two images, labelled by whether their classes agree, or by which class index is larger."""

    purpose = "pairs"

    def __init__(self, dataset: Any, seed: int, length: int | None, targets: str) -> None:
        super().__init__(dataset, seed, length)
        self.of_order = targets == "order"

    def composed(self, number: int, draws: Draws) -> dict[str, Any]:
        """Return a pair; half of them share a class, alternating from one pass over the data to the next."""
        rounds, first = divmod(number, len(self.labels))
        if self.of_order:
            second = self.different(first, draws)
            target = 1.0 if self.labels[first] > self.labels[second] else -1.0
        else:
            alike = (first + rounds) % 2 == 0
            second = self.same(first, draws) if alike else self.different(first, draws)
            target = 1.0 if alike else -1.0
        return {"input": self.labelled(first)[0], "second": self.labelled(second)[0], "target": target}


class Triplets(_Related):
    """An image, another image of its class, and an image of another class."""

    purpose = "triplets"

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class index of every sample."""
        return self.labels[np.arange(self.length) % len(self.labels)]

    def composed(self, number: int, draws: Draws) -> dict[str, Any]:
        """Return a triplet; each image is the anchor in turn."""
        anchor = number % len(self.labels)
        image, label = self.labelled(anchor)
        positive = self.labelled(self.same(anchor, draws))[0]
        negative = self.labelled(self.different(anchor, draws))[0]
        return {"input": image, "positive": positive, "negative": negative, "target": label}


class Rotated(Composed):
    """Images rotated by an angle, which is the target."""

    purpose = "rotated images"

    def __init__(self, dataset: Any, seed: int, length: int | None, degrees: float, unit: str) -> None:
        super().__init__(dataset, seed, length)
        self.degrees = degrees
        self.unit = unit

    def source(self, number: int) -> int:
        """Return each sample in turn."""
        return number % len(self.dataset)

    def composed(self, number: int, draws: Draws) -> dict[str, Any]:
        """Return a rotated image; each image is used in turn."""
        image, _ = self.labelled(self.source(number))
        angle = draws.uniform(-self.degrees, self.degrees)
        turned = image.rotate(angle, resample=PIL.Image.Resampling.BILINEAR)
        return {"input": turned, "target": torch.tensor(self._written(angle), dtype=torch.float32)}

    def _written(self, degrees: float) -> list[float]:
        radians = math.radians(degrees)
        if self.unit == "sin_cos":
            return [math.sin(radians), math.cos(radians)]
        return [degrees if self.unit == "degrees" else radians]
