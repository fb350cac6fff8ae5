"""Images of another data set combined on one canvas, with targets that describe its content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor
from torchvision import tv_tensors

from registry_builtin.objects.composed import Composed
from registry_core.components import Draws
from registry_core.diagnostics import DataError


@dataclass(frozen=True)
class Placed:
    """An image of the inner data set, its class index, and the position of its upper left corner."""

    image: PIL.Image.Image
    label: int
    left: int
    top: int


class Scene(Composed):
    """A black canvas of cells, each larger than an image by ``shift`` pixels, which may contain an image."""

    def __init__(
        self, dataset: Any, seed: int, length: int | None, size: tuple[int, int] | None, cells: tuple[int, int],
        shift: int, least: int, most: int,
    ) -> None:  # fmt: skip
        super().__init__(dataset, seed, length)
        first = self.labelled(0)[0]
        self.mode = first.mode
        self.resized = size is not None
        self.size = size or (first.height, first.width)
        self.cells = cells
        self.shift = shift
        self.least, self.most = least, most
        self.height, self.width = (n * (side + shift) for n, side in zip(cells, self.size, strict=True))

    def composed(self, number: int, draws: Draws) -> dict[str, Any]:
        """Draw the number of images, then for each its cell, its index, and its offset from left and top."""
        count = self.least + draws.integer(self.most - self.least + 1)
        free = list(range(self.cells[0] * self.cells[1]))
        placed = [self._placed(self.next_cell(free, draws), draws) for _ in range(count)]
        canvas = PIL.Image.new(self.mode, (self.width, self.height))
        for one in placed:
            canvas.paste(one.image, (one.left, one.top))
        return {"input": canvas, **self.described(placed)}

    def next_cell(self, free: list[int], draws: Draws) -> int:
        """Remove a cell from the free ones and return it."""
        return free.pop(draws.integer(len(free)))

    def described(self, placed: list[Placed]) -> dict[str, Any]:
        """Return the entries that describe the canvas."""
        raise NotImplementedError

    def _placed(self, cell: int, draws: Draws) -> Placed:
        number = draws.integer(len(self.dataset))
        image, label = self.labelled(number)
        height, width = self.size
        if self.resized:
            image = image.resize((width, height), PIL.Image.Resampling.BILINEAR)
        elif (image.height, image.width) != self.size:
            message = (
                f"Sample {number} has {image.height} x {image.width} pixels, but the first one has {height} x {width}."
            )
            raise DataError(message, "Set size to resize all images.")
        row, column = divmod(cell, self.cells[1])
        left = column * (width + self.shift) + draws.integer(self.shift + 1)
        top = row * (height + self.shift) + draws.integer(self.shift + 1)
        return Placed(image, label, left, top)


class Scattered(Scene):
    """Images in random cells; with ``boxes``, a bounding box of the non-black part of each."""

    def __init__(self, *, boxes: bool, **scene: Any) -> None:
        super().__init__(**scene)
        self.boxes = boxes

    def described(self, placed: list[Placed]) -> dict[str, Any]:
        """Return the target, and the boxes if requested."""
        found: dict[str, Any] = {"target": self.target(placed)}
        if self.boxes:
            corners = torch.tensor([_box(one) for one in placed], dtype=torch.float32).reshape(-1, 4)
            canvas = (self.height, self.width)
            found["boxes"] = tv_tensors.BoundingBoxes(corners, format="XYXY", canvas_size=canvas)
        return found

    def target(self, placed: list[Placed]) -> Tensor:
        """Return the target of the canvas."""
        raise NotImplementedError


class MultiLabel(Scattered):
    """Classes that are present on the canvas."""

    purpose = "multi-label images"

    def __init__(self, *, classes: int, targets: str, **scattered: Any) -> None:
        super().__init__(**scattered)
        self.classes = classes
        self.targets_form = targets

    def target(self, placed: list[Placed]) -> Tensor:
        """Return the classes as 0 and 1, as -1 and 1, or as a list of indices."""
        present = sorted({one.label for one in placed})
        if present and present[-1] >= self.classes:
            message = f"An image has the class {present[-1]}, outside the classes 0 to {self.classes - 1}."
            raise DataError(message, "Correct the number of classes.")
        if self.targets_form == "class_lists":
            return torch.tensor(present + [-1] * (self.classes - len(present)), dtype=torch.int64)
        target = torch.zeros(self.classes)
        target[present] = 1.0
        return target * 2 - 1 if self.targets_form == "signs" else target


class Counts(Scattered):
    """Number of images on the canvas."""

    purpose = "counts"

    def target(self, placed: list[Placed]) -> Tensor:
        """Return the number of images as a float."""
        return torch.tensor([float(len(placed))])


class Segmented(Scattered):
    """Class of each pixel."""

    purpose = "segmented images"

    def __init__(self, *, threshold: int, classes: str, **scattered: Any) -> None:
        super().__init__(**scattered)
        self.threshold = threshold
        self.by_class = classes == "each"

    def target(self, placed: list[Placed]) -> Tensor:
        """Return the mask: 0 for the background; pixels at least as bright as the threshold belong to an image."""
        numbers = np.zeros((self.height, self.width), dtype=np.int64)
        height, width = self.size
        for one in placed:
            bright = np.asarray(one.image.convert("L")) >= self.threshold
            window = numbers[one.top : one.top + height, one.left : one.left + width]
            window[bright] = one.label + 1 if self.by_class else 1
        mask: Tensor = tv_tensors.Mask(torch.from_numpy(numbers))
        return mask


class Lines(Scene):
    """Images side by side from the left, with their classes in this order."""

    purpose = "lines"

    def next_cell(self, free: list[int], draws: Draws) -> int:
        """Return the first free cell."""
        return free.pop(0)

    def described(self, placed: list[Placed]) -> dict[str, Any]:
        """Return the labels, from 1, padded with 0, and their number."""
        labels = [one.label + 1 for one in placed]
        padded = labels + [0] * (self.cells[1] - len(labels))
        return {"target": torch.tensor(padded, dtype=torch.int64), "target_length": len(labels)}


def _box(placed: Placed) -> tuple[int, int, int, int]:
    left, top, right, bottom = placed.image.getbbox() or (0, 0, *placed.image.size)
    return placed.left + left, placed.top + top, placed.left + right, placed.top + bottom
