"""Find components: entry points to records, with the standard library alone."""

from registry_core.catalog.catalog import Catalog, installed, refresh
from registry_core.catalog.kinds import KINDS, Kind
from registry_core.catalog.records import Finding, Record

__all__ = ["KINDS", "Catalog", "Finding", "Kind", "Record", "installed", "refresh"]
