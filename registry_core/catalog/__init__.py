"""Find components: entry points to records, with the standard library alone."""

from registry_core.catalog.catalog import Catalog, Preferences, add_local, installed, refresh
from registry_core.catalog.kinds import KINDS, Kind
from registry_core.catalog.records import Finding, Plugin, Record, Refused
from registry_core.catalog.shield import shield

__all__ = [
    "KINDS",
    "Catalog",
    "Finding",
    "Kind",
    "Plugin",
    "Preferences",
    "Record",
    "Refused",
    "add_local",
    "installed",
    "refresh",
    "shield",
]
