"""Text in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from registry_core.diagnostics.printable import printable


def columns(rows: Iterable[Sequence[object]], indent: str = "") -> list[str]:
    """Rows as lines with aligned columns, what is not printable escaped; the last column is not padded."""
    texts = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        (indent + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in texts
    ]
