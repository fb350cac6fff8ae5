"""The initial values of parameters: rules of `init`, the weights of `finetune`, and frozen parameters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from registry_core.analysis.dead_layers import dead_layers
from registry_core.analysis.tensor_matches import match_errors
from registry_core.checks.check import check, warning
from registry_core.checks.context import CheckContext
from registry_core.checks.data import missing_path
from registry_core.diagnostics import DataError, Keys, Problem


@check("weights")
def weights_fit_model(context: CheckContext) -> Iterator[Problem]:
    """The weights file exists, can be read, and fits the model; a resumed run does not need it."""
    finetune = context.spec.finetune
    if finetune is None or finetune.weights is None or not context.fresh or not context.whole(("finetune",)):
        return
    found = context.analysis.weights
    assert found is not None
    if found.error is not None:
        keys: Keys = ("finetune", "weights")
        error = DataError(found.error.message, found.error.remedy)
        if isinstance(finetune.weights, Path) and not _exists(finetune.weights):
            yield missing_path(context, keys, finetune.weights, error)
        else:
            yield context.problem(keys, error.message, error.remedy)
        return
    if found.tensors is None:
        return
    if finetune.entry is not None:
        message = "A safetensors file has no entries: it is one set of weights."
        yield context.problem(("finetune", "entry"), message, "Remove `entry`.")
    for index, message in found.rename_errors:
        remedy = "Match names in the file; `registry-core plan FILE --build` shows those of the model."
        yield context.problem(("finetune", "rename", index), message, remedy)
    if found.matches is not None:
        yield from context.placed(match_errors(found.matches, finetune.strict))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # the path is invalid
        return True


@check("unfreeze")
def parameters_are_let_go_within_run(context: CheckContext) -> Iterator[Problem]:
    """Frozen parameters are unfrozen within the run, with options that the optimizer has."""
    spec = context.spec
    if spec.finetune is None or not context.whole(("finetune",), ("optim", "optimizer")):
        return
    run = context.analysis.horizon if context.whole(("train",), ("data",)) else None
    for index, rule in enumerate(spec.finetune.unfreeze):
        keys: Keys = ("finetune", "unfreeze", index)
        yield from context.options_problems(keys, rule.options)
        if run is None or not run.steps_per_epoch:
            continue
        if rule.after.steps(run.steps_per_epoch) >= run.total_steps:
            message = f"Nothing would be trained after {rule.after}: the run has {run.total_steps} steps"
            message += f" in {run.epochs} epoch{'' if run.epochs == 1 else 's'}."
            yield context.problem((*keys, "after"), message, "Unfreeze earlier or train longer.")


@check("init-rule")
def init_rules_fill_parameters(context: CheckContext) -> Iterator[Problem]:
    """Every rule of `init` fills at least one parameter, if the modules of the model are known."""
    if context.spec.init and context.whole(("init",)) and (rules := context.analysis.rules) is not None:
        yield from context.placed(rules.init_errors)


@warning("dead-layer")
def layers_are_alive(context: CheckContext) -> Iterator[Problem]:
    """No rule of `init` fills a layer with zeros so that no gradient passes it again."""
    finetune = context.spec.finetune
    if context.spec.init and (finetune is None or finetune.weights is None):
        yield from context.placed(dead_layers(context.analysis.model.layers, context.analysis.rules))


@check("frozen-parameters")
def something_is_trained(context: CheckContext) -> Iterator[Problem]:
    """The patterns of `freeze` and `unfreeze` match parameters, and leave something to train."""
    finetune = context.spec.finetune
    if finetune is None or not finetune.freeze or not context.whole(("finetune",)):
        return
    if (rules := context.analysis.rules) is not None:
        yield from context.placed(rules.freezing_errors)
