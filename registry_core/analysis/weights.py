"""The weights that a run starts from: the file, its tensors, and how they match those of the model; without torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from registry_core.analysis.stored_weights import opened, stored_weights
from registry_core.analysis.tensor_matches import TensorMatch, match_tensors
from registry_core.analysis.weights_file import find_weights, renamed
from registry_core.components import CheckFailed, Modules, TensorFacts
from registry_core.components.modules import saved_tensors
from registry_core.config.finetune import Finetune
from registry_core.diagnostics import DataError


@dataclass(frozen=True)
class WeightsAnalysis:
    """The facts of a weights file from its description of the tensors."""

    path: Path | None
    error: CheckFailed | DataError | None = None
    """The reason why the file cannot be found or read."""
    tensors: Mapping[str, TensorFacts] | None = None
    """The tensors by their names in the file; None if it cannot be read."""
    has_entries: bool = False
    """True for a torch file, which may hold several sets of weights."""
    rename_errors: tuple[tuple[int, str], ...] = ()
    """Rules of `rename` that cannot be applied: the index of each, and the reason."""
    matches: tuple[TensorMatch, ...] | None = None
    """The matches of the tensors of file and model; None if one side is not known before the run."""


def analyse_weights(finetune: Finetune, modules: Modules | None) -> WeightsAnalysis:
    """Analyse the weights that a `finetune` section names, for a model of these modules."""
    assert finetune.weights is not None
    try:
        path = find_weights(finetune.weights)
        with opened(path) as file:
            found = stored_weights(file, path, finetune.entry)
    except CheckFailed as failed:
        return WeightsAnalysis(None, failed)
    except (OSError, ValueError) as error:  # the path is invalid
        reason = getattr(error, "strerror", None) or error
        return WeightsAnalysis(None, DataError(f"The weights cannot be read: {reason}.", "Check the path."))
    tensors = found.facts()
    names, wrong = renamed(tensors, finetune.rename)
    known = WeightsAnalysis(path, tensors=tensors, has_entries=found.has_entries, rename_errors=tuple(wrong))
    if wrong or modules is None:
        return known
    return replace(known, matches=matches_of(saved_tensors(modules), tensors, names))


def matches_of(
    wanted: Mapping[str, TensorFacts], tensors: Mapping[str, TensorFacts], names: Mapping[str, str]
) -> tuple[TensorMatch, ...]:
    """The matches of the tensors of a file, by their names after `rename`, with those of a model."""
    given = {new: (name, tensors[name]) for name, new in names.items()}
    return tuple(match_tensors(wanted, given))


def loaded_names(matches: Iterable[TensorMatch]) -> dict[str, str]:
    """The names of the loaded tensors in the model, each with its name in the file."""
    return {match.name: match.file_name for match in matches if match.result == "loaded"}
