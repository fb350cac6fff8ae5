"""What entry-point metadata alone says: records of components, what cannot be used, and what is wrong."""

from __future__ import annotations

from typing import Literal, NamedTuple

LOCAL = "(-p)"
"""Stands for the version of components of a local module, which the option -p names."""

SESSION = "this session"
"""The distribution in records of what ``registry_core.register`` added; no real one has such a name."""


class Record(NamedTuple):
    """One registered component, known without importing anything."""

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    """``module:attribute``: a declaration, a plain class or function; for what a provider has, the provider."""
    provided: bool = False
    """Whether ``target`` is a provider: a function from the name to what an entry point would name."""
    summary: str = ""
    """The provider's sentence on it in its index, or the first line of the docstring of what the session registered.

    The summary of other components is in their source.
    """

    @property
    def full_name(self) -> str:
        """Kind and name: ``loss/focal``."""
        return f"{self.kind}/{self.name}"

    @property
    def origin(self) -> str:
        """Distribution and version: ``acme-losses 1.0``."""
        return f"{self.distribution} {self.version}" if self.version else self.distribution

    @property
    def is_of_session(self) -> bool:
        """True if it was registered in this process with ``registry_core.register``."""
        return self.distribution == SESSION

    @property
    def label(self) -> str:
        """Kind, name and origin for messages: ``loss 'focal' of acme-losses 1.0``."""
        return f"{self.kind} {self.name!r} of {self.origin}"


Refusal = Literal["contract", "disabled"]


class RefusedRecord(NamedTuple):
    """A registered component that is never imported here: made for another contract, or disabled."""

    record: Record
    reason: Refusal
    message: str
    """Why, and what to do, as sentences that stand alone."""


class Finding(NamedTuple):
    """Something about an installed distribution that keeps components from being found."""

    distribution: str
    message: str
    """Goes on from the name of the distribution: ``its metadata cannot be read``."""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.distribution}: {self.message}"


class Plugin(NamedTuple):
    """An installed distribution that registers components, or tries to."""

    name: str
    version: str
    location: str
    """The folder that its metadata lie in."""
    editable: str = ""
    """For an editable install, the folder of its project."""
