"""The listing of a folder, with the identities of its files, made by one look at it."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from registry_core.components.sources import FileIds


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
