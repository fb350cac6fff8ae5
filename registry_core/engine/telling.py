"""Messages of a run to the user, on standard error."""

from __future__ import annotations

import sys


def warn(message: str) -> None:
    """Print a warning to standard error."""
    print(message, file=sys.stderr)
