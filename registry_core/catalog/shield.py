"""Protect the imports of pydantic, torch and triton from distributions with malformed metadata.

These libraries look up entry points with ``importlib.metadata``, which raises if a single entry_points.txt is
malformed. If there is such a distribution, ``importlib.metadata.distributions`` omits it in this process.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from registry_core.catalog.catalog import installed


def shield() -> None:
    """Hide the distributions whose entry points cannot be read; if there is none, nothing changes."""
    hidden = {finding.distribution for finding in installed().neighbours}
    if not hidden:
        return
    import importlib.metadata

    all_distributions = getattr(importlib.metadata.distributions, "whole", importlib.metadata.distributions)

    def readable(**options: Any) -> Iterable[Any]:
        found = all_distributions(**options)
        return (distribution for distribution in found if str(getattr(distribution, "_path", "")) not in hidden)

    readable.whole = all_distributions  # type: ignore[attr-defined]  # the function to wrap if this is called again
    importlib.metadata.distributions = readable
