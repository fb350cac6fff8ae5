"""Records of components, usable or refused, and findings about distributions, all from entry-point metadata."""

from __future__ import annotations

from typing import Literal, NamedTuple

LOCAL = "(-p)"
"""Used as the version of the components of a local module, which the option -p names."""

SESSION = "this session"
"""Used as the distribution of components that ``registry_core.register`` added; no real distribution has this name."""


class Record(NamedTuple):
    """One registered component, known without importing anything."""

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    """``module:attribute`` of a declaration, class or function; for a provided component, that of its provider."""
    provided: bool = False
    """True if ``target`` is a provider: a function from a name to a declaration, class or function."""
    summary: str = ""
    """Summary in the index of the provider, or the docstring of an object that was registered in the session.

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
    """A registered component that is never imported: it is made for another contract, or disabled."""

    record: Record
    reason: Refusal
    message: str
    """The reason and the remedy, as complete sentences."""


class Finding(NamedTuple):
    """A fault of an installed distribution that keeps its components from being found."""

    distribution: str
    message: str
    """Continues a sentence after the name of the distribution: ``its metadata cannot be read``."""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.distribution}: {self.message}"


class Plugin(NamedTuple):
    """An installed distribution that registers components, or tries to."""

    name: str
    version: str
    location: str
    """The folder of its metadata."""
    editable: str = ""
    """For an editable install, the folder of its project."""
