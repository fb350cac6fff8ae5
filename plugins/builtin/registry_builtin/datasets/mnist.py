"""Data sets in the file format of MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.datasets.classified import DIGITS, READ, Classified
from registry_builtin.datasets.idx_file import CLASSES, IdxFile, check_labels, find_split, read_values
from registry_core.components import DataFacts, Dataset, Image, Inventory, Sources
from registry_core.components.target import load_target
from registry_core.components.types import InputPath


class Mnist(Classified):
    """Handwritten digits of 28 x 28 pixels in IDX files, plain or gzip.

    Samples: `input`, a Pillow image of mode L, 28 x 28, values 0 to 255; `target`, the digit 0 to 9. The files are
    `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and `t10k-...` for the split test, each with or without `.gz`.
    Other data in the same files, such as Fashion-MNIST, can be read as well. DataError: a file is missing or damaged.
    Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".
    """

    target = "registry_builtin.objects.idx:Mnist"
    example: ClassVar[Mapping[str, Any]] = {"root": "data/mnist", "split": "train"}

    root: InputPath = Field(description="Folder that contains the four files.")
    split: Literal["train", "test"] = Field(default="train", description="Split to use.")

    @cached_property
    def lenient(self) -> Dataset:
        """The same with images whose label is no digit."""
        return self.keeping_faulty()

    def arguments(self) -> dict[str, Any]:
        """Return the parameters, and whether labels are checked."""
        return {**super().arguments(), "checked": not self._keeps_faulty}

    def facts(self) -> DataFacts:
        """Return length and image size from the headers; checks every label."""
        images, labels = find_split(self.root, self.split)
        if not self._keeps_faulty:
            check_labels(labels, read_values(labels), CLASSES)
        return self._facts(images)

    def inventory(self) -> Inventory:
        """Return all images, including those with an invalid label."""
        images, _ = find_split(self.root, self.split)
        return Inventory(load_target(self.target)(**self.keeping_faulty().arguments()), self._facts(images))

    def _facts(self, images: IdxFile) -> DataFacts:
        length, height, width = images.shape
        image = Image("pil", channels=1, height=height, width=width)
        facts = self.class_facts(length, image, len(DIGITS), DIGITS)
        clothes = any(word in str(self.root).lower() for word in _CLOTHES)
        file = images.path.stat()
        sources = Sources({(file.st_dev, file.st_ino): length})
        return replace(facts, target_depends_on=frozenset() if clothes else READ, one_size=True, sources=sources)


_CLOTHES = ("fashion", "fmnist")
"""Words in the path of Fashion-MNIST, whose files have the same names, and whose images may be mirrored."""
