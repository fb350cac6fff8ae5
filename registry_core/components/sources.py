"""The sources of data sets: the identities of the images that they read, by which sections are compared.

Nothing is read for them. Inode numbers come with the listing of a folder, so that a file has the same identity by every
spelling of its path, and by links.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from array import array

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
