"""Data sets: the digits that come with the package, MNIST, and image files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.datasets.idx_file import CLASSES, IdxFile, check_labels, find_split, read_values
from registry_builtin.datasets.image_lists import (
    check_images_exist,
    image_of_mode,
    known_classes,
    label_of,
    listed_image,
    read_labelled,
)
from registry_core.components import DataFacts, Dataset, Image, Inventory, Unusable
from registry_core.components.index_file import (
    IMAGE_EXTENSIONS,
    ClassFolders,
    Index,
    first_of,
    list_class_folders,
    read_usable,
    scan_class_folders,
)
from registry_core.components.target import load_target
from registry_core.components.types import InputPath, PositiveInt, matching, text_schema
from registry_core.errors import DataError

_DIGITS = tuple("0123456789")
_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}
_MODE = "What images are converted to: RGB (3 channels) or L (1 channel, grey)."

_EXTENSION = r"^\.[a-z0-9]+$"
Extension = Annotated[
    str, matching(_EXTENSION, "an ending in lower case with its dot, such as .png"), text_schema(_EXTENSION)
]
"""A file name's end, in lower case with its dot."""


class _Classified(Dataset):
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


class Digits(_Classified):
    """1,797 handwritten digits of 8 x 8 pixels, which come with the package.

    Samples: `input`, a Pillow image of mode L, 8 x 8, values 0 to 255 (the 0 to 16 of the source, value * 255 // 16);
    `target`, the digit 0 to 9. Every fifth image (4, 9, 14, ...) is for validation: 359 of them, and 1,438 for
    training. Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998, https://doi.org/10.24432/C50P49, licence CC BY 4.0; the images of sklearn.datasets.load_digits.
    """

    target: ClassVar[str] = "registry_builtin.objects.digits:Digits"
    example: ClassVar[Mapping[str, Any]] = {"split": "train"}

    split: Literal["train", "val", "all"] = Field(default="train", description="Which of the images.")

    def facts(self) -> DataFacts:
        """The facts of the split; nothing is read."""
        length = {"train": 1438, "val": 359, "all": 1797}[self.split]
        return self.class_facts(length, Image("pil", channels=1, height=8, width=8), len(_DIGITS), _DIGITS)


class Mnist(_Classified):
    """Handwritten digits of 28 x 28 pixels in IDX files, plain or gzip.

    Samples: `input`, a Pillow image of mode L, 28 x 28, values 0 to 255; `target`, the digit 0 to 9. The files are
    `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and `t10k-...` for the split test, each with or without
    `.gz`. Other data in the same files, such as Fashion-MNIST, is read as well. DataError: a file is missing or
    damaged. Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".
    """

    target: ClassVar[str] = "registry_builtin.objects.idx:Mnist"
    example: ClassVar[Mapping[str, Any]] = {"root": "data/mnist", "split": "train"}

    root: InputPath = Field(description="Folder of the four files.")
    split: Literal["train", "test"] = Field(default="train", description="Which of the images.")

    def facts(self) -> DataFacts:
        """Length and image size, from the headers of the files; of the labels, all are looked at."""
        images, labels = find_split(self.root, self.split)
        check_labels(labels, read_values(labels), CLASSES)
        return self._facts(images)

    def inventory(self) -> Inventory:
        """All images, those with a wrong label too."""
        images, _ = find_split(self.root, self.split)
        return Inventory(load_target(self.target)(**self.arguments(), checked=False), self._facts(images))

    def _facts(self, images: IdxFile) -> DataFacts:
        length, height, width = images.shape
        return self.class_facts(length, Image("pil", channels=1, height=height, width=width), len(_DIGITS), _DIGITS)


