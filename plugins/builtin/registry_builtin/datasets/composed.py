"""Data sets made of the images of another one: pairs, triplets, turned images, and scenes of several images.

They turn any data set for classification into data for losses that want targets of another form. A sample is a
function of the seed, its number and the data set that it is made of; it is the same in every epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import DataFacts, Dataset, Image
from registry_core.components.forms import TargetForm
from registry_core.components.types import NonNegativeInt, PositiveInt, Size
from registry_core.diagnostics import DataError

_INNER = "The data set that samples are made of: Pillow images with class numbers."
_DIGITS = {"dataset": {"digits": {"split": "train"}}}


class _Composed(Dataset):
    """What all of them share."""

    dataset: Dataset = Field(description=_INNER)
    seed: NonNegativeInt = Field(default=0, description="What is drawn depends on it, and on the sample's number.")
    length: PositiveInt | None = Field(default=None, description="Number of samples; null for as many as `dataset`.")

    def arguments(self) -> dict[str, Any]:
        """The parameters, with the data set built."""
        return {**super().arguments(), "dataset": self.dataset.build()}

    def _given(self) -> DataFacts:
        """The facts of the inner data set; DataError if it cannot be used."""
        facts = self.dataset.cached_facts
        name = self.dataset.name
        if facts.target_form not in ("class_indices", "any"):
            form = facts.target_form.replace("_", " ")
            raise DataError(
                f"The dataset {name!r} gives {form} as targets, and {self.name!r} needs class numbers. Use another."
            )
        if facts.image is not None and facts.image.form != "pil":
            raise DataError(
                f"The dataset {name!r} gives a {facts.image}, and {self.name!r} needs Pillow images. Use another."
            )
        return facts

    def _classes(self, given: DataFacts) -> int:
        if given.num_classes is None:
            message = f"The dataset {self.dataset.name!r} does not say how many classes it has, and {self.name!r} must"
            raise DataError(f"{message} know. Set its `classes`, or name the classes in its index file.")
        return given.num_classes

    def _need_two_classes(self, given: DataFacts) -> None:
        if given.num_classes == 1:
            message = f"The dataset {self.dataset.name!r} has one class only, and {self.name!r} needs two or more."
            raise DataError(f"{message} Use other data.")

    def _length(self, given: DataFacts) -> int | None:
        return given.length if self.length is None else self.length


class Pairs(_Composed):
    """Pairs of images, and whether they are of one class.

    Samples: `input` and `second`, images; `target`, a float. With `targets: same_class`, it is 1 for two images of one
    class and -1 for two classes, half and half; for `cosine_embedding` and `hinge_embedding`. With `targets: order`,
    the two are always of two classes, and it is 1 if the class number of `input` is the larger one, else -1; for
    `margin_ranking`. Every image is `input` in its turn. DataError: there is one class only, or a class of one image.
    """

    target = "registry_builtin.objects.composed:Pairs"
    example: ClassVar[Mapping[str, Any]] = _DIGITS

    targets: Literal["same_class", "order"] = Field(default="same_class", description="What the target tells.")

    def facts(self) -> DataFacts:
        """The facts of the inner data set, but for the targets."""
        given = self._given()
        self._need_two_classes(given)
        entries = ("input", "second", "target")
        return DataFacts(self._length(given), given.image, target_form="signs", entries=entries, num_values=1)


class Triplets(_Composed):
    """An image, another image of its class, and an image of another class.

    Samples: `input`, `positive` and `negative`, images; `target`, the class number of `input` and `positive`. Every
    image is `input` in its turn. DataError: there is one class only, or a class of one image. For `triplet_margin`.
    """

    target = "registry_builtin.objects.composed:Triplets"
    example: ClassVar[Mapping[str, Any]] = _DIGITS

    def facts(self) -> DataFacts:
        """The facts of the inner data set, with the other entries."""
        given = self._given()
        self._need_two_classes(given)
        entries = ("input", "positive", "negative", "target")
        return replace(given, length=self._length(given), target_form="class_indices", entries=entries)


class Rotated(_Composed):
    """Images turned by a random angle, which is the target.

    Samples: `input`, an image of the same size, turned about its centre, corners filled with black, interpolated
    bilinearly; `target`, the angle, counter-clockwise, uniform from -`degrees` to `degrees`: float32 [1], for a model
    of one output; with `unit: sin_cos` float32 [2], its sine and cosine. Every image has its turn. For regression.
    """

    target = "registry_builtin.objects.composed:Rotated"
    example: ClassVar[Mapping[str, Any]] = _DIGITS

    degrees: Annotated[float, Field(gt=0, le=180)] = Field(default=45.0, description="Largest angle in degrees.")
    unit: Literal["radians", "degrees", "sin_cos"] = Field(default="radians", description="How the target is written.")

    def facts(self) -> DataFacts:
        """The facts of the inner data set, but for the targets."""
        given = self._given()
        values = 2 if self.unit == "sin_cos" else 1
        entries = ("input", "target")
        return DataFacts(self._length(given), given.image, target_form="values", num_values=values, entries=entries)


class _Scene(_Composed):
    """What canvases with several images share."""

    size: Size | None = Field(
        default=None, description="Images are resized to this height and width; null if all have one size."
    )
    shift: NonNegativeInt = Field(
        default=2, description="Each image lies up to so many pixels to the right and below in its cell."
    )
    least: NonNegativeInt = Field(default=1, description="The smallest number of images on a canvas.")

    def _canvas(self, given: DataFacts, cells: tuple[int, int]) -> Image | None:
        if given.image is None:
            return None
        if given.image.varying and self.size is None:
            raise DataError(f"The images of {self.dataset.name!r} have different sizes. Set size of {self.name!r}.")
        height, width = self.size or (given.image.height, given.image.width)
        return given.image.changed(
            height=None if height is None else cells[0] * (height + self.shift),
            width=None if width is None else cells[1] * (width + self.shift),
            varying=False,
            square=False,
        )


class _Scattered(_Scene):
    """What canvases with images in random cells share."""

    cells: Size = Field(default=(2, 2), description="Rows and columns of cells; each holds one image at most.")
    most: PositiveInt | None = Field(default=None, description="The largest number of images; null: one in every cell.")
    boxes: bool = Field(default=False, description="Whether samples have `boxes`.")

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        room = self.cells[0] * self.cells[1]
        if self._most() > room:
            raise ValueError(
                f"{self.most} images do not fit into {room} cells; set most to {room} or less, or add cells"
            )
        if self.least > self._most():
            raise ValueError(
                f"the smallest number of images, {self.least}, is above the largest, {self._most()}; lower least"
            )
        return self

    def _most(self) -> int:
        return self.cells[0] * self.cells[1] if self.most is None else self.most

    def arguments(self) -> dict[str, Any]:
        """The parameters, with the largest number written out."""
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
    """Several images on one canvas; the target tells which classes are there.

    Samples: `input`, a black image of `cells`, each larger than an image by `shift` pixels, with random images in
    random cells; `target`, for each class whether it is there: float32 [classes] of 0 and 1 (`targets: multi_hot`, for
    `bce_with_logits`), of -1 and 1 (`signs`), or the numbers of the classes that are there, followed by -1, int64
    [classes] (`class_lists`, for `multi_label_margin`). With `boxes: true`, `boxes` are tv_tensors.BoundingBoxes
    [images, 4], left, top, right and bottom of what is not black of each image; in a batch a list. DataError: sizes
    differ and `size` is not set, or the number of classes is not known.
    """

    target = "registry_builtin.objects.scenes:MultiLabel"
    example: ClassVar[Mapping[str, Any]] = _DIGITS

    targets: Literal["multi_hot", "class_lists", "signs"] = Field(
        default="multi_hot", description="Form of the target."
    )

    def arguments(self) -> dict[str, Any]:
        """The parameters, and the number of classes."""
        return {**super().arguments(), "classes": self._classes(self._given())}

    def facts(self) -> DataFacts:
        """The classes of the inner data set, and the size of the canvas."""
        given = self._given()
        return self._facts(given, self.targets, given.class_names, self._classes(given))


class Counts(_Scattered):
    """Several images on one canvas; the target is their number.

    Samples: `input`, a black image of `cells`, each larger than an image by `shift` pixels, with random images in
    random cells; `target`, float32 [1], for a model of one output; `boxes` as in `multi_label`. For `poisson_nll`.
    """

    target = "registry_builtin.objects.scenes:Counts"
    example: ClassVar[Mapping[str, Any]] = {**_DIGITS, "cells": [3, 3]}

    def facts(self) -> DataFacts:
        """The size of the canvas."""
        return replace(self._facts(self._given(), "counts"), num_values=1)


class Segmented(_Scattered):
    """Several images on one canvas; the target tells for every pixel whether it belongs to one.

    Samples: `input`, a black image of `cells`, each larger than an image by `shift` pixels, with random images in
    random cells; `target`, tv_tensors.Mask int64 [height, width], which geometric transforms move with the image: 0 for
    the background, and where an image is at least as bright as `threshold` (colours as grey) 1, or its class number
    plus 1 (`classes: each`); `boxes` as in `multi_label`. For `cross_entropy` and `nll_2d`.
    """

    target = "registry_builtin.objects.scenes:Segmented"
    example: ClassVar[Mapping[str, Any]] = _DIGITS

    classes: Literal["foreground", "each"] = Field(
        default="foreground", description="Whether all images are one class of pixels, or each class of images is one."
    )
    threshold: Annotated[int, Field(ge=1, le=255)] = Field(default=128, description="The darkest pixel of an image.")

    def facts(self) -> DataFacts:
        """The classes of pixels, and the size of the canvas."""
        given = self._given()
        if self.classes == "foreground":
            return self._facts(given, "class_maps", ("background", "foreground"), 2)
        names = ("background", *given.class_names) if given.class_names else ()
        return self._facts(given, "class_maps", names, self._classes(given) + 1)


class Lines(_Scene):
    """Images side by side, to be read from left to right.

    Samples: `input`, a black image of `longest` cells in a row, each larger than an image by `shift` pixels, with
    `least` to `longest` random images in the first cells; `target`, int64 [longest], the class numbers plus 1, padded
    with 0, the blank of `ctc`; `target_length`, how many images there are. A model for it tells one class more apart
    than the inner data set has. DataError: sizes differ and `size` is not set.
    """

    target = "registry_builtin.objects.scenes:Lines"
    example: ClassVar[Mapping[str, Any]] = {**_DIGITS, "longest": 4}

    longest: PositiveInt = Field(default=5, description="The largest number of images in a line.")

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        if self.least > self.longest:
            raise ValueError(f"`least`, {self.least}, is above `longest`, {self.longest}; lower it")
        return self

    def arguments(self) -> dict[str, Any]:
        """The parameters as the canvas wants them: one row of cells."""
        arguments = super().arguments()
        longest = arguments.pop("longest")
        return {**arguments, "cells": (1, longest), "most": longest}

    def facts(self) -> DataFacts:
        """The classes with the blank, and the size of the canvas."""
        given = self._given()
        classes = None if given.num_classes is None else given.num_classes + 1
        names = ("blank", *given.class_names) if given.class_names else ()
        canvas = self._canvas(given, (1, self.longest))
        entries = ("input", "target", "target_length")
        length = self._length(given)
        facts = DataFacts(length, canvas, classes, names, target_form="sequences", entries=entries)
        return replace(facts, longest=self.longest, blank=0)
