"""The rows of a run in ``metrics.jsonl``: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from registry_core.components.run_files import AppendedFile, replace_file
from registry_core.config.run_layout import open_own
from registry_core.diagnostics import RunError
from registry_core.diagnostics.json_text import json_text


class Rows:
    """The file of the rows; RunError, in one sentence, if it cannot be written or read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = AppendedFile(path)

    def append(self, row: Mapping[str, Any]) -> None:
        """Write a row."""
        try:
            self._file.write(f"{json_text(row)}\n".encode())
            self._file.flush()
        except OSError as error:
            self._file.forget()  # a resumed run makes the row again
            raise cannot_write(self.path, error) from error

    def sync(self) -> None:
        """Flush the rows to the disk."""
        try:
            self._file.sync()
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def read(self, warn: Callable[[str], None] | None = None) -> list[dict[str, Any]]:
        """The intact rows; ``warn`` is called for each line that is damaged, unless it is the last, cut by a crash."""
        found = [_row(line) for line in self._text().splitlines()]
        for number in _damaged(found):
            if warn is not None and number < len(found):
                warn(self._left_out(number))
        return [row for row in found if row is not None]

    def damaged(self) -> list[str]:
        """A sentence for each damaged line; the last is none of them if its end is missing, as a crash leaves it."""
        text = self._text()
        found = [_row(line) for line in text.splitlines()]
        is_cut = not text.endswith("\n")
        return [self._left_out(number) for number in _damaged(found) if not (is_cut and number == len(found))]

    def _text(self) -> str:
        try:
            with open_own(self.path) as file:
                return file.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise RunError(f"{str(self.path)!r} cannot be read: {error.strerror}.", "Restore or remove it.") from error

    def _left_out(self, number: int) -> str:
        return f"Line {number} of {str(self.path)!r} is damaged, and is left out."

    def keep_up_to(self, step: int, warn: Callable[[str], None]) -> None:
        """Drop the rows after a step, which a resumed run will measure again, and damaged lines."""
        kept = [row for row in self.read(warn) if row["step"] <= step]
        try:
            replace_file(self.path, "".join(json_text(row) + "\n" for row in kept))
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def take_from(self, other: Rows, step: int) -> None:
        """Copy the rows of another run up to a step."""
        for row in other.read():
            if row["step"] <= step:
                self.append(row)


def cannot_write(path: Path, error: OSError, then: str = "resume the run") -> RunError:
    """The error for a file of a run directory that cannot be written; ``then`` ends the remedy."""
    if not path.parent.is_dir():
        message = f"The run directory {str(path.parent)!r} was moved or removed while the run wrote to it."
        return RunError(message, "Put it back, and resume the run.")
    message = f"{str(path)!r} cannot be written: {error.strerror or error}."
    return RunError(message, f"Free some space or mend the path, and {then}.")


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and type(row.get("step")) is int else None


def _damaged(found: list[dict[str, Any] | None]) -> Iterator[int]:
    """The numbers of the damaged lines, from 1."""
    return (number for number, row in enumerate(found, 1) if row is None)