class ImageIndex(_Classified):
    """Image files that a text file lists, one `path label` a line.

    Samples: `input`, a Pillow image of mode `mode`, values 0 to 255, as stored (EXIF rotation is not applied);
    `target`, the label, from 0. The label is the last word of a line; blank lines and lines that start with # are
    skipped, but `# classes: ["cat", "dog"]` names the classes. `registry-core index` writes such a file. DataError: a
    line, a label or an image is wrong, missing or damaged, or has more than 8 bits a channel.
    """

    target: ClassVar[str] = "registry_builtin.objects.image_files:from_index"
    example: ClassVar[Mapping[str, Any]] = {"index": "data/train.txt", "mode": "L"}

    index: InputPath = Field(description="The text file.")
    mode: Literal["RGB", "L"] = Field(default="RGB", description=_MODE)
    classes: PositiveInt | None = Field(
        default=None,
        description="Number of classes; null for that of the names in the file, if it has them.",
    )
    root: InputPath | None = Field(default=None, description="Folder where paths start; null for the text file's own.")

    def facts(self) -> DataFacts:
        """Everything but the pixels: all labels and paths are checked, and some images' headers are read."""
        index, classes = read_labelled(self.index, self.classes)
        base = self.root or self.index.parent
        check_images_exist(index, base, self.index)

        def file(place: int) -> tuple[str, str]:
            entry = index[place]
            return str(base / entry.path), label_of(entry.path, entry.line, self.index)

        return self._facts(index, classes, listed_image(len(index), file, self.mode))

    def inventory(self) -> Inventory:
        """All images that are listed, those that are missing or have a wrong label too, and the lines without one."""
        index, wrong = read_usable(self.index)
        if not len(index):
            raise DataError(first_of([one.message for one in wrong]))
        classes = known_classes(index, self.classes) or max(index.labels) + 1
        made = load_target("registry_builtin.objects.image_files:listed_images")
        facts = self._facts(index, classes, image_of_mode(self.mode))
        return Inventory(made(index, self.index, self.mode, self.root), facts, tuple(wrong))

    def _facts(self, index: Index, classes: int, image: Image) -> DataFacts:
        if self.classes is None and not index.class_names:  # a class without images may be missing at the end
            return self.class_facts(len(index), image, largest_label=classes - 1)
        names = index.class_names if len(index.class_names) == classes else ()
        return self.class_facts(len(index), image, classes, names)


class ImageFolder(_Classified):
    """Image files in one folder for each class.

    Samples: `input`, a Pillow image of mode `mode`, values 0 to 255, as stored (EXIF rotation is not applied);
    `target`, the place of the class folder among all of them, sorted by name, from 0. Folders within a class folder
    belong to the class; names that start with a dot are left out. DataError: a class has no image, or an image is
    damaged or has more than 8 bits a channel.
    """

    target: ClassVar[str] = "registry_builtin.objects.image_files:from_folder"
    example: ClassVar[Mapping[str, Any]] = {"root": "data/train"}

    root: InputPath = Field(description="Folder of the class folders.")
    mode: Literal["RGB", "L"] = Field(default="RGB", description=_MODE)
    extensions: Annotated[tuple[Extension, ...], Field(min_length=1)] = Field(
        default=IMAGE_EXTENSIONS, description="Ends of the names of image files, in lower case; any case is found."
    )

    def facts(self) -> DataFacts:
        """Everything but the pixels: classes and files are listed, and some images' headers are read."""
        found = scan_class_folders(self.root, self.extensions)
        if _SPLITS.issuperset(found.class_names):
            listed = ", ".join(repr(name) for name in found.class_names)
            message = f"The folders {listed} of '{self.root}' are taken for classes, and seem to be splits."
            raise DataError(f"{message} Set root to '{self.root / found.class_names[0]}' or another of them.")
        paths = [path for group in found.paths for path in group]

        def file(place: int) -> tuple[str, str]:
            full = str(self.root / paths[place])
            return full, label_of(full)

        return self._facts(found, listed_image(len(paths), file, self.mode))

    def inventory(self) -> Inventory:
        """All images, and the class folders without one."""
        found = list_class_folders(self.root, self.extensions)
        ends = ", ".join(self.extensions)
        empty = tuple(
            Unusable(f"The class folder '{self.root / name}' has no image ({ends}).", str(self.root / name))
            for name, paths in zip(found.class_names, found.paths, strict=True)
            if not paths
        )
        if len(empty) == len(found.paths):
            raise DataError(f"No class folder of '{self.root}' has an image ({ends}). Set root, or extensions.")
        made = load_target("registry_builtin.objects.image_files:sorted_images")
        return Inventory(made(found, self.mode), self._facts(found, image_of_mode(self.mode)), empty)

    def _facts(self, found: ClassFolders, image: Image) -> DataFacts:
        length = sum(len(paths) for paths in found.paths)
        return self.class_facts(length, image, len(found.class_names), found.class_names)
