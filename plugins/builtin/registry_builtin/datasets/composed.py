"""Data sets composed of the images of another one: pairs, triplets, rotated images, and scenes of several images.

They convert any classification data set into data for losses with other forms of target. A sample is a function of the
seed, its index and the inner data set; it is the same in every epoch.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import DataFacts, Dataset, Image, ParameterError
from registry_core.components.forms import TargetForm, words
from registry_core.components.types import NonNegativeInt, PositiveInt, Size
from registry_core.diagnostics import DataError

_INNER = "Inner data set that provides the images: Pillow images with class indices as targets."
_DIGITS = {"dataset": {"digits": {"split": "train"}}}


class _Composed(Dataset):
    """Base of the composed data sets."""

    dataset: Dataset = Field(description=_INNER)
    seed: NonNegativeInt = Field(
        default=0, description="Seed of the random draws, which also depend on the sample index."
    )
    length: PositiveInt | None = Field(default=None, description="Number of samples; null for the length of `dataset`.")

    def arguments(self) -> dict[str, Any]:
        """Return the parameters with the data set built."""
        return {**super().arguments(), "dataset": self.dataset.build()}

    def file_reader(self) -> Callable[[Path], Any] | None:
        """Return the function that reads image files as the inner data set does."""
        return self.dataset.file_reader()

    def completed_facts(self, facts: DataFacts) -> DataFacts:
        """Return the facts with what the inner data set reads and leaves out."""
        inner = self.dataset.cached_facts
        return replace(facts, sources=inner.sources, left_out=inner.left_out)

    def _given(self) -> DataFacts:
        """Return the facts of the inner data set; DataError if it cannot be used."""
        facts = self.dataset.cached_facts
        name = self.dataset.name
        if facts.target_form not in ("class_indices", "any"):
            message = f"The dataset {name!r} provides {words(facts.target_form)} as targets, but"
            raise DataError(f"{message} {self.name!r} requires class indices.", "Use another data set.")
        if facts.image is not None and facts.image.form != "pil":
            message = f"The dataset {name!r} provides a {facts.image}, but {self.name!r} requires Pillow images."
            raise DataError(message, "Use another data set.")
        return facts

    def _classes(self, given: DataFacts) -> int:
        if given.num_classes is None:
            message = f"The dataset {self.dataset.name!r} does not declare its number of classes, but {self.name!r}"
            raise DataError(f"{message} requires it.", "Set its `classes`, or name the classes in its index file.")
        return given.num_classes

    def _need_two_classes(self, given: DataFacts) -> None:
        if given.num_classes == 1:
            message = f"The dataset {self.dataset.name!r} has only one class, but {self.name!r} requires at least two."
            raise DataError(message, "Use data with two or more classes.")

    def _length(self, given: DataFacts) -> int | None:
        return given.length if self.length is None else self.length


class Pairs(_Composed):
    """Pairs of images, labelled by whether their classes agree.

    Samples: `input` and `second`, images; `target`, a float. With `targets: same_class`, the target is 1 for images of
    the same class and -1 for different classes, in equal numbers; for `cosine_embedding` and `hinge_embedding`. With
    `targets: order`, the classes always differ, and the target is 1 if the class index of `input` is larger, else -1;
    for `margin_ranking`. Each image becomes `input` in turn. DataError: there is only one class, or a class with one
    image.
    """

    target = "registry_builtin.objects.composed:Pairs"
    example: ClassVar[Mapping[str, Any]] = _DIGITS

    targets: Literal["same_class", "order"] = Field(default="same_class", description="Meaning of the target.")

    def facts(self) -> DataFacts:
        """Return the facts of the inner data set with other targets."""
        given = self._given()
        self._need_two_classes(given)
        entries = ("input", "second", "target")
        return DataFacts(self._length(given), given.image, target_form="signs", entries=entries, num_values=1)


class Triplets(_Composed):
    """Triplets: an image, another image of its class, and an image of another class.

    Samples: `input`, `positive` and `negative`, images; `target`, the class index of `input` and `positive`. Each image
    becomes `input` in turn. DataError: there is only one class, or a class with one image. For `triplet_margin`.
    """

    target = "registry_builtin.objects.composed:Triplets"
    example: ClassVar[Mapping[str, Any]] = _DIGITS

    def facts(self) -> DataFacts:
        """Return the facts of the inner data set with the additional entries."""
        given = self._given()
        self._need_two_classes(given)
        entries = ("input", "positive", "negative", "target")
        return replace(given, length=self._length(given), target_form="class_indices", entries=entries)


class Rotated(_Composed):
    """Images rotated by a random angle, which is the target.

    Samples: `input`, an image of the same size, rotated about its centre with bilinear interpolation, corners filled
    with black; `target`, the angle, counter-clockwise, uniform from -`degrees` to `degrees`: float32 [1], for a model
    with one output, or its sine and cosine with `unit: sin_cos`, float32 [2]. Each image is used in turn. For
    regression.
    """

    target = "registry_builtin.objects.composed:Rotated"
    example: ClassVar[Mapping[str, Any]] = _DIGITS

    degrees: Annotated[float, Field(gt=0, le=180)] = Field(default=45.0, description="Maximum angle in degrees.")
    unit: Literal["radians", "degrees", "sin_cos"] = Field(default="radians", description="Unit of the target.")

    def facts(self) -> DataFacts:
        """Return the facts of the inner data set with other targets."""
        given = self._given()
        values = 2 if self.unit == "sin_cos" else 1
        entries = ("input", "target")
        facts = DataFacts(self._length(given), given.image, target_form="values", num_values=values, entries=entries)
        return replace(facts, target_depends_on=frozenset({"angle"}), value_range=self._range())

    def _range(self) -> tuple[float, float]:
        if self.unit == "degrees":
            return -self.degrees, self.degrees
        radians = math.radians(self.degrees)
        if self.unit == "radians":
            return -radians, radians
        largest_sine = math.sin(min(radians, math.pi / 2))
        return min(-largest_sine, math.cos(radians)), 1.0


class _Scene(_Composed):
    """Base of data sets that place several images on a canvas."""

    size: Size | None = Field(
        default=None, description="Height and width that images are resized to; null if all have the same size."
    )
    shift: NonNegativeInt = Field(
        default=2,
        description="Maximum random offset of an image within its cell, in pixels to the right and downwards.",
    )
    least: NonNegativeInt = Field(default=1, description="Minimum number of images on a canvas.")

    def _canvas(self, given: DataFacts, cells: tuple[int, int]) -> Image | None:
        if given.image is None:
            return None
        if given.image.varying and self.size is None:
            message = f"The images of {self.dataset.name!r} have different sizes, but {self.name!r} requires one size."
            raise DataError(message, f"Set size of {self.name}.")
        height, width = self.size or (given.image.height, given.image.width)
        return given.image.changed(
            height=None if height is None else cells[0] * (height + self.shift),
            width=None if width is None else cells[1] * (width + self.shift),
            varying=False,
            square=False,
        )


class _Scattered(_Scene):
    """Base of data sets that place images in random cells of a canvas."""

    cells: Size = Field(default=(2, 2), description="Rows and columns of cells; each holds at most one image.")
    most: PositiveInt | None = Field(default=None, description="Maximum number of images; null for one in every cell.")
    boxes: bool = Field(default=False, description="If true, samples have the entry `boxes`.")

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        room = self.cells[0] * self.cells[1]
        if self._most() > room:
            message = f"`most` is {self.most}, but there are only {room} cells"
            raise ParameterError(message, f"Set most to {room} or less, or add cells")
        if self.least > self._most():
            message = f"`least` is {self.least}, which exceeds the maximum number of images, {self._most()}"
            raise ParameterError(message, f"Set least to {self._most()} or less")
        return self

    def _most(self) -> int:
        return self.cells[0] * self.cells[1] if self.most is None else self.most

    def arguments(self) -> dict[str, Any]:
        """Return the parameters with the maximum number of images filled in."""
        return {**super().arguments(), "most": self._most()}

    def _facts(
        self, given: DataFacts, form: TargetForm, names: tuple[str, ...] = (), classes: int | None = None
    ) -> DataFacts:
        entries = ("input", "target", "boxes") if self.boxes else ("input", "target")
        canvas = self._canvas(given, self.cells)
        boxes = ("boxes",) if self.boxes else ()
        masks = ("target",) if form == "class_maps" else ()
        length = self._length(given)
        return DataFacts(length, canvas, classes, names, target_form=form, entries=entries, masks=masks, boxes=boxes)


class MultiLabel(_Scattered):
    """Several images on one canvas; the target indicates the classes that are present.

    Samples: `input`, a black canvas of `cells`, each larger than an image by `shift` pixels, with random images in
    random cells; `target`, the presence of each class: float32 [classes] of 0 and 1 (`targets: multi_hot`, for
    `bce_with_logits`), of -1 and 1 (`signs`), or the indices of the classes that are present, padded with -1, int64
    [classes] (`class_lists`, for `multi_label_margin`). With `boxes: true`, `boxes` are tv_tensors.BoundingBoxes
    [images, 4]: left, top, right and bottom of the non-black part of each image; batches hold a list of them.
    DataError: sizes differ and `size` is not set, or the number of classes is unknown.
    """

    target = "registry_builtin.objects.scenes:MultiLabel"
    example: ClassVar[Mapping[str, Any]] = _DIGITS

    targets: Literal["multi_hot", "class_lists", "signs"] = Field(
        default="multi_hot", description="Form of the target."
    )

    def arguments(self) -> dict[str, Any]:
        """Return the parameters and the number of classes."""
        return {**super().arguments(), "classes": self._classes(self._given())}

    def facts(self) -> DataFacts:
        """Return the classes of the inner data set and the size of the canvas."""
        given = self._given()
        facts = self._facts(given, self.targets, given.class_names, self._classes(given))
        return replace(facts, target_depends_on=given.target_depends_on)


class Counts(_Scattered):
    """Several images on one canvas; the target is their number.

    Samples: `input`, a black canvas of `cells`, each larger than an image by `shift` pixels, with random images in
    random cells; `target`, float32 [1], for a model with one output; `boxes` as in `multi_label`. For `poisson_nll`.
    """

    target = "registry_builtin.objects.scenes:Counts"
    example: ClassVar[Mapping[str, Any]] = {**_DIGITS, "cells": [3, 3]}

    def facts(self) -> DataFacts:
        """Return the size of the canvas."""
        facts = self._facts(self._given(), "counts")
        return replace(facts, num_values=1, value_range=(float(self.least), float(self._most())))


class Segmented(_Scattered):
    """Several images on one canvas; the target is a segmentation mask.

    Samples: `input`, a black canvas of `cells`, each larger than an image by `shift` pixels, with random images in
    random cells; `target`, tv_tensors.Mask int64 [height, width], which geometric transforms move with the image: 0 for
    the background; pixels of an image that are at least as bright as `threshold` (colours as grayscale) have class 1,
    or its class index plus 1 (`classes: each`); `boxes` as in `multi_label`. For `cross_entropy` and `nll_2d`.
    """

    target = "registry_builtin.objects.scenes:Segmented"
    example: ClassVar[Mapping[str, Any]] = _DIGITS

    classes: Literal["foreground", "each"] = Field(
        default="foreground",
        description="Classes of pixels: one foreground class for all images, or one for each of their classes.",
    )
    threshold: Annotated[int, Field(ge=1, le=255)] = Field(
        default=128, description="Minimum brightness of a pixel that belongs to an image."
    )

    def facts(self) -> DataFacts:
        """Return the classes of pixels and the size of the canvas."""
        given = self._given()
        if self.classes == "foreground":
            return self._facts(given, "class_maps", ("background", "foreground"), 2)
        names = ("background", *given.class_names) if given.class_names else ()
        return self._facts(given, "class_maps", names, self._classes(given) + 1)


class Lines(_Scene):
    """Images side by side, to be read from left to right.

    Samples: `input`, a black canvas of `longest` cells in a row, each larger than an image by `shift` pixels, with
    `least` to `longest` random images in the first cells; `target`, int64 [longest], the class indices plus 1, padded
    with 0, the blank of `ctc`; `target_length`, the number of images. A model for this data set predicts one class more
    than the inner data set has. DataError: sizes differ and `size` is not set.
    """

    target = "registry_builtin.objects.scenes:Lines"
    example: ClassVar[Mapping[str, Any]] = {**_DIGITS, "longest": 4}

    longest: PositiveInt = Field(default=5, le=200, description="Maximum number of images in a line.")

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        if self.least > self.longest:
            message = f"`least` is {self.least}, which exceeds longest, {self.longest}"
            raise ParameterError(message, f"Set least to {self.longest} or less")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in the canvas's form: one row of cells."""
        arguments = super().arguments()
        longest = arguments.pop("longest")
        return {**arguments, "cells": (1, longest), "most": longest}

    def facts(self) -> DataFacts:
        """Return the classes with the blank, and the size of the canvas."""
        given = self._given()
        classes = None if given.num_classes is None else given.num_classes + 1
        names = ("blank", *given.class_names) if given.class_names else ()
        canvas = self._canvas(given, (1, self.longest))
        entries = ("input", "target", "target_length")
        length = self._length(given)
        facts = DataFacts(length, canvas, classes, names, target_form="sequences", entries=entries)
        return replace(facts, longest=self.longest, blank=0, most_steps=self._likely_steps(length, given.num_classes))

    def _likely_steps(self, length: int | None, classes: int | None) -> int | None:
        """Return the least number of labels and repetitions that probably no sample exceeds.

        A line has one label for each image, drawn independently; expected are fewer than 0.5 samples with more.
        """
        if length is None or classes is None:
            return None
        lengths = range(max(self.least, 1), self.longest + 1)

        def is_enough(steps: int) -> bool:
            beyond = [_more_repetitions(labels, steps - labels, 1 / classes) for labels in lengths]
            return length * sum(beyond) / len(lengths) < 0.5

        most = range(self.longest, 2 * self.longest - 1)
        return self.longest + bisect_left(most, True, key=is_enough)


def _more_repetitions(labels: int, most: int, chance: float) -> float:
    """Return the probability that more than ``most`` of the labels repeat the label before."""
    pairs = labels - 1
    return sum(
        math.comb(pairs, count) * chance**count * (1 - chance) ** (pairs - count)
        for count in range(most + 1, pairs + 1)
    )
