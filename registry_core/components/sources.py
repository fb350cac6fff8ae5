"""The sources of data sets: the identities of the images that they read, by which two sections are compared.

Nothing is read for them. Inode numbers come with the listing of a folder, so that a file has the same identity by every
spelling of its path, and by links.
"""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

FileIds = dict[tuple[str, int], "array[int]"]
"""The files that are read: a folder and a device to the inode numbers of its files."""


@dataclass(frozen=True)
class Sources:
    """The data that a data set reads."""

    parts: Mapping[Any, int | None] = field(default_factory=dict)
    """Data that are read as a whole, such as the split of a file, with the number of images if it is known."""
    files: FileIds = field(default_factory=dict)
    """Image files, 8 bytes each."""

    def __bool__(self) -> bool:
        return bool(self.parts or self.files)

    @property
    def number(self) -> int:
        """The number of images; those whose number is not known count as none."""
        return sum(count or 0 for count in self.parts.values()) + sum(map(len, self.files.values()))


class SharedSamples(NamedTuple):
    """Images that two data sets read: their number, and one of them by its path in each of the two."""

    number: int
    """0 if it is not known."""
    path: str = ""
    other: str = ""


@dataclass(frozen=True)
class FolderListing:
    """The files of a folder with their inode numbers, and its folders."""

    path: str
    device: int
    inodes: dict[str, int]
    linked: dict[str, tuple[int, int]]
    """Links to files: device and inode number of the file."""
    others: list[str]
    """Links that lead nowhere, and what is neither a file nor a folder."""
    folders: list[str]
    folder_links: list[str]

    def file_names(self) -> list[str]:
        """The names of everything that is no folder."""
        return [*self.inodes, *self.linked, *self.others]

    def add_to(self, files: FileIds, names: Sequence[str]) -> None:
        """Add those files of the folder that have these names to the ones that are read."""
        inodes, linked = self.inodes, self.linked
        real = names if not linked and not self.others else [name for name in names if name in inodes]
        if real:
            files.setdefault((self.path, self.device), array("Q")).extend([inodes[name] for name in real])
        for device, inode in (linked[name] for name in (names if linked else ()) if name in linked):
            files.setdefault((self.path, device), array("Q")).append(inode)


def list_folder(path: str) -> FolderListing:
    """List a folder; OSError if it cannot be read."""
    device = os.stat(path).st_dev  # noqa: PTH116  # a path is text here, as in os.scandir
    with os.scandir(path) as found:
        entries = list(found)
    inodes = {entry.name: entry.inode() for entry in entries if entry.is_file(follow_symlinks=False)}
    listing = FolderListing(path, device, inodes, {}, [], [], [])
    for entry in entries if len(inodes) < len(entries) else ():
        if entry.is_symlink():
            _add_link(listing, entry)
        elif entry.is_dir():
            listing.folders.append(entry.name)
        elif entry.name not in inodes:
            listing.others.append(entry.name)
    return listing


def _add_link(listing: FolderListing, entry: os.DirEntry[str]) -> None:
    try:
        found = entry.stat()
    except OSError:  # it leads nowhere
        listing.others.append(entry.name)
        return
    if stat.S_ISDIR(found.st_mode):
        listing.folder_links.append(entry.name)
    elif stat.S_ISREG(found.st_mode):
        listing.linked[entry.name] = found.st_dev, found.st_ino
    else:
        listing.others.append(entry.name)


def declared_source(declaration: BaseModel, length: int | None) -> Sources:
    """The source of a data set that does not say what it reads: its declaration, with paths in one spelling."""
    return Sources({_identity(declaration): length})


def _identity(value: object) -> Hashable:
    if isinstance(value, BaseModel):
        fields = (*type(value).model_fields, *(value.model_extra or ()))
        return type(value), tuple((name, _identity(getattr(value, name))) for name in fields)
    if isinstance(value, Path) or (isinstance(value, str) and os.sep in value and Path(value).exists()):
        return os.path.realpath(value)
    return repr(value)


def shared(new: Sources, known: Sources) -> SharedSamples | None:
    """The images of ``new`` that are also in ``known``; None if there are none.

    Takes time and memory for the inode numbers of the files, and looks at no file unless numbers are equal.
    """
    parts = [part for part in new.parts if part in known.parts]
    count = sum(new.parts[part] or 0 for part in parts)
    common = _common(new.files, known.files)
    for key, inodes in new.files.items() if common else ():
        same = [inode for inode in inodes if inode in common.get(key[1], ())]
        if same and not count:
            path, other = (_path_of(key[1], same[0], files) for files in (new.files, known.files))
            if not _is_same(path, other):  # file systems need not number files in listings as they do elsewhere
                return SharedSamples(count) if parts else None
            return SharedSamples(_number(new.files, common), path, other)
    return SharedSamples(count) if parts else None


def _common(new: FileIds, known: FileIds) -> dict[int, set[int]]:
    """The inode numbers in both, by device."""
    wanted: dict[int, set[int]] = {device: set() for _, device in known}
    for (_, device), inodes in new.items():
        if device in wanted:
            wanted[device].update(inodes)
    found: dict[int, set[int]] = {}
    for (_, device), inodes in known.items():
        found.setdefault(device, set()).update(wanted[device].intersection(inodes))
    return {device: inodes for device, inodes in found.items() if inodes}


def _number(files: FileIds, common: Mapping[int, set[int]]) -> int:
    return sum(inode in common.get(device, ()) for (_, device), inodes in files.items() for inode in inodes)


def _path_of(device: int, inode: int, files: FileIds) -> str:
    """The path of a file that was listed; empty if it is not found any more."""
    for (folder, its_device), inodes in files.items():
        if its_device == device and inode in inodes:
            try:
                listing = list_folder(folder)
            except OSError:
                return ""
            names = {number: name for name, number in listing.inodes.items()} if listing.device == device else {}
            names |= {number: name for name, (found, number) in listing.linked.items() if found == device}
            return f"{folder.rstrip('/')}/{names[inode]}" if inode in names else ""
    return ""


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)  # noqa: PTH121  # paths are text here, as in os.scandir
    except OSError:
        return False
