"""Data sets of image files, listed in an index file or sorted into class folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.datasets.file_reading import OfImageFiles
from registry_builtin.datasets.image_lists import (
    files_of,
    image_read_as,
    known_classes,
    label_of,
    listed_image,
    read_labelled,
)
from registry_core.components import DataFacts, Image, Inventory, ParameterError, UnusableEntry
from registry_core.components.class_folders import (
    IMAGE_EXTENSIONS,
    Choice,
    ClassFolders,
    list_class_folders,
    scan_class_folders,
)
from registry_core.components.class_names import quoted
from registry_core.components.index_file import Index, first_of, read_usable
from registry_core.components.target import load_target
from registry_core.components.types import InputPath, PositiveInt, text_matching, text_schema
from registry_core.diagnostics import DataError

_CHOICE = ("extensions", "classes", "order")
_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}
_EXTENSION = r"^\.[a-z0-9]+$"
Extension = Annotated[
    str, text_matching(_EXTENSION, "a lower-case file extension with its dot, such as .png"), text_schema(_EXTENSION)
]
"""A file extension in lower case, with its dot."""


class ImageIndex(OfImageFiles):
    """Image files listed in a text file, one `path label` per line.

    Samples: `input`, a Pillow image of mode RGB or L, values 0 to 255, or with `mode: RGB16` or `L16` a
    tv_tensors.Image [channels, height, width], float32, values 0 to 1; `target`, the label, from 0. The label is the
    last word of a line; blank lines and lines that start with # are ignored, except that `# classes: ["cat", "dog"]`
    names the classes. `registry-core index` writes such a file. DataError: a line, a label or an image is invalid,
    missing or damaged, or an image has more pixels or bits per channel than are read.
    """

    target = "registry_builtin.objects.image_files:from_index"
    example: ClassVar[Mapping[str, Any]] = {"index": "data/train.txt", "mode": "L"}

    index: InputPath = Field(description="Path of the text file.")
    classes: PositiveInt | None = Field(
        default=None,
        description="Number of classes; null to count the class names in the file, if there are any.",
    )
    root: InputPath | None = Field(
        default=None, description="Folder that paths are relative to; null for that of the text file."
    )

    def arguments(self) -> dict[str, Any]:
        """Return the parameters, and whether labels are checked."""
        return {**super().arguments(), "checked": not self._keeps_faulty}

    def facts(self) -> DataFacts:
        """Return all facts except pixel values: checks every label and path, and reads some image headers."""
        checked = not self._keeps_faulty
        index, classes = read_labelled(self.index, self.classes, checked=checked)
        base = self.root or self.index.parent
        sources = files_of(index, base, self.index, checked=checked)

        def file(place: int) -> tuple[str, str]:
            entry = index[place]
            return str(base / entry.path), label_of(entry.path, entry.line, self.index)

        image = listed_image(len(index), file, self.reading, checked=checked)
        return replace(self._facts(index, classes, image), sources=sources)

    def inventory(self) -> Inventory:
        """Return all listed images, including missing and mislabelled ones, and the lines without a label."""
        index, wrong = read_usable(self.index)
        if not len(index):
            raise DataError(first_of([one.message for one in wrong]))
        classes = known_classes(index, self.classes) or max(index.labels) + 1
        made = load_target("registry_builtin.objects.image_files:listed_images")
        facts = self._facts(index, classes, image_read_as(self.reading))
        return Inventory(made(index, self.index, self.reading, self.root), facts, tuple(wrong))

    def _facts(self, index: Index, classes: int, image: Image) -> DataFacts:
        if self.classes is None and not index.class_names:  # trailing classes may have no images
            smallest = max(min(index.labels), 0)
            return self.class_facts(len(index), image, largest_label=classes - 1, smallest_label=smallest)
        names = index.class_names if len(index.class_names) == classes else ()
        return self.class_facts(len(index), image, classes, names)


class ImageFolder(OfImageFiles):
    """Image files in one folder per class.

    Samples: `input`, a Pillow image of mode RGB or L, values 0 to 255, or with `mode: RGB16` or `L16` a
    tv_tensors.Image [channels, height, width], float32, values 0 to 1; `target`, the index of the class folder from 0,
    in the order of `classes` or `order`. Folders inside a class folder belong to its class; names that start with a dot
    are ignored. DataError: a class has no image and `classes` is not set, a link leads to a folder around it or into
    another class, or an image is damaged, or has more pixels or bits per channel than are read.
    """

    target = "registry_builtin.objects.image_files:from_folder"
    example: ClassVar[Mapping[str, Any]] = {"root": "data/train"}
    names_classes_in: ClassVar[str] = "classes"

    root: InputPath = Field(description="Folder that contains the class folders.")
    extensions: Annotated[tuple[Extension, ...], Field(min_length=1)] = Field(
        default=IMAGE_EXTENSIONS, description="Extensions of image files, in lower case; matching ignores case."
    )
    classes: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Names of the class folders in the order of their labels; null for all folders. A class that is "
        "named may have no image or no folder here, and a folder that is not named is not read.",
    )
    order: Literal["name", "number"] = Field(
        default="name",
        description="Order of the class folders without `classes`: name sorts them as text (10 before 2), number as "
        "whole numbers.",
    )

    @model_validator(mode="after")
    def _classes_are_distinct(self) -> Self:
        twice = sorted({name for name in self.classes or () if (self.classes or ()).count(name) > 1})
        if twice:
            raise ParameterError(f"`classes` names {quoted(twice)} twice", "Name each class once")
        if self.classes is not None and self.order == "number":
            raise ParameterError("`order: number` has no effect with `classes`", "Remove one of them")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the parameters with the choice of folders and files as one."""
        arguments = super().arguments()
        return {"choice": self._choice(), **{name: arguments[name] for name in arguments if name not in _CHOICE}}

    def _choice(self) -> Choice:
        return Choice(self.extensions, self.classes, self.order == "number")

    def facts(self) -> DataFacts:
        """Return all facts except pixel values: lists classes and files, and reads some image headers."""
        found = scan_class_folders(self.root, self._choice())
        if self.classes is None and _SPLITS.issuperset(found.class_names):
            listed = ", ".join(repr(name) for name in found.class_names)
            message = f"The folders {listed} of '{self.root}' would be read as classes, but seem to be splits."
            raise DataError(message, f"Set root to '{self.root / found.class_names[0]}' or another of them.")
        paths = [path for group in found.paths for path in group]

        def file(place: int) -> tuple[str, str]:
            full = str(self.root / paths[place])
            return full, label_of(full)

        image = listed_image(len(paths), file, self.reading, checked=not self._keeps_faulty)
        facts = self._facts(found, image)
        left_out = (
            found if self.extensions == IMAGE_EXTENSIONS else replace(found, other_extensions=())
        ).left_out_facts()
        return replace(facts, sources=found.sources, left_out=left_out)

    def inventory(self) -> Inventory:
        """Return all images, and the class folders without images."""
        found = list_class_folders(self.root, self._choice())
        ends = ", ".join(self.extensions)
        empty = tuple(
            UnusableEntry(f"The class folder '{self.root / name}' contains no image ({ends}).", str(self.root / name))
            for name, paths in zip(found.class_names, found.paths, strict=True)
            if not paths and self.classes is None
        )
        if not any(found.paths):
            raise DataError(
                f"No class folder of '{self.root}' contains an image ({ends}).", "Correct root or extensions."
            )
        made = load_target("registry_builtin.objects.image_files:sorted_images")
        left_out = tuple(
            UnusableEntry(f"'{self.root / path}' is {why}.", str(self.root / path)) for why, path in found.left_out()
        )
        return Inventory(made(found, self.reading), self._facts(found, image_read_as(self.reading)), empty, left_out)

    def _facts(self, found: ClassFolders, image: Image) -> DataFacts:
        length = sum(len(paths) for paths in found.paths)
        return self.class_facts(length, image, len(found.class_names), found.class_names)
