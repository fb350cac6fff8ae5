"""Find components: turn entry points into records, with the standard library alone."""

from registry_core.catalog.catalog import Catalog, Preferences, add_local, add_session, installed, refresh
from registry_core.catalog.kinds import KINDS, Kind
from registry_core.catalog.records import Finding, Plugin, Record, RefusedRecord
from registry_core.catalog.shield import shield

__all__ = [
    "KINDS",
    "Catalog",
    "Finding",
    "Kind",
    "Plugin",
    "Preferences",
    "Record",
    "RefusedRecord",
    "add_local",
    "add_session",
    "installed",
    "refresh",
    "shield",
]
