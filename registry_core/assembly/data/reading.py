"""Reading: samples of a data set as mappings, also from torch's pairs, with class indices in range."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry_core.assembly.data.transforms import Sample
from registry_core.components.dataset import describe_sample
from registry_core.config.models import Section
from registry_core.diagnostics import BrokenComponent, DataError, RegistryError
from registry_core.diagnostics.foreign_code import failure, pass_interrupt
from registry_core.registry.blame import origin_in


@dataclass(frozen=True)
class Reader:
    """Reads the samples of a section; worker processes get a copy."""

    section: Section
    name: str
    """The name of the data set."""
    dataset: Any
    num_classes: int | None = None
    """The number that class indices must be below; None: they are not checked."""
    ignored_classes: frozenset[int] = frozenset()
    """Values among them that mean no class."""

    def __len__(self) -> int:
        return len(self.dataset)

    def __call__(self, index: int) -> Sample:
        """A sample of the data set; errors name the data set, the sample and the keys in the file."""
        try:
            sample = self._mapping(self.dataset[index], index)
            self._check_class(sample, index)
        except RegistryError as error:
            error.at("data", self.section, "dataset")
            raise
        except BaseException as error:  # a plugin may raise anything; a context manager would slow down every sample
            pass_interrupt(error)
            failed = failure(f"The dataset {self.name!r}{origin_in(error)} failed on sample {index}", error)
            raise failed.at("data", self.section, "dataset") from error
        return sample

    def named(self, index: int) -> str:
        """A sample in words, for the beginning of a sentence."""
        where = describe_sample(self.dataset, index)
        return f"Sample {index} of data.{self.section}{f', {where},' if where else ''}"

    def told(self, index: int) -> str:
        """A sentence that names a sample and its origin; empty without a data set, as for a file to predict."""
        if not len(self):
            return ""
        where = describe_sample(self.dataset, index)
        return f"The sample is data.{self.section}[{index}]{f', {where}' if where else ''}."

    def _mapping(self, found: Any, index: int) -> Sample:
        """The sample as a mapping; the first item of a torch pair is the input."""
        if isinstance(found, Mapping):
            return dict(found)
        if isinstance(found, tuple) and len(found) == 2:
            return {"input": found[0], "target": found[1]}
        message = f"The dataset {self.name!r} returned a {type(found).__name__} as sample {index}."
        raise BrokenComponent(message, "Return a mapping with `input` and `target`.")

    def _check_class(self, sample: Sample, index: int) -> None:
        classes = self.num_classes
        label = None if classes is None else class_number(sample.get("target"))
        if classes is None or label is None or 0 <= label < classes or label in self.ignored_classes:
            return
        message = f"{self.named(index)} has the label {label}, outside the classes 0 to {classes - 1}."
        raise DataError(message, "Correct the label or the model's number of classes.")


def class_number(target: Any) -> int | None:
    """The value of a target that is one integer, of Python, NumPy or torch; else None."""
    try:
        return operator.index(target)
    except (TypeError, ValueError, RuntimeError):  # torch raises any of them
        return None
