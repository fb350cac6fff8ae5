"""Digits data set included in the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.datasets.classified import DIGITS, READ, Classified
from registry_core.components import DataFacts, Image, Sources


class Digits(Classified):
    """1,797 handwritten digits of 8 x 8 pixels, included in the package.

    Samples: `input`, a Pillow image of mode L, 8 x 8, values 0 to 255 (0 to 16 in the source, converted by value * 255
    // 16); `target`, the digit 0 to 9. Every fifth image (4, 9, 14, ...) belongs to val: 359 images, leaving 1,438 for
    train. Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
    1998, https://doi.org/10.24432/C50P49, licence CC BY 4.0; the images of sklearn.datasets.load_digits.
    """

    target = "registry_builtin.objects.digits:Digits"
    example: ClassVar[Mapping[str, Any]] = {"split": "train"}

    split: Literal["train", "val", "all"] = Field(default="train", description="Split to use.")

    def facts(self) -> DataFacts:
        """Return the facts of the split; nothing is read."""
        splits = {"train": 1438, "val": 359}
        read = {("digits", name): count for name, count in splits.items() if self.split in (name, "all")}
        image = Image("pil", channels=1, height=8, width=8)
        facts = self.class_facts(sum(read.values()), image, len(DIGITS), DIGITS)
        return replace(facts, target_depends_on=READ, one_size=True, sources=Sources(read))
