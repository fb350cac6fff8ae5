"""Images that two sections of the data have in common, by the sources of their data sets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from registry_core.components.sources import FileIds, Sources


class SharedSamples(NamedTuple):
    """Images that two data sets read: their number, and one of them by its path in each of the two."""

    number: int
    """0 if it is not known."""
    path: str = ""
    other: str = ""


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
    from registry_core.components.folder_listing import list_folder  # few pipelines have data in common

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
