"""Index files: lists of images with their labels, one ``path label`` per line; made from class folders.

The label is the last word of a line, so a path may contain spaces; it is relative to the folder of the index file.
Blank lines and lines that start with ``#`` are skipped, but ``# classes: ["cat", "dog"]`` names the classes, starting
with label 0.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path
from typing import NamedTuple

from registry_core.components.class_folders import scan_class_folders
from registry_core.components.class_names import quoted
from registry_core.components.inventory import UnusableEntry
from registry_core.components.left_out import LeftOut
from registry_core.components.regular_file import open_regular
from registry_core.diagnostics import DataError, format_value
from registry_core.diagnostics.json_text import json_text

LARGEST = 2**30
"""Bytes of an index file."""

MOST_LINES = 20_000_000
"""Lines of an index file."""

_LONGEST_LINE = 10 * 2**20
_LONGEST_PATH = 4_096
_CHUNK = 2**20
_CLASSES = "# classes:"
_LABEL = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


class Entry(NamedTuple):
    """One image of an index file: its path as written, its label, and the line (from 1) that names it."""

    path: str
    label: int
    line: int


@dataclass(frozen=True)
class Index:
    """The content of an index file, in columns: millions of entry objects would cost time and memory."""

    paths: list[str]
    labels: list[int]
    lines: list[int]
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: int) -> Entry:
        return Entry(self.paths[place], self.labels[place], self.lines[place])

    def __iter__(self) -> Iterator[Entry]:
        return map(Entry, self.paths, self.labels, self.lines)


@dataclass(frozen=True)
class IndexSummary:
    """Summary of a written index file: the names of the classes, the number of images of each, and what is left out."""

    class_names: tuple[str, ...]
    counts: tuple[int, ...]
    left_out: LeftOut | None = None


def read_index(path: Path) -> Index:
    """Read an index file; DataError with ``file:line`` for the lines that cannot be read."""
    index, wrong = _read(path)
    if wrong:
        message = first_of([f"{path}:{number}: {error.message}" for number, error in wrong])
        raise DataError(message, " ".join(dict.fromkeys(error.remedy for _, error in wrong[:_SHOWN])))
    return index


def read_usable(path: Path) -> tuple[Index, list[UnusableEntry]]:
    """The readable entries of an index file, and its other lines; DataError if it names no image."""
    index, wrong = _read(path)
    return index, [UnusableEntry(f"{path}:{number}: {error}", str(path), number) for number, error in wrong]


def _read(path: Path) -> tuple[Index, list[tuple[int, DataError]]]:
    """An index file without the lines that cannot be read, and the errors of these by their number."""
    index = Index([], [], [])
    class_names: tuple[str, ...] = ()
    wrong: list[tuple[int, DataError]] = []
    known: dict[str, int] = {}  # labels by their spelling
    for number, line in _lines(path):
        words = line.rsplit(None, 1)
        try:
            if isinstance(line, _NotText):
                raise DataError("This line is not UTF-8 text.", "Save the file as UTF-8.")
            if line.startswith("#"):
                class_names = _class_names(line) or class_names
            elif words:
                label = known.get(words[-1]) if len(words) == 2 else None
                if label is None:
                    label = known[words[-1]] = _label(words)
                index.paths.append(words[0])
                index.labels.append(label)
                index.lines.append(number)
        except DataError as error:
            wrong.append((number, error))
    if not index.paths and not wrong:
        raise DataError(f"The index file '{path}' names no image.", "Write one 'path label' per line.")
    if (longest := max(map(len, index.paths), default=0)) > _LONGEST_PATH:
        message = f"The index file '{path}' has a path of {longest:,} characters, more than {_LONGEST_PATH:,}."
        raise DataError(message, "Write one 'path label' per line.")
    return replace(index, class_names=class_names), wrong


_SHOWN = 5
"""The number of lines of an index file that one message names."""


def first_of(messages: Sequence[str], shown: int = _SHOWN) -> str:
    """The first of several messages, and how many more there are."""
    more = len(messages) - shown
    return " ".join(messages[:shown]) + (f" And {more:,} more." if more > 0 else "")


def write_index(folder: Path, out: Path) -> IndexSummary:
    """Write an index file of the images in the class folders of ``folder``; labels follow the sorted names."""
    found = scan_class_folders(folder)
    prefix = os.path.relpath(folder, out.absolute().parent)
    lines = [f"{_CLASSES} {json_text(found.class_names, ensure_ascii=False)}"]
    for label, paths in enumerate(found.paths):
        lines += [f"{_writable(Path(prefix, path).as_posix())} {label}" for path in paths]
    try:
        out.write_bytes("".join(f"{line}\n" for line in lines).encode())
    except OSError as error:
        message = f"The index file '{out}' cannot be written: {error.strerror}."
        raise DataError(message, "Choose another place.") from error
    return IndexSummary(found.class_names, tuple(len(paths) for paths in found.paths), found.left_out_facts())


class _NotText(str):
    """A line that is not UTF-8 text."""

    __slots__ = ()


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not empty, with their numbers; DataError for one that is unreadable or too large."""
    try:
        with BufferedReader(open_regular(path)) as file:
            _require_size(path, file)
            file.seek(0)
            text = TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="\n")
            for number, line in enumerate(text, 1):
                if line == "\n":
                    continue
                yield number, line.rstrip("\r\n") if line.isascii() or _is_text(line) else _NotText()
    except OSError as error:
        message = f"The index file '{path}' cannot be read: {error.strerror}."
        raise DataError(message, "Correct its path.") from error


def _require_size(path: Path, file: BufferedReader[FileIO]) -> None:
    """Raise DataError for an index file with too many bytes or lines, or too long a line, before a line is read."""
    size, lines, unbroken = file.seek(0, 2), 0, 0
    file.seek(0)
    while max(size - LARGEST, lines - MOST_LINES, unbroken - _LONGEST_LINE) <= 0 and (piece := file.read(_CHUNK)):
        found = piece.count(b"\n")
        lines, unbroken = lines + found, 0 if found else unbroken + len(piece)
    for number, most, what in ((size, LARGEST, "bytes"), (lines, MOST_LINES, "lines")):
        if number > most:
            message = f"The index file '{path}' has more than {most:,} {what}."
            raise DataError(message, "Divide it, and train on its parts.")
    if unbroken > _LONGEST_LINE:
        message = f"The index file '{path}' has a line of more than {_LONGEST_LINE:,} bytes."
        raise DataError(message, "Write one 'path label' per line.")


def _label(words: list[str]) -> int:
    if len(words) < 2:
        raise DataError(f"{format_value(words[0])} has no label.", "Write a path, a space and a whole number.")
    if not _LABEL.fullmatch(words[1]):
        raise DataError(f"The label {format_value(words[1])} is not a whole number.", "Write 'path label'.")
    return int(words[1])


def _class_names(line: str) -> tuple[str, ...]:
    """The names in a comment; most comments have none."""
    if not line.startswith(_CLASSES):
        return ()
    try:
        names = json.loads(line.removeprefix(_CLASSES))
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError("The classes are not a JSON list of names.", 'Write them as # classes: ["cat", "dog"].')
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"The classes have {quoted(twice)} twice.", "Name each class once.")
    return tuple(names)


def _writable(path: str) -> str:
    """The path in a spelling that reads back the same."""
    if "\n" in path or "\r" in path or not _is_text(path):
        raise DataError(f"The path {path!r} cannot be written to an index file.", "Rename it with plain characters.")
    return f"./{path}" if path.startswith("#") or path != path.lstrip() else path


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
