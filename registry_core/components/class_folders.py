"""Class folders: image files in one folder for each class, found without reading any of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from registry_core.components.class_names import NO_CLASSES, is_number, list_of, quoted
from registry_core.components.folder_listing import FolderListing, list_folder
from registry_core.components.image_formats import EXTENSIONS
from registry_core.components.left_out import LeftOut
from registry_core.components.sources import FileIds, Sources
from registry_core.diagnostics import DataError, near

IMAGE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm")
"""The extensions that are read by default."""

_READABLE = tuple(extension for extension in EXTENSIONS if extension not in IMAGE_EXTENSIONS)
"""More extensions of images that can be read."""

_UNREADABLE = (
    *(".heic", ".heif", ".hif", ".jxl", ".svg", ".exr", ".hdr", ".dcm"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"),
)
"""Extensions of images that cannot be read."""

_IMAGES = (*IMAGE_EXTENSIONS, *_READABLE, *_UNREADABLE)


class Choice(NamedTuple):
    """The images of class folders that are read, and the order of the classes."""

    extensions: tuple[str, ...] = IMAGE_EXTENSIONS
    classes: tuple[str, ...] | None = None
    """The class folders in the order of their labels; a class may then have no image."""
    by_number: bool = False
    """True to sort the class folders as numbers; otherwise as text."""


@dataclass(frozen=True)
class ClassFolders:
    """Images sorted by class: for each name, the paths relative to the root; and the images that are left out."""

    root: Path
    class_names: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...]
    sources: Sources = field(default_factory=Sources)
    other_extensions: tuple[str, ...] = ()
    """Paths of images in class folders whose extension is not read."""
    outside: tuple[str, ...] = ()
    """Paths of images outside of class folders."""
    unlisted: tuple[str, ...] = ()
    """Paths of images in folders that are not among the classes given."""

    def left_out(self) -> Iterator[tuple[str, str]]:
        """The images that are left out: the reason, and the path."""
        for path in self.other_extensions:
            yield f"of the extension {_extension(path)}", path
        yield from (("outside of the class folders", path) for path in self.outside)
        for path in self.unlisted:
            yield f"in the folder '{path.partition('/')[0]}', which is not in `classes`", path

    def left_out_facts(self) -> LeftOut | None:
        """The numbers of images that are left out; None if there are none."""
        found = list(self.left_out())
        if not found:
            return None
        counts = Counter(reason for reason, _ in found)
        read = sum(map(len, self.paths))
        example = str(self.root / found[0][1])
        return LeftOut(len(found), read + len(found), tuple(counts.most_common()), example, self._remedy())

    def _remedy(self) -> str:
        """The ways to read what is left out."""
        ends = dict.fromkeys(sorted(_extension(path) for path in self.other_extensions))
        readable = [end for end in ends if end not in _UNREADABLE]
        written = ", ".join((*IMAGE_EXTENSIONS, *(end for end in readable if end not in IMAGE_EXTENSIONS)))
        convert = ", ".join(end for end in ends if end in _UNREADABLE)
        sentences = (
            (f"Set extensions to [{written}] to read them.", readable),
            (f"Convert the {convert} files.", convert),
            ("Move the images into class folders, or out of this folder.", self.outside),
            ("Add the folders to `classes`, or move them elsewhere.", self.unlisted),
        )
        return " ".join(sentence for sentence, needed in sentences if needed)


_ALL = Choice()


def scan_class_folders(root: Path, choice: Choice = _ALL) -> ClassFolders:
    """Find the images below each class folder of ``root``, sorted; DataError if a class has none.

    With the classes given, a class may have no image, but not all of them.
    """
    found = list_class_folders(root, choice)
    empty = [name for name, paths in zip(found.class_names, found.paths, strict=True) if not paths]
    if not empty or (choice.classes is not None and len(empty) < len(found.paths)):
        return found
    which = f"class folder '{empty[0]}'" if len(empty) == 1 else f"class folders {quoted(empty)}"
    message = f"No image ({', '.join(choice.extensions)}) in the {which} of '{root}'."
    seen = [path for path in found.other_extensions if path.partition("/")[0] in empty]
    if seen:
        message += f" It has {len(seen):,} with other extensions, such as '{root / seen[0]}'."
        raise DataError(message, found._remedy())
    if all(name.lower() in NO_CLASSES for name in empty):
        raise DataError(message, "Remove the empty folders.")
    classes = [name for name in found.class_names if name.lower() not in NO_CLASSES]
    remedy = "Add images or remove the empty folders. If a class may have no images here, name all classes:"
    raise DataError(message, f"{remedy} {list_of(classes)}.")


def list_class_folders(root: Path, choice: Choice) -> ClassFolders:
    """The images below each class folder of ``root``, sorted; a class may have none.

    Names that start with a dot are left out. DataError for folders that links lead into twice.
    """
    if not root.is_dir():
        problem = "is not a folder" if root.exists() else "does not exist"
        raise DataError(f"The image folder '{root}' {problem}.", "Name a folder with one folder for each class.")
    try:
        return _listed(root, choice)
    except OSError as error:
        message = f"The folder '{error.filename}' cannot be read: {error.strerror}."
        raise DataError(message, "Make it readable.") from error


def _listed(root: Path, choice: Choice) -> ClassFolders:
    top = list_folder(str(root))
    folders = {name for name in (*top.folders, *top.folder_links) if not name.startswith(".")}
    outside = tuple(sorted(name for name in top.file_names() if _is_image(name)))
    if not folders:
        more = f" It has {len(outside):,} images itself, such as '{outside[0]}'." if outside else ""
        message = f"The image folder '{root}' has no class folder.{more}"
        raise DataError(message, "Put each class in a folder of its own.")
    names = _class_names(root, sorted(folders), choice)
    links = _Links(os.path.realpath(root))
    found = _Found(choice.extensions)
    below = {name: _folders(root, name, links, is_link=name in top.folder_links) for name in names if name in folders}
    paths = [tuple(sorted(found.images(below.get(name, ())))) for name in names]
    links.check(names)
    unlisted = [
        path
        for name in sorted(folders.difference(names))
        for path in _Found(_IMAGES).images(_folders(root, name, _Links(links.root), is_link=name in top.folder_links))
    ]
    sources = Sources(files=found.files)
    return ClassFolders(root, names, tuple(paths), sources, tuple(sorted(found.others)), outside, tuple(unlisted))


class _Found:
    """The files that are read, and the paths of other images."""

    def __init__(self, extensions: tuple[str, ...]) -> None:
        self.extensions = extensions
        self.files: FileIds = {}
        self.others: list[str] = []

    def images(self, folders: Iterable[tuple[FolderListing, str]]) -> list[str]:
        """The paths of the files in these folders that are read."""
        found: list[str] = []
        for listing, prefix in folders:
            names, extensions = listing.file_names(), self.extensions
            read = [name for name in names if name.lower().endswith(extensions) and name[0] != "."]
            listing.add_to(self.files, read)
            found += [prefix + name for name in read]
            if len(read) < len(names):
                known = set(read)
                self.others += (prefix + name for name in names if name not in known and _is_image(name))
        return found


def _class_names(root: Path, folders: list[str], choice: Choice) -> tuple[str, ...]:
    """The classes in the order of their labels."""
    if choice.classes is not None:
        missing = [name for name in choice.classes if name not in folders]
        unlisted = [name for name in folders if name not in choice.classes]
        if missing and unlisted:  # if all folders are listed, the others are classes without an image here
            message = f"The image folder '{root}' has no folder for the class {missing[0]!r},"
            message += f" but {quoted(unlisted)}, which `classes` does not name."
            raise DataError(message, near(missing[0], unlisted))
        return choice.classes
    if not choice.by_number:
        return tuple(folders)
    words = [name for name in folders if not is_number(name)]
    if words:
        message = f"The class folder '{words[0]}' of '{root}' is not a whole number, by which classes are ordered."
        raise DataError(message, "Set order to name, or name the classes in their order in `classes`.")
    return tuple(sorted(folders, key=int))


class _Links:
    """The folders that links lead into, so that no folder is read for two classes, or for ever."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.seen: list[tuple[str, str, str]] = []
        """The class, the link and the folder that it leads to."""

    def follow(self, class_name: str, link: str, here: tuple[str, ...]) -> tuple[str, ...]:
        """The real folders on the way to a link and behind it; DataError if it leads back to one of them."""
        target, parent = os.path.realpath(link), os.path.realpath(os.path.dirname(link))  # noqa: PTH120  # paths are text here, as in os.scandir
        if any(f"{folder}/".startswith(f"{target.rstrip('/')}/") for folder in (*here, parent)):
            message = f"The link '{link}' leads to '{target}', a folder that contains the link itself:"
            raise DataError(f"{message} its images would be read again and again.", "Remove the link.")
        self.seen.append((class_name, link, target))
        return (*here, parent)

    def check(self, names: Sequence[str]) -> None:
        """Raise DataError for a link from one of these classes into another."""
        owners = {f"{self.root.rstrip('/')}/{name}": name for name in names}
        for class_name, _, target in self.seen:
            owners.setdefault(target, class_name)
        for class_name, link, target in self.seen:
            for folder in (target, *map(str, Path(target).parents)):
                if owners.get(folder, class_name) != class_name:
                    message = f"The link '{link}' leads to '{target}', which belongs to the class '{owners[folder]}':"
                    raise DataError(f"{message} its images would have two classes.", "Remove the link.")


