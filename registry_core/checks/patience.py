"""Patience: hooks and schedules that wait for progress leave each other time, and expect progress that is possible."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.checks.check import warning
from registry_core.checks.context import CheckContext
from registry_core.components import Component, Metric
from registry_core.components.forms import counted
from registry_core.diagnostics import Keys, Problem

_LARGE = 0.1
"""A tenth of the range of a fraction: hardly any evaluation improves by that much."""


@warning("patience")
def patience_outlasts_plateau(context: CheckContext) -> Iterator[Problem]:
    """A hook that waits for progress waits for longer than the schedule that lowers the rate without it."""
    scheduler = context.spec.optim.scheduler
    lowers_after = _patience(scheduler)
    if scheduler is None or lowers_after is None:
        return
    for keys, hook in _waiting_hooks(context):
        stops_after = _patience(hook)
        if stops_after is None or getattr(hook, "monitor", "") != getattr(scheduler, "monitor", None):
            continue
        if stops_after <= lowers_after + 1:
            message = f"{hook.name} ends the run after {counted(stops_after, 'evaluation')} without progress, before"
            message += f" {scheduler.name} lowers the rate, after {lowers_after + 1}, and a lower rate can help."
            remedy = f"Set patience above {lowers_after + 1}, or a smaller one for {scheduler.name}."
            yield context.problem(context.inside(keys, ("patience",)), message, remedy)


@warning("patience", after=("patience_outlasts_plateau",))
def patience_outlasts_warmup(context: CheckContext) -> Iterator[Problem]:
    """A hook that waits for progress cannot end the run during the warm-up."""
    scheduler, run, every = context.spec.optim.scheduler, context.analysis.horizon, context.spec.train.evaluate_every
    if scheduler is None or run is None or every is None or not run.total_steps:
        return
    steps = scheduler.warmup_steps(run)
    for keys, hook in _waiting_hooks(context):
        patience = _patience(hook)
        earliest = 0 if patience is None else (1 + patience) * every.steps(run.steps_per_epoch)
        if 0 < earliest < min(steps, run.total_steps):
            message = f"{hook.name} may end the run after {counted(earliest, 'step')}, during the warm-up of"
            message += f" {counted(steps, 'step')}."
            yield context.problem(context.inside(keys, ("patience",)), message, "Set a larger patience.")


@warning("patience")
def progress_is_possible(context: CheckContext) -> Iterator[Problem]:
    """The change that counts as progress is small within the range of the metric."""
    for keys, component in context.analysis.watchers:
        parameter = "threshold" if getattr(component, "threshold_mode", None) == "abs" else "min_delta"
        least, metric = getattr(component, parameter, None), _metric(context, component)
        if metric is not None and metric.is_fraction and isinstance(least, float) and least >= _LARGE:
            message = f"{parameter} {least:g} counts hardly any change as progress: {getattr(component, 'monitor', '')}"
            message += " is a fraction from 0 to 1."
            remedy = "Set a smaller value, for example 0.001."
            yield context.problem(context.inside(keys, (parameter,)), message, remedy)


def _waiting_hooks(context: CheckContext) -> Iterator[tuple[Keys, Component]]:
    for index, hook in enumerate(context.spec.hooks):
        yield ("hooks", index), hook


def _patience(component: Component | None) -> int | None:
    patience = getattr(component, "patience", None)
    return patience if isinstance(patience, int) else None


def _metric(context: CheckContext, component: Component) -> Metric | None:
    """The metric that a component watches."""
    watched = getattr(component, "monitor", None)
    found = (each for each in context.spec.metrics if f"val/{each.log_name(each.name)}" == watched)
    return next(found, None)
