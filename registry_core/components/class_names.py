"""The names of classes, which may be those of folders: which are none, and how messages list them."""

from __future__ import annotations

from collections.abc import Sequence

NO_CLASSES = ("__macosx", "@eadir", "thumbs", "thumbnails", "__pycache__", "lost+found", "$recycle.bin")
"""Names of folders that programs make, in lower case."""


def is_number(name: str) -> bool:
    """True for the name of a class that is a whole number."""
    return name.isascii() and name.isdecimal()


def list_of(names: Sequence[str], parameter: str = "classes") -> str:
    """The parameter that names these classes, as it is written; of many, the first two."""
    return f"`{parameter}: [{', '.join(names if len(names) <= 12 else (*names[:2], '...'))}]`"


def quoted(names: Sequence[str], shown: int = 5) -> str:
    """Names in quotation marks, and how many more there are."""
    listed = ", ".join(f"'{name}'" for name in names[:shown])
    return listed + (f" and {len(names) - shown} more" if len(names) > shown else "")
