"""Components of a local module that is not packaged, loaded with the option ``-p MODULE``.

The module lists them in a table in the form of entry points:

    REGISTRY_CORE = {"loss/focal": FocalLoss, "transform/darken": darken}
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from registry_core.catalog import KINDS, Record, add_local
from registry_core.catalog.records import LOCAL
from registry_core.catalog.scan import NAME
from registry_core.components.target import import_module
from registry_core.diagnostics import BrokenComponent, near

TABLE = "REGISTRY_CORE"


def use_local_module(name: str) -> tuple[Record, ...]:
    """Import a module from the current folder or ``sys.path``, and add the components in its table.

    Raises BrokenComponent if the module cannot be imported or its table is wrong.
    """
    if name.endswith(".py") or "/" in name or "\\" in name:
        stem = Path(name).stem
        remedy = f"Name the module{f': -p {stem}' if stem.isidentifier() else ''}, from the folder it is in."
        raise BrokenComponent(f"{name!r} (option -p) is a file.", remedy)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module = import_module(name, owner=f"The module {name!r} (option -p)")
    table = getattr(module, TABLE, None)
    if not isinstance(table, Mapping):
        raise _wrong(name, f"has no table {TABLE}.", f"Add one: {TABLE} = {{'loss/my_loss': MyLoss}}")
    records = tuple(_records(module, table))
    add_local(records)
    return records


def _records(module: ModuleType, table: Mapping[Any, Any]) -> Iterator[Record]:
    for key, value in table.items():
        kind, _, name = str(key).partition("/")
        if kind not in KINDS:
            raise _wrong(module.__name__, f"has the key {key!r} in {TABLE}, not kind/name.", near(kind, KINDS))
        if not NAME.fullmatch(name):
            what = f"has the key {key!r} in {TABLE}: {name!r} is not a snake_case name."
            raise _wrong(module.__name__, what, "Rename it, as in my_loss.")
        attribute = next((each for each, found in vars(module).items() if found is value), None)
        if attribute is None:
            what = f"has an object without a name for {key!r} in {TABLE}."
            raise _wrong(module.__name__, what, "Define it in the module.")
        yield Record(kind, name, module.__name__, LOCAL, f"{module.__name__}:{attribute}")


def _wrong(module: str, what: str, remedy: str) -> BrokenComponent:
    return BrokenComponent(f"The module {module!r} (option -p) {what}", remedy)
