"""Problems, the errors that carry them, their codes and explanations, and near matches."""

from registry_core.diagnostics.errors import (
    BrokenComponent,
    CheckpointError,
    DataError,
    InvalidParameters,
    NameConflict,
    PipelineError,
    RegistryError,
    RunError,
    ScaffoldError,
    UnknownComponent,
)
from registry_core.diagnostics.near_matches import closest, near
from registry_core.diagnostics.problem import Fix, Keys, Place, Problem, dotted

__all__ = [
    "BrokenComponent",
    "CheckpointError",
    "DataError",
    "Fix",
    "InvalidParameters",
    "Keys",
    "NameConflict",
    "PipelineError",
    "Place",
    "Problem",
    "RegistryError",
    "RunError",
    "ScaffoldError",
    "UnknownComponent",
    "closest",
    "dotted",
    "near",
]
