"""What entry-point metadata alone says: records of components, and findings about what is wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Record:
    """One registered component, known without importing anything."""

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    """Entry-point value, ``module:attribute``: a declaration, or a plain class or function."""

    @property
    def label(self) -> str:
        """Kind, name and origin for messages: ``loss 'focal' of acme-losses 1.0``."""
        return f"{self.kind} {self.name!r} of {self.distribution} {self.version}"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something about an installed distribution that keeps components from being found."""

    distribution: str
    message: str
