"""The weights that a run starts from: the file, its tensors, and how they match those of the model; without torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from registry_core.analysis.tensor_matches import TensorMatch, match_tensors
from registry_core.analysis.weights_file import find_weights, renamed, tensors_in, unwrapped
from registry_core.components import CheckFailed, Modules, TensorFacts
from registry_core.components.modules import saved_tensors
from registry_core.config.finetune import Finetune
from registry_core.diagnostics import DataError


@dataclass(frozen=True)
class WeightsAnalysis:
    """A weights file, as far as its header tells; of a torch file only where it is."""

    path: Path | None
    error: CheckFailed | DataError | None = None
    """The file cannot be found or read."""
    tensors: Mapping[str, TensorFacts] | None = None
    """By their names in the file; None for a torch file, which only torch can read."""
    rename_errors: tuple[tuple[int, str], ...] = ()
    """The number of a rule of `rename` that cannot be applied, and the reason."""
    matches: tuple[TensorMatch, ...] | None = None
    """How the tensors of the file and the model match; None where one side is not known before the run."""


def analyse_weights(finetune: Finetune, modules: Modules | None) -> WeightsAnalysis:
    """Look at the weights of a `finetune` section that names some, for a model of these modules."""
    assert finetune.weights is not None
    try:
        path = find_weights(finetune.weights)
        tensors = tensors_in(path)
    except CheckFailed as failed:
        return WeightsAnalysis(None, failed)
    except (OSError, ValueError) as error:  # of a path that no system has
        reason = getattr(error, "strerror", None) or error
        return WeightsAnalysis(None, DataError(f"The weights cannot be looked at: {reason}.", "Check the path."))
    if tensors is None:
        return WeightsAnalysis(path)
    if plain := unwrapped(tensors):
        tensors = {new: tensors[name] for name, new in plain.items()}
    names, wrong = renamed(tensors, finetune.rename)
    if wrong or modules is None:
        return WeightsAnalysis(path, tensors=tensors, rename_errors=tuple(wrong))
    return WeightsAnalysis(path, tensors=tensors, matches=matches_of(saved_tensors(modules), tensors, names))


def matches_of(
    wanted: Mapping[str, TensorFacts], tensors: Mapping[str, TensorFacts], names: Mapping[str, str]
) -> tuple[TensorMatch, ...]:
    """How the tensors of a file, under the names that rules of `rename` make of theirs, match those of a model."""
    given = {new: (name, tensors[name]) for name, new in names.items()}
    return tuple(match_tensors(wanted, given))


def loaded_names(matches: Iterable[TensorMatch]) -> dict[str, str]:
    """The tensors that are loaded: their names in the model, each with its name in the file."""
    return {match.name: match.file_name for match in matches if match.result == "loaded"}