def _folders(root: Path, class_name: str, links: _Links, *, is_link: bool) -> Iterator[tuple[FolderListing, str]]:
    """The class folder and all folders below it, each with the beginning of the paths of its files below the root."""
    top = str(root / class_name)
    here = links.follow(class_name, top, (links.root,)) if is_link else (links.root,)
    waiting = [(top, f"{class_name}/" if class_name else "", here)]
    while waiting:
        path, prefix, here = waiting.pop()
        listing = list_folder(path)
        yield listing, prefix
        waiting += ((f"{path}/{name}", f"{prefix}{name}/", here) for name in listing.folders if name[0] != ".")
        for name in listing.folder_links:
            if name[0] != ".":
                way = links.follow(class_name, f"{path}/{name}", here)
                waiting.append((f"{path}/{name}", f"{prefix}{name}/", way))


def images_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """The image files below a folder, sorted, and those that cannot be read; DataError if it is unreadable."""
    found = _Found((*IMAGE_EXTENSIONS, *_READABLE))
    try:
        read = sorted(found.images(_folders(folder, "", _Links(os.path.realpath(folder)), is_link=False)))
    except OSError as error:
        message = f"The folder '{error.filename}' cannot be read: {error.strerror}."
        raise DataError(message, "Make it readable.") from error
    return [folder / path for path in read], [folder / path for path in sorted(found.others)]


def _is_image(name: str) -> bool:
    return name.lower().endswith(_IMAGES) and not name.startswith(".")


def _extension(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122  # a path is text here, as in os.scandir
