"""The optimizer, its parameter groups, and the schedule of its learning rates."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.checks.check import check
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed, Loss, Scheduler
from registry_core.diagnostics import Keys, Problem


@check("schedule-optimizer", after=("schedule_fits_run",))
def schedule_fits_optimizer(context: CheckContext) -> Iterator[Problem]:
    """The schedule fits the optimizer and its parameter groups."""
    optim = context.spec.optim
    if optim.scheduler is None or not context.whole(("optim",)):
        return
    finetune = context.spec.finetune
    split = optim.layer_decay is not None or (finetune is not None and bool(finetune.unfreeze))
    rules = context.analysis.rules if optim.groups else None
    count = len(optim.groups) - (rules.refined_groups if rules else 0)
    try:
        optim.scheduler.check_optimizer(optim.optimizer, None if split else count)
    except CheckFailed as failed:
        yield context.refused_by(("optim", "scheduler"), optim.scheduler, failed)
    yield from _rates_that_are_lost(context, optim.scheduler)


def _rates_that_are_lost(context: CheckContext, scheduler: Scheduler) -> Iterator[Problem]:
    """The rates of groups, layers and parameters unfrozen later, where the schedule sets one rate for all."""
    optim, finetune = context.spec.optim, context.spec.finetune
    if not scheduler.overrides_group_rates():
        return
    rate = getattr(optim.optimizer, "lr", None)
    rates = [group.options["lr"] for group in optim.groups if group.options.get("lr", rate) != rate]
    later = [rule.options["lr"] for rule in (finetune.unfreeze if finetune else ()) if "lr" in rule.options]
    why = f"a group has the rate {rates[0]}" if rates else ""
    if not why and optim.layer_decay is not None and optim.layer_decay.factor != 1:
        why = "layer_decay lets rates differ from layer to layer"
    if not why and later:
        why = f"finetune.unfreeze has the rate {later[0]}"
    if why:
        message = f"The scheduler {scheduler.name!r} sets one rate for all parameter groups, but {why}."
        remedy = "Write a list with one rate for each group, or use a schedule that multiplies rates."
        yield context.problem(("optim", "scheduler"), message, remedy)


@check("unknown-parameter")
def options_of_groups_are_known(context: CheckContext) -> Iterator[Problem]:
    """The options of every parameter group are options of the optimizer."""
    optim = context.spec.optim
    if context.whole(("optim", "optimizer")):
        for index, group in enumerate(optim.groups):
            yield from context.options_problems(("optim", "groups", index), group.options)


@check("precision")
def optimizer_allows_precision(context: CheckContext) -> Iterator[Problem]:
    """No gradient scaler is used with an optimizer that evaluates the loss several times in a step."""
    optimizer = context.spec.optim.optimizer
    if context.whole(("optim", "optimizer")) and optimizer.needs_closure and context.spec.train.needs_scaler:
        message = f"The optimizer {optimizer.name!r} evaluates the loss several times in a step"
        message += ", which the gradient scaler of fp16 does not support."
        remedy = "Use precision fp32 or bf16 or another optimizer."
        yield context.problem(("train", "precision"), message, remedy)


@check("optimizer-groups", after=("options_of_groups_are_known",))
def optimizer_has_groups(context: CheckContext) -> Iterator[Problem]:
    """An optimizer with parameter groups supports them."""
    optim, finetune = context.spec.optim, context.spec.finetune
    if not context.whole(("optim", "optimizer")) or optim.optimizer.supports_groups:
        return
    given: list[tuple[Keys, object]] = [
        (("optim", "groups"), optim.groups),
        (("optim", "layer_decay"), optim.layer_decay),
        (("finetune", "unfreeze"), finetune and finetune.unfreeze),
    ]
    for keys, value in given:
        if value:
            message = f"The optimizer {optim.optimizer.name!r} treats all parameters alike and does not support groups."
            yield context.problem(keys, message, f"Remove {keys[-1]} or use another optimizer.")


@check("layer-decay", after=("optimizer_has_groups",))
def learning_rate_can_differ_by_layer(context: CheckContext) -> Iterator[Problem]:
    """The optimizer has a learning rate that can differ from layer to layer."""
    optim = context.spec.optim
    if optim.layer_decay is None or not context.whole(("optim", "optimizer")):
        return
    if not isinstance(getattr(optim.optimizer, "lr", None), float):
        message = f"The optimizer {optim.optimizer.name!r} has no learning rate `lr` that could differ by layer."
        yield context.problem(("optim", "layer_decay"), message, "Remove layer_decay or use another optimizer.")


@check("parameter-group", after=("options_of_groups_are_known", "optimizer_has_groups"))
def groups_have_parameters(context: CheckContext) -> Iterator[Problem]:
    """Every group and every layer of `optim` has a trainable parameter."""
    optim = context.spec.optim
    if not (optim.groups or (optim.layer_decay and optim.layer_decay.layers)):
        return
    if not context.whole(("optim", "groups"), ("optim", "layer_decay"), ("finetune",)):
        return
    rules = context.analysis.rules
    if rules is None:
        return
    open_ended = any(_may_have_parameters(term.loss) for term in context.spec.loss.terms())
    for failed in rules.group_errors:
        index = failed.at[2]
        if not (open_ended and isinstance(index, int) and optim.groups[index].modules is None):
            yield context.rejected(failed.at, failed)
    yield from context.placed(rules.layer_errors)


def _may_have_parameters(loss: Loss) -> bool:
    """True if a loss may have parameters, which a group can match; plain losses do not declare it."""
    plain = loss.record is not None and loss.record.target == loss.target
    return loss.has_parameters or plain
