"""The pipeline file: its models, reading and writing, and its JSON Schema; torch is not imported."""

from registry_core.config.dump import dump
from registry_core.config.models import Section, Spec

__all__ = ["Section", "Spec", "dump"]
