"""The index of a provider: a file beside its module with one name per line, followed by a tab and a summary.

The provider ``acme.models`` has its index in ``acme/models.index``. It is read without importing the provider.
"""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.catalog.modules import module_file


class UnusableIndex(Exception):
    """An index is missing or cannot be read; the message says why."""


def read_index(module: str) -> list[tuple[str, str]]:
    """Names and summaries in the index beside a provider's module; UnusableIndex if there is none."""
    source = module_file(module)
    if source is None:
        raise UnusableIndex(f"the module {module!r} is not installed.")
    path = source.with_suffix(".index")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnusableIndex(
            f"there is no file {path.name!r} beside {source.name!r}. Add it to the package data."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableIndex(f"{path.name!r} cannot be read ({error}).") from None
    return list(_entries(text))


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, summary = line.partition("\t")
        if name.strip() and not name.startswith("#"):
            yield name.strip(), summary.strip()
