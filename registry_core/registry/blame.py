"""Name the component whose code raised an exception where nothing was expected to be raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from registry_core.catalog import installed
from registry_core.catalog.own import BUILT_INS
from registry_core.catalog.policy import OWN
from registry_core.components.base import Component
from registry_core.diagnostics import BrokenComponent, RegistryError
from registry_core.diagnostics.foreign_code import failure, pass_interrupt


@contextmanager
def blaming_plugins() -> Iterator[None]:
    """Turn any exception of a plugin's code into a BrokenComponent that names it; others pass through."""
    try:
        yield
    except RegistryError:
        raise
    except BaseException as error:
        pass_interrupt(error)
        if found := blamed(error):
            raise found from error
        raise


def blamed(error: BaseException) -> RegistryError | None:
    """The error to show for an exception that the code of a plugin raised; None if no plugin was involved."""
    found = _deepest(error)
    if found is None:
        return None
    remedy = "Report it to its authors, or use another component."
    return failure(f"The {found.label} failed", error, BrokenComponent, remedy)


def origin_in(error: BaseException) -> str:
    """Words for the distribution whose code raised an exception, `` of acme-losses 1.0``; empty if none did."""
    found = _deepest(error)
    return "" if found is None else f" of {found.origin}"


class _Owner(NamedTuple):
    """The owner of a frame: a component, or a distribution with several of them in a module."""

    label: str
    origin: str


def _deepest(error: BaseException) -> _Owner | None:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return next((owner for frame in reversed(frames) if (owner := _owner(frame))), None)


def _owner(frame: FrameType) -> _Owner | None:
    module = str(frame.f_globals.get("__name__", ""))
    top = module.partition(".")[0]
    if top in (BUILT_INS, "registry_core"):
        return None
    instance: Any = frame.f_locals.get("self")
    if issubclass(type(instance), Component) and instance.record is not None:  # not isinstance, which may run its code
        return _Owner(instance.label, instance.record.origin)
    targets = {record: record.target for record in installed().records if record.distribution != OWN}
    own = [record for record, target in targets.items() if target.partition(":")[0].partition(".")[0] == top]
    called = f"{module}:{frame.f_code.co_qualname.partition('.')[0]}"
    exact = [record for record in own if targets[record] == called]
    if len(exact) == 1:
        return _Owner(exact[0].label, exact[0].origin)
    origins = " or ".join(sorted({record.origin for record in own}))
    return _Owner(f"distribution {origins}", origins) if origins else None
