"""The names of a new project, all derived from one: distribution, package, components and classes."""

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
    """Names of a project and its parts."""

    written: str
    """The name as written by the user, which is also the name of the project's folder."""
    distribution: str
    """The distribution, normalised as by pip: ``acme-losses``."""
    package: str
    """The package and each of its components: ``acme_losses``."""
    cls: str
    """The class of each component: ``AcmeLosses``."""

    @classmethod
    def of(cls, written: str) -> Names:
        """Derive all names from one. Raises ScaffoldError if it is not valid for a distribution or package."""
        if not _DISTRIBUTION.fullmatch(written):
            raise ScaffoldError(
                f"{written!r} is not a valid name of a distribution: it must consist of letters, digits, -, _ and ., "
                "and begin and end with a letter or digit.",
                "Choose a name such as acme-losses.",
            )
        name = normalised(written)
        package = name.replace("-", "_")
        class_name = "".join(part.capitalize() for part in name.split("-"))
        if not _PACKAGE.fullmatch(package):
            raise ScaffoldError(
                f"{written!r} would name the Python package and the component {package!r}, but these names must begin "
                "with a letter.",
                "Choose a name such as acme-losses.",
            )
        for word, what in ((package, "package"), (class_name, "class")):
            if keyword.iskeyword(word):
                raise ScaffoldError(
                    f"{written!r} would name the Python {what} {word!r}, which is a Python keyword.",
                    f"Choose a longer name, such as acme-{name}.",
                )
        return cls(written, name, package, class_name)

    def refuse_taken(self, kinds: Iterable[Kind]) -> None:
        """Raise ScaffoldError if an installed distribution, module or component already has one of these names."""
        try:
            found = distribution(self.distribution)
        except PackageNotFoundError:
            pass
        else:
            raise ScaffoldError(
                f"The distribution {self.distribution!r} is already installed ({found.version}).",
                f"Choose another name, or uninstall it: pip uninstall {self.distribution}",
            )
        if _is_module(self.package):
            raise ScaffoldError(
                f"A module {self.package!r} already exists and would hide the new package or be hidden by it.",
                f"Choose another name, such as my-{self.distribution}.",
            )
        for kind in kinds:
            for record in installed().of_kind(kind.name):
                if record.name == self.package:
                    raise ScaffoldError(
                        f"The {kind.name} {self.package!r} is already registered by {record.origin}, and pipelines "
                        "would have to choose between them.",
                        f"Choose another name, such as my-{self.distribution}.",
                    )


def _is_module(name: str) -> bool:
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a module that cannot be imported exists nevertheless
        return True
    return found is not None and found.origin is not None  # a namespace package has no origin, and hides nothing
