"""Check that components of the session can be sent to loader processes that are not forked."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from registry_core.components import Component
from registry_core.config.loading.resolve import components
from registry_core.diagnostics import RunError


def require_sendable(parts: Iterable[tuple[Component | None, object]], workers: int) -> None:
    """Raise RunError if a component of the session cannot be sent to loader processes.

    ``parts`` are components with the objects built from them. A forked process has all objects already, so only
    other start methods of ``multiprocessing`` are checked.
    """
    method = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    if not workers or method == "fork":
        return
    for declared, built in parts:
        found = next((each for each in components(declared) if each.record and each.record.is_of_session), None)
        if found is not None and (reason := _fault_of(built)):
            message = f"The {found.label} cannot be sent to a loader process (start method {method!r}): {reason}."
            remedy = "Define it at the top level of a module that this session imports, or set data.workers to 0."
            raise RunError(message, remedy).blaming(found)


def _fault_of(built: object) -> str:
    """The reason why an object cannot be sent to a newly started process, as a clause; empty if it can."""
    seen = _Seen()
    try:
        pickle.Pickler(seen).dump(built)
    except (
        pickle.PicklingError,
        AttributeError,
        TypeError,
    ) as error:  # process locks raise other errors, and can be sent
        return f"it cannot be pickled ({error})"
    except RuntimeError:
        return ""
    if seen.main and not _main_is_a_file():
        return "it is defined in a notebook or on the command line, which that process cannot import"
    return ""


class _Seen:
    """A file that discards pickled data, and notes whether the data name the module ``__main__``."""

    def __init__(self) -> None:
        self.main = False

    def write(self, data: Any) -> int:
        """Search a piece of the data."""
        self.main |= b"__main__" in bytes(data)
        return len(data)


def _main_is_a_file() -> bool:
    """True if another process can import this ``__main__``, as ``multiprocessing`` does."""
    main = sys.modules["__main__"]
    return main.__spec__ is not None or Path(getattr(main, "__file__", None) or "<stdin>").is_file()
