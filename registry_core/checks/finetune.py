"""Checks of the `finetune` section that need no torch: files, names in them, and when parameters are let go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from registry_core.analysis.data import horizon
from registry_core.analysis.weights_file import find_weights, renamed, tensors_in, unwrapped
from registry_core.analysis.weights_fit import check_fits, match_tensors
from registry_core.checks.context import CheckContext
from registry_core.checks.data import missing_path
from registry_core.components import CheckFailed
from registry_core.components.modules import saved_tensors
from registry_core.diagnostics import Keys, Problem


def check_weights(context: CheckContext) -> Iterator[Problem]:
    """The weights file exists, is one, and holds what fits the model; a run that goes on needs it not."""
    finetune = context.spec.finetune
    if finetune is None or finetune.weights is None or not context.fresh or not context.whole(("finetune",)):
        return
    try:
        tensors = tensors_in(find_weights(finetune.weights))
    except CheckFailed as failed:
        keys: Keys = ("finetune", "weights")
        if isinstance(finetune.weights, Path) and not finetune.weights.exists():
            yield missing_path(context, keys, finetune.weights, failed.message, failed.remedy)
        else:
            yield context.problem(keys, failed.message, failed.remedy)
        return
    except (OSError, ValueError) as error:  # of a path that no system has
        reason = getattr(error, "strerror", None) or error
        message = f"The weights cannot be looked at: {reason}."
        yield context.problem(("finetune", "weights"), message, "Check the path.")
        return
    if tensors is None:
        return
    if finetune.entry is not None:
        message = "A safetensors file has no entries: it is one set of weights."
        yield context.problem(("finetune", "entry"), message, "Leave `entry` out.")
    if plain := unwrapped(tensors):
        tensors = {new: tensors[name] for name, new in plain.items()}
    names, mistakes = renamed(tensors, finetune.rename)
    for index, message in mistakes:
        remedy = "Match names that the file has; `registry-core plan FILE --build` shows those of the model."
        yield context.problem(("finetune", "rename", index), message, remedy)
    if not mistakes and (modules := context.modules) is not None:
        given = {new: (name, tensors[name]) for name, new in names.items()}
        for misfit in check_fits(list(match_tensors(saved_tensors(modules), given)), finetune.strict):
            yield context.problem(misfit.at, misfit.message, misfit.remedy)


def check_unfreezing(context: CheckContext) -> Iterator[Problem]:
    """Parameters are let go within the run, with options that the optimizer has."""
    spec = context.spec
    if spec.finetune is None or not context.whole(("finetune",), ("optim", "optimizer")):
        return
    facts = context.survey.facts.get("train")
    run = horizon(spec, facts.length) if facts and facts.length and context.whole(("train",), ("data",)) else None
    for index, rule in enumerate(spec.finetune.unfreeze):
        keys: Keys = ("finetune", "unfreeze", index)
        yield from context.options_problems(keys, rule.options)
        if run is None:
            continue
        start = rule.after.count * (run.steps_per_epoch if rule.after.unit == "epoch" else 1)
        if start >= run.total_steps:
            message = f"Nothing would be trained after {rule.after}: the run has {run.total_steps} steps"
            message += f" in {run.epochs} epoch{'' if run.epochs == 1 else 's'}."
            yield context.problem((*keys, "after"), message, "Let go earlier, or train longer.")


def check_layer_decay(context: CheckContext) -> Iterator[Problem]:
    """The optimizer has a learning rate that can differ from layer to layer."""
    optim = context.spec.optim
    if optim.layer_decay is None or not context.whole(("optim", "optimizer")):
        return
    if not isinstance(getattr(optim.optimizer, "lr", None), float):
        message = f"The optimizer {optim.optimizer.name!r} has no learning rate `lr` that could differ by layer."
        yield context.problem(("optim", "layer_decay"), message, "Leave layer_decay out, or choose another optimizer.")
