"""The pipeline file: its models, loading with positions, and checks; no torch."""

from registry_core.spec.dump import dump
from registry_core.spec.load import load
from registry_core.spec.models import Section, Spec

__all__ = ["Section", "Spec", "dump", "load"]
