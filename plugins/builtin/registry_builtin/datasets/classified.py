"""Base of data sets for classification."""

from __future__ import annotations

from typing import Any, Self

from pydantic import PrivateAttr

from registry_core.components import DataFacts, Dataset, Image
from registry_core.components.forms import Aspect

DIGITS = tuple("0123456789")

READ: frozenset[Aspect] = frozenset({"handedness", "upright"})
"""Aspects that decide targets which are read from an image, such as digits and letters."""


class Classified(Dataset):
    """Base of data sets whose images have one class each."""

    _keeps_faulty: bool = PrivateAttr(default=False)

    def keeping_faulty(self) -> Self:
        """Return the same data set for `lenient`; a declaration looks at ``_keeps_faulty`` for what it refuses."""
        kept = self.model_copy()
        for name in ("cached_facts", "lenient"):
            vars(kept).pop(name, None)
        kept._keeps_faulty = True
        return kept

    @staticmethod
    def class_facts(
        length: int,
        image: Image | None,
        classes: int | None = None,
        class_names: tuple[str, ...] = (),
        **others: Any,
    ) -> DataFacts:
        """Return the facts of images with class indices as targets; ``others`` are more of them."""
        entries = ("input", "target")
        return DataFacts(length, image, classes, class_names, "class_indices", entries, **others)
