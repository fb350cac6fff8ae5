"""Which distributions may take part: all of them, only registry-core itself, or only those that are named."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

OWN = "registry-core"
"""The distribution that this package comes in; its components are never disabled."""

VARIABLE = "REGISTRY_CORE_PLUGINS"
"""Environment variable: ``all`` (the default), ``none``, or names of distributions with commas between them."""


def normalised(name: str) -> str:
    """The name of a distribution as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Policy(NamedTuple):
    """Which third-party distributions may take part; ``allowed`` is None for all of them."""

    allowed: frozenset[str] | None = None

    @classmethod
    def read(cls, text: str) -> Policy:
        """The policy that ``all``, ``none`` or a list of names stands for; an empty text is ``all``."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        if not words or words == ["all"]:
            return cls()
        return cls(frozenset(normalised(word) for word in words if word != "none"))

    @classmethod
    def of_environment(cls) -> Policy:
        """The policy of the environment variable, which processes that are started inherit."""
        return cls.read(os.environ.get(VARIABLE, ""))

    def allows(self, distribution: str) -> bool:
        """Whether components of a distribution, by its normalised name, may be used."""
        return self.allowed is None or distribution == OWN or distribution in self.allowed

    def refusal(self, distribution: str) -> str:
        """Why a distribution is not allowed, and how to allow it."""
        if not self.allowed:
            return f"Third-party plugins are disabled here; allow this one with `--plugins {distribution}`."
        allowed = ",".join(sorted({*self.allowed, distribution}))
        return f"Only named plugins are allowed here; allow this one too with `--plugins {allowed}`."
