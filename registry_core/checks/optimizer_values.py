"""Values of the optimizer: rates and decays in proportion, parameters that have an effect, and gradients clipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from registry_core.checks.check import warning
from registry_core.checks.context import CheckContext
from registry_core.components import Optimizer
from registry_core.components.base import values_set
from registry_core.diagnostics import Keys, Problem

_FAR_LARGER = 1000.0
"""Ratio of the rate of a group to that of the optimizer that hardly anyone means."""


class _Options(NamedTuple):
    """The optimizer with the options of a parameter group, or its own."""

    optimizer: Optimizer
    group: int | None
    given: dict[str, Any]


@warning("overridden-parameter")
def parameters_of_optimizer_have_effect(context: CheckContext) -> Iterator[Problem]:
    """No parameter of the optimizer or of a group is set that the scheduler replaces with another value."""
    scheduler, optimizer = context.spec.optim.scheduler, context.spec.optim.optimizer
    for name, (by, values) in (scheduler.replaces() if scheduler else {}).items():
        for options in _every(context):
            set_here = optimizer.model_fields_set if options.group is None else options.given
            keys, value = _place(context, options, name), _cycled(options.optimizer, name)
            if scheduler is None or keys is None or name not in set_here or value in (None, *values):
                continue
            message = f"{name} {value:g} of the optimizer has no effect: the scheduler {scheduler.name!r} replaces it"
            message += f" with its own {by}, {' to '.join(f'{each:g}' for each in sorted({min(values), max(values)}))}."
            yield context.problem(keys, message, _remedy(name, by, optimizer))


def _cycled(optimizer: Optimizer, name: str) -> float | None:
    """The value of a parameter that a scheduler replaces; of betas the first, unless that is the default."""
    value = getattr(optimizer, name, None)
    if not isinstance(value, tuple):
        return value
    return None if value[0] == type(optimizer).model_fields[name].default[0] else value[0]


def _remedy(name: str, by: str, optimizer: Optimizer) -> str:
    if name == "lr":
        return f"Remove lr, and set {by} of the scheduler."
    if getattr(optimizer, "nesterov", False) is True and name == "momentum":  # which requires that it is set
        return f"Set it to {by} of the scheduler, or cycle_momentum to false to keep it."
    return "Remove it, or set cycle_momentum of the scheduler to false to keep it."


@warning("optimizer-values", after=("parameters_of_optimizer_have_effect",))
def rates_are_in_proportion(context: CheckContext) -> Iterator[Problem]:
    """The highest rate of every parameter group is usual for the optimizer, and not far from the others."""
    own = getattr(context.spec.optim.optimizer, "lr", None)
    for options in _every(context):
        usual, (keys, rate) = options.optimizer.usual_rates, _rate(context, options)
        if rate is None or keys is None:
            continue
        if usual is not None and not usual[0] <= rate <= usual[1]:
            message = f"The learning rate {rate:g} is out of proportion: {options.optimizer.name} usually trains"
            message += f" with {usual[0]:g} to {usual[1]:g}."
            yield context.problem(keys, message, "Set a rate in this range.")
        elif options.group is not None and own and rate >= _FAR_LARGER * own:
            message = f"The group has a learning rate of {rate:g}, which is {rate / own:g} times that of the others."
            yield context.problem(keys, message, "Set a smaller rate, or a larger one for the others.")


@warning("optimizer-values", after=("rates_are_in_proportion",))
def decay_leaves_weights(context: CheckContext) -> Iterator[Problem]:
    """No step takes a tenth of the weights or more as weight decay."""
    for options in _every(context):
        _, rate = _rate(context, options)
        decay = options.optimizer.decay_of_weights()
        keys = _place(context, options, "weight_decay")
        if rate is None or keys is None or rate * decay < 0.1:
            continue
        message = f"Each step takes {min(rate * decay, 1.0):.0%} of the weights:"
        message += f" the learning rate {rate:g} times weight_decay {decay:g}."
        yield context.problem(keys, message, "Set a smaller weight_decay, for example 0.01, or a smaller rate.")


@warning("optimizer-values", after=("decay_leaves_weights",))
def optimizer_warns(context: CheckContext) -> Iterator[Problem]:
    """The optimizer warns about its parameters, those of each group included."""
    for options in _every(context):
        for failed in options.optimizer.warnings(context.analysis.run_facts):
            keys = _place(context, options, str(failed.at[0])) if failed.at else ("optim", "optimizer")
            if keys is not None:
                yield context.rejected(keys, failed)


@warning("optimizer-values")
def layers_are_trained(context: CheckContext) -> Iterator[Problem]:
    """The rate of the first layer is not vanishingly small."""
    decay = context.spec.optim.layer_decay
    if decay is None or decay.layers is None or (rules := context.analysis.rules) is None:
        return
    count = len(rules.layers)
    share = decay.factor ** max(count - 1, 0)
    if share < 1e-5:
        message = f"The first of {count} layers hardly learns: its rate is {share:.1g} of that of the last."
        yield context.problem(("optim", "layer_decay", "factor"), message, "Set a larger factor, for example 0.8.")


@warning("optimizer-values")
def clipping_leaves_gradients(context: CheckContext) -> Iterator[Problem]:
    """Gradients are not clipped far below the norm of any gradient."""
    clip = context.spec.train.clip
    for name, least in (("norm", 1e-3), ("value", 1e-6)):
        limit = getattr(clip, name, None)
        if limit is not None and limit < least:
            message = f"Every gradient is clipped: hardly any has a {name} below {limit:g}."
            yield context.problem(("train", "clip", name), message, f"Set a larger {name}, for example 1.0.")


def _every(context: CheckContext) -> Iterator[_Options]:
    """The optimizer as the file declares it, and with the options of each group."""
    optim = context.spec.optim
    optimizer = optim.optimizer
    yield _Options(optimizer, None, {})
    for index, group in enumerate(optim.groups):
        if group.options:
            changed = type(optimizer).model_validate({**values_set(optimizer), **group.options})
            if optimizer.record is not None:
                changed = changed.with_record(optimizer.name_in_file, optimizer.record)
            yield _Options(changed, index, group.options)


def _place(context: CheckContext, options: _Options, name: str) -> Keys | None:
    """The place of an option; None if a group does not set it, so that it is that of the optimizer."""
    if options.group is None:
        return context.inside(("optim", "optimizer"), (name,))
    return ("optim", "groups", options.group, name) if name in options.given else None


def _rate(context: CheckContext, options: _Options) -> tuple[Keys | None, float | None]:
    """The highest rate of parameters with these options, and the place that sets it."""
    scheduler = context.spec.optim.scheduler
    replaced = scheduler.replaces().get("lr") if scheduler else None
    if replaced is not None:
        place = context.inside(("optim", "scheduler"), (replaced.by,)) if options.group is None else None
        return place, max(replaced.values)
    rate = getattr(options.optimizer, "lr", None)
    return _place(context, options, "lr"), rate if isinstance(rate, float) else None
