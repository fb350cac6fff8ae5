"""Inspections of a program: the trace of a sample, the dry run, the check of all data, whitening."""

from registry_core.catalog import shield

shield()  # before torch is imported
