"""Index files: lists of images with their labels, one ``path label`` a line; made from class folders.

The label is the last word of a line, so a path may contain spaces; it is relative to the folder of the index file.
Blank lines and lines that start with ``#`` are skipped, but ``# classes: ["cat", "dog"]`` names the classes, that of
label 0 first.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from registry_core.errors import DataError

IMAGE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm")

_CLASSES = "# classes:"
_LABEL = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


class Entry(NamedTuple):
    """One image of an index file: its path as written, its label, and the line (from 1) that names it."""

    path: str
    label: int
    line: int


@dataclass(frozen=True, slots=True)
class Index:
    """What an index file says."""

    entries: tuple[Entry, ...]
    class_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """What was written to an index file: the names of the classes, and how many images each has."""

    class_names: tuple[str, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClassFolders:
    """Images sorted by class: for each name, the paths relative to the root."""

    root: Path
    class_names: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...]


def read_index(path: Path) -> Index:
    """Read an index file; DataError with ``file:line`` for a line that cannot be read."""
    entries: list[Entry] = []
    class_names: tuple[str, ...] = ()
    for number, line in _lines(path):
        if line.startswith(_CLASSES):
            class_names = _class_names(line, f"{path}:{number}")
        elif line.strip() and not line.startswith("#"):
            entries.append(_entry(line, number, path))
    if not entries:
        raise DataError(f"The index file '{path}' names no image. Write one 'path label' a line.")
    return Index(tuple(entries), class_names)


def write_index(folder: Path, out: Path) -> IndexSummary:
    """Write an index file of the images in the class folders of ``folder``; labels follow the sorted names."""
    found = scan_class_folders(folder)
    prefix = os.path.relpath(folder, out.absolute().parent)
    lines = [f"{_CLASSES} {json.dumps(found.class_names, ensure_ascii=False)}"]
    for label, paths in enumerate(found.paths):
        lines += [f"{_writable(Path(prefix, path).as_posix())} {label}" for path in paths]
    try:
        out.write_bytes("".join(f"{line}\n" for line in lines).encode())
    except OSError as error:
        raise DataError(f"The index file '{out}' cannot be written: {error.strerror}. Choose another place.") from error
    return IndexSummary(found.class_names, tuple(len(paths) for paths in found.paths))


def scan_class_folders(root: Path, extensions: tuple[str, ...] = IMAGE_EXTENSIONS) -> ClassFolders:
    """Find the images below each class folder of ``root``, sorted; names that start with a dot are left out."""
    if not root.is_dir():
        problem = "is not a folder" if root.exists() else "does not exist"
        raise DataError(f"The image folder '{root}' {problem}. Name a folder with one folder for each class.")
    try:
        names = sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith("."))
        paths = tuple(tuple(sorted(_images(root, name, extensions))) for name in names)
    except OSError as error:
        raise DataError(f"The folder '{error.filename}' cannot be read: {error.strerror}. Make it readable.") from error
    if not names:
        raise DataError(f"The image folder '{root}' has no class folder. Put each class in a folder of its own.")
    empty = [name for name, found in zip(names, paths, strict=True) if not found]
    if empty:
        which = f"class folder '{empty[0]}'" if len(empty) == 1 else f"class folders {_listed(empty)}"
        raise DataError(
            f"No image ({', '.join(extensions)}) in the {which} of '{root}'. Add images, or remove the empty folders."
        )
    return ClassFolders(root, tuple(names), paths)


def _images(root: Path, name: str, extensions: tuple[str, ...]) -> Iterator[str]:
    for folder, subfolders, files in os.walk(root / name, onerror=_refuse, followlinks=True):
        subfolders[:] = [subfolder for subfolder in subfolders if not subfolder.startswith(".")]
        for file in files:
            if not file.startswith(".") and file.lower().endswith(extensions):
                yield Path(folder, file).relative_to(root).as_posix()


def _refuse(error: OSError) -> None:
    raise error  # os.walk would leave an unreadable folder out without a word


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise DataError(f"{path}:{number}: This line is not UTF-8 text. Save the file as UTF-8.") from error
                yield number, line.rstrip("\r\n")
    except OSError as error:
        raise DataError(f"The index file '{path}' cannot be read: {error.strerror}. Correct its path.") from error


def _entry(line: str, number: int, path: Path) -> Entry:
    words = line.rsplit(None, 1)
    if len(words) < 2:
        raise DataError(f"{path}:{number}: {line.strip()!r} has no label. Write a path, a space and a whole number.")
    if not _LABEL.fullmatch(words[1]):
        raise DataError(f"{path}:{number}: The label {words[1]!r} is not a whole number. Write 'path label'.")
    return Entry(words[0], int(words[1]), number)


def _class_names(line: str, place: str) -> tuple[str, ...]:
    try:
        names = json.loads(line.removeprefix(_CLASSES))
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f'{place}: The classes are not a JSON list of names. Write them as # classes: ["cat", "dog"].')
    return tuple(names)


def _writable(path: str) -> str:
    """The path so that it reads back the same."""
    if "\n" in path or "\r" in path or not _is_text(path):
        raise DataError(f"The path {path!r} cannot stand in an index file. Rename it with plain characters.")
    return f"./{path}" if path.startswith("#") or path != path.lstrip() else path


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
