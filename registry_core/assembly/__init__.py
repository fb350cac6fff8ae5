"""From a plan to torch objects."""

from registry_core.catalog import shield

shield()  # before torch is imported
