"""Image files that a data set does not read, in numbers and words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftOut:
    """The image files among those of a data set that it does not read."""

    count: int
    of: int
    """The number of image files, read or not."""
    reasons: tuple[tuple[str, int], ...]
    """The reasons, such as ``of the extension .heic``, with its number."""
    example: str
    """The path of one of them."""
    remedy: str

    def __str__(self) -> str:
        what = ", ".join(f"{count:,} {reason}" for reason, count in self.reasons)
        return f"{self.count:,} of {self.of:,} image files: {what}, such as '{self.example}'"
