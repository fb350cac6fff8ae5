"""Keep malformed metadata of some distribution from stopping what pydantic, torch and triton do when they are imported.

All of them look up entry points with Python's own functions, which raise for everybody if one entry_points.txt is
malformed. Only where there is such a one, Python's list of distributions goes without it in this process.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from registry_core.catalog.catalog import installed


def shield() -> None:
    """Hide the distributions whose entry points cannot be read; where there is none, nothing is changed."""
    hidden = {finding.distribution for finding in installed().neighbours}
    if not hidden:
        return
    import importlib.metadata

    all_distributions = getattr(importlib.metadata.distributions, "whole", importlib.metadata.distributions)

    def readable(**options: Any) -> Iterable[Any]:
        found = all_distributions(**options)
        return (distribution for distribution in found if str(getattr(distribution, "_path", "")) not in hidden)

    readable.whole = all_distributions  # type: ignore[attr-defined]  # where to begin, if this is called again
    importlib.metadata.distributions = readable
