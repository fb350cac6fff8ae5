"""The names of a new project, all of which follow from one: distribution, package, components and classes."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from registry_core.catalog import Kind, installed
from registry_core.catalog.policy import normalised
from registry_core.diagnostics import ScaffoldError

_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_PACKAGE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Names:
    """What a project and its parts are called."""

    written: str
    """As it was asked for; the project's folder has this name."""
    distribution: str
    """As pip compares it: ``acme-losses``."""
    package: str
    """The package, and each of its components: ``acme_losses``."""
    cls: str
    """The classes of its components: ``AcmeLosses``."""

    @classmethod
    def of(cls, written: str) -> Names:
        """The names that follow from one; ScaffoldError if it cannot be the name of a distribution or a package."""
        if not _DISTRIBUTION.fullmatch(written):
            raise ScaffoldError(
                f"{written!r} cannot be the name of a distribution: these are letters, digits, -, _ and ., "
                "and begin and end with a letter or digit. Choose a name such as acme-losses."
            )
        name = normalised(written)
        package = name.replace("-", "_")
        class_name = "".join(part.capitalize() for part in name.split("-"))
        if not _PACKAGE.fullmatch(package):
            raise ScaffoldError(
                f"{written!r} would make the Python package and the component {package!r}, whose name must begin with "
                "a letter. Choose a name such as acme-losses."
            )
        for word, what in ((package, "package"), (class_name, "class")):
            if keyword.iskeyword(word):
                raise ScaffoldError(
                    f"{written!r} would make the Python {what} {word!r}, which is a word of the language. "
                    f"Choose a longer name, such as acme-{name}."
                )
        return cls(written, name, package, class_name)

    def refuse_taken(self, kinds: Iterable[Kind]) -> None:
        """Raise ScaffoldError if something that is installed has one of these names."""
        try:
            found = distribution(self.distribution)
        except PackageNotFoundError:
            pass
        else:
            raise ScaffoldError(
                f"The distribution {self.distribution!r} is installed here already ({found.version}). "
                f"Choose another name, or uninstall it: pip uninstall {self.distribution}"
            )
        if _is_module(self.package):
            raise ScaffoldError(
                f"There is a module {self.package!r} here already, which the new package would hide or be hidden by. "
                f"Choose another name, such as my-{self.distribution}."
            )
        for kind in kinds:
            for record in installed().of_kind(kind.name):
                if record.name == self.package:
                    raise ScaffoldError(
                        f"There is {kind.one} {self.package!r} of {record.origin} here already, and pipelines would "
                        f"have to say which they mean. Choose another name, such as my-{self.distribution}."
                    )


def _is_module(name: str) -> bool:
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a damaged module is there, too
        return True
    return found is not None and found.origin is not None  # a mere folder has no origin: it hides nothing
