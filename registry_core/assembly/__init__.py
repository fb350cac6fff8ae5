"""Assembly: the torch objects of a plan."""

from registry_core.catalog import shield

shield()  # before torch is imported
