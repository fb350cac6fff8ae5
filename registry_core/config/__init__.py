"""The pipeline file: its models, how it is read and written, its JSON Schema; no torch."""

from registry_core.config.dump import dump
from registry_core.config.models import Section, Spec

__all__ = ["Section", "Spec", "dump"]
