"""What data sets of images with a class each share."""

from __future__ import annotations

from registry_core.components import DataFacts, Dataset, Image

DIGITS = tuple("0123456789")


class Classified(Dataset):
    """What data sets of images with one class each share."""

    @staticmethod
    def class_facts(
        length: int,
        image: Image | None,
        classes: int | None = None,
        class_names: tuple[str, ...] = (),
        largest_label: int | None = None,
    ) -> DataFacts:
        """The facts of images with class numbers."""
        return DataFacts(length, image, classes, class_names, "class_indices", ("input", "target"), largest_label)
