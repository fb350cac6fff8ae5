"""Problems, the errors that carry them, their codes and explanations, and near matches."""

from registry_core.diagnostics.errors import (
    BrokenComponent,
    CheckpointError,
    DataError,
    InvalidParameters,
    MissingData,
    NameConflict,
    PipelineError,
    RegistryError,
    RunError,
    ScaffoldError,
    UnknownComponent,
)
from registry_core.diagnostics.near_matches import Suggestion, best, closest, near, suggest
from registry_core.diagnostics.problem import STDIN, Fix, Keys, Place, Problem, dotted
from registry_core.diagnostics.sentences import as_clause, as_sentence, describe_error
from registry_core.diagnostics.values import format_value

__all__ = [
    "STDIN",
    "BrokenComponent",
    "CheckpointError",
    "DataError",
    "Fix",
    "InvalidParameters",
    "Keys",
    "MissingData",
    "NameConflict",
    "PipelineError",
    "Place",
    "Problem",
    "RegistryError",
    "RunError",
    "ScaffoldError",
    "Suggestion",
    "UnknownComponent",
    "as_clause",
    "as_sentence",
    "best",
    "closest",
    "describe_error",
    "dotted",
    "format_value",
    "near",
    "suggest",
]
