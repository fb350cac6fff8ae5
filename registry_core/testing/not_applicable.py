"""How a check says that it cannot be made."""

from __future__ import annotations


class NotApplicable(Exception):
    """Raised by a check that cannot be made of a component: the message says why."""
