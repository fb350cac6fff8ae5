"""Checks of the `finetune` section that need no torch: files, names in them, and when parameters are let go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from registry_core.analysis.data import horizon
from registry_core.analysis.weights_file import find_weights, renamed, tensors_in, unwrapped
from registry_core.analysis.weights_fit import check_fits, fits_of
from registry_core.checks.context import Checked
from registry_core.checks.data import missing_path
from registry_core.components import CheckFailed
from registry_core.components.modules import saved_tensors
from registry_core.diagnostics import Keys, Problem


def check_weights(checked: Checked) -> Iterator[Problem]:
    """The weights file exists, is one, and holds what fits the model; a run that goes on needs it not."""
    finetune = checked.spec.finetune
    if finetune is None or finetune.weights is None or not checked.fresh or not checked.whole(("finetune",)):
        return
    try:
        tensors = tensors_in(find_weights(finetune.weights))
    except CheckFailed as failed:
        keys: Keys = ("finetune", "weights")
        if isinstance(finetune.weights, Path) and not finetune.weights.exists():
            yield missing_path(checked, keys, finetune.weights, failed.message, failed.remedy)
        else:
            yield checked.problem(keys, failed.message, failed.remedy)
        return
    except (OSError, ValueError) as error:  # of a path that no system has
        reason = getattr(error, "strerror", None) or error
        message = f"The weights cannot be looked at: {reason}."
        yield checked.problem(("finetune", "weights"), message, "Check the path.")
        return
    if tensors is None:
        return
    if finetune.entry is not None:
        message = "A safetensors file has no entries: it is one set of weights."
        yield checked.problem(("finetune", "entry"), message, "Leave `entry` out.")
    if plain := unwrapped(tensors):
        tensors = {new: tensors[name] for name, new in plain.items()}
    names, mistakes = renamed(tensors, finetune.rename)
    for index, message in mistakes:
        remedy = "Match names that the file has; `registry-core plan FILE --build` shows those of the model."
        yield checked.problem(("finetune", "rename", index), message, remedy)
    if not mistakes and (modules := checked.modules) is not None:
        given = {new: (name, tensors[name]) for name, new in names.items()}
        for misfit in check_fits(list(fits_of(saved_tensors(modules), given)), finetune.strict):
            yield checked.problem(misfit.at, misfit.message, misfit.remedy)


def check_unfreezing(checked: Checked) -> Iterator[Problem]:
    """Parameters are let go within the run, with options that the optimizer has."""
    spec = checked.spec
    if spec.finetune is None or not checked.whole(("finetune",), ("optim", "optimizer")):
        return
    facts = checked.survey.facts.get("train")
    run = horizon(spec, facts.length) if facts and facts.length and checked.whole(("train",), ("data",)) else None
    for index, rule in enumerate(spec.finetune.unfreeze):
        keys: Keys = ("finetune", "unfreeze", index)
        yield from checked.options_problems(keys, rule.options)
        if run is None:
            continue
        start = rule.after.count * (run.steps_per_epoch if rule.after.unit == "epoch" else 1)
        if start >= run.total_steps:
            message = f"Nothing would be trained after {rule.after}: the run has {run.total_steps} steps"
            message += f" in {run.epochs} epoch{'' if run.epochs == 1 else 's'}."
            yield checked.problem((*keys, "after"), message, "Let go earlier, or train longer.")


def check_layer_decay(checked: Checked) -> Iterator[Problem]:
    """The optimizer has a learning rate that can differ from layer to layer."""
    optim = checked.spec.optim
    if optim.layer_decay is None or not checked.whole(("optim", "optimizer")):
        return
    if not isinstance(getattr(optim.optimizer, "lr", None), float):
        message = f"The optimizer {optim.optimizer.name!r} has no learning rate `lr` that could differ by layer."
        yield checked.problem(("optim", "layer_decay"), message, "Leave layer_decay out, or choose another optimizer.")
