"""The initial values of parameters: rules of `init`, the weights of `finetune`, and frozen parameters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from registry_core.analysis.dead_layers import dead_layers
from registry_core.analysis.patterns import names_matching, quoted, some_of
from registry_core.analysis.tensor_matches import match_errors
from registry_core.checks.check import check, warning
from registry_core.checks.context import CheckContext
from registry_core.checks.data import missing_path
from registry_core.components import CheckFailed
from registry_core.components.forms import counted
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
        at = found.error.at if isinstance(found.error, CheckFailed) else ()
        keys: Keys = ("finetune", *(at or ("weights",)))
        error = DataError(found.error.message, found.error.remedy)
        if isinstance(finetune.weights, Path) and not _exists(finetune.weights):
            yield missing_path(context, keys, finetune.weights, error)
        else:
            yield context.problem(keys, error.message, error.remedy)
        return
    if found.tensors is None:
        return
    if finetune.entry is not None and not found.has_entries:
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
def options_after_unfreezing_are_known(context: CheckContext) -> Iterator[Problem]:
    """Frozen parameters are unfrozen with options that the optimizer has."""
    finetune = context.spec.finetune
    if finetune is not None and context.whole(("finetune",), ("optim", "optimizer")):
        for index, rule in enumerate(finetune.unfreeze):
            yield from context.options_problems(("finetune", "unfreeze", index), rule.options)


@warning("unfreeze")
def parameters_are_let_go_within_run(context: CheckContext) -> Iterator[Problem]:
    """Frozen parameters are unfrozen within the run."""
    finetune, run = context.spec.finetune, context.analysis.horizon
    if finetune is None or run is None or not run.steps_per_epoch:
        return
    for index, rule in enumerate(finetune.unfreeze):
        if rule.after.steps(run.steps_per_epoch) >= run.total_steps:
            message = f"Nothing is trained after {rule.after}: the run has {counted(run.total_steps, 'step')}"
            message += f" in {counted(run.epochs, 'epoch')}."
            keys: Keys = ("finetune", "unfreeze", index, "after")
            yield context.problem(keys, message, "Unfreeze earlier or train longer.")


@warning("random-frozen")
def frozen_parameters_have_values(context: CheckContext) -> Iterator[Problem]:
    """Parameters that are never trained have values from weights, or from a rule of `init` that sets them."""
    finetune = context.spec.finetune
    if finetune is None or finetune.weights is not None or (rules := context.analysis.rules) is None:
        return
    filled = {fill.name for fill in rules.init_fills if not fill.scheme.draws}
    frozen = rules.frozen
    random = [name for name in rules.parameters if name in frozen.names and name not in {*frozen.freed, *filled}]
    for index, pattern in enumerate(finetune.freeze):
        own = names_matching(pattern, random)
        if own:
            message = f"{quoted(pattern)} freezes parameters with random first values: {some_of(own)}."
            remedy = "Set finetune.weights to a file with their values, or do not freeze them."
            yield context.problem(("finetune", "freeze", index), message, remedy)


@check("init-rule")
def init_rules_fill_parameters(context: CheckContext) -> Iterator[Problem]:
    """Every rule of `init` fills at least one parameter, if the modules of the model are known."""
    if context.spec.init and context.whole(("init",)) and (rules := context.analysis.rules) is not None:
        yield from context.placed(rules.init_errors)


@warning("dead-layer", after=("first_weights_differ", "first_weights_are_in_proportion"))
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
