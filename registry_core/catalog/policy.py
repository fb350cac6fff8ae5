"""The policy for third-party distributions: all of them may be used, none, or only named ones."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

OWN = "registry-core"
"""The distribution of this package; its components are never disabled."""

VARIABLE = "REGISTRY_CORE_PLUGINS"
"""Environment variable: ``all`` (the default), ``none``, or names of distributions separated by commas."""


def normalised(name: str) -> str:
    """The name of a distribution as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Policy(NamedTuple):
    """The third-party distributions that may be used; ``allowed`` is None for all of them."""

    allowed: frozenset[str] | None = None

    @classmethod
    def read(cls, text: str) -> Policy:
        """Parse ``all``, ``none`` or a list of names; an empty text means ``all``."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        if not words or words == ["all"]:
            return cls()
        return cls(frozenset(normalised(word) for word in words if word != "none"))

    @classmethod
    def of_environment(cls) -> Policy:
        """The policy of the environment variable, which child processes inherit."""
        return cls.read(os.environ.get(VARIABLE, ""))

    def allows(self, distribution: str) -> bool:
        """True if the components of a distribution may be used; the name is normalised."""
        return self.allowed is None or distribution == OWN or distribution in self.allowed

    def refusal(self, distribution: str) -> str:
        """Why a distribution is not allowed, and how to allow it."""
        if not self.allowed:
            return f"Third-party plugins are disabled here; allow this one with `--plugins {distribution}`."
        allowed = ",".join(sorted({*self.allowed, distribution}))
        return f"Only named plugins are allowed here; allow this one too with `--plugins {allowed}`."
