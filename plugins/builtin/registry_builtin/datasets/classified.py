"""Base of data sets for classification."""

from __future__ import annotations

from registry_core.components import DataFacts, Dataset, Image
from registry_core.components.forms import Aspect

DIGITS = tuple("0123456789")

READ: frozenset[Aspect] = frozenset({"handedness", "upright"})
"""Aspects that decide targets which are read from an image, such as digits and letters."""


class Classified(Dataset):
    """Base of data sets whose images have one class each."""

    @staticmethod
    def class_facts(
        length: int,
        image: Image | None,
        classes: int | None = None,
        class_names: tuple[str, ...] = (),
        largest_label: int | None = None,
    ) -> DataFacts:
        """Return the facts of images with class indices as targets."""
        return DataFacts(length, image, classes, class_names, "class_indices", ("input", "target"), largest_label)
