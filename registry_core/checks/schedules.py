"""The course of the learning rate: it changes within the run, and neither vanishes early nor rises to the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from registry_core.checks.check import check, warning
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed, Horizon, Scheduler
from registry_core.components.forms import counted
from registry_core.diagnostics import Problem

_POINTS = 100
"""The number of epochs or steps at which a longer course is looked at."""

_FEW = 5
"""Number of epochs or steps below which a run is a trial, whose schedule shows nothing."""

_NOTHING = 1e-4
"""Share of the highest rate below which a rate trains hardly anything."""


@check("schedule-length", after=("max_steps_are_reached",))
def schedule_fits_run(context: CheckContext) -> Iterator[Problem]:
    """The schedule can be built for a run of this length."""
    run, scheduler = context.analysis.horizon, context.spec.optim.scheduler
    if run is None or not run.steps_per_epoch or scheduler is None:
        return
    if not context.whole(("train",), ("data", "train"), ("optim", "scheduler")):
        return
    try:
        scheduler.check(scheduler.horizon_after_warmup(run))
    except CheckFailed as failed:
        yield context.refused_by(("optim", "scheduler"), scheduler, failed)


@warning("schedule-course")
def scheduler_warns(context: CheckContext) -> Iterator[Problem]:
    """The scheduler warns about its course in a run of this length; else the course shows whether it fits."""
    run, scheduler = context.analysis.horizon, context.spec.optim.scheduler
    if run is None or not run.total_steps or scheduler is None:
        return
    if scheduler.warmup_steps(run) >= run.total_steps:
        yield context.refused_by(("optim", "scheduler"), scheduler, _never_begins(scheduler, run))
        return
    left = scheduler.horizon_after_warmup(run)
    facts = replace(context.analysis.run_facts, horizon=left)
    doubts = list(scheduler.warnings(facts))
    course = () if doubts or facts.lr is None else course_of(scheduler, facts.lr, left)
    for failed in doubts or doubts_about(course, scheduler, left):
        yield context.refused_by(("optim", "scheduler"), scheduler, failed)


def course_of(scheduler: Scheduler, lr: float, run: Horizon) -> Sequence[float]:
    """The rates of a run that begins after the warm-up, at some of its epochs or steps; () if they are not known."""
    units = scheduler.length_in_units(run)
    last, count = units - 1, min(units, _POINTS)
    at = range(units) if count == units else [round(point * last / (count - 1)) for point in range(count)]
    found = [rate for unit in at if (rate := scheduler.rate_at(unit, lr, run)) is not None]
    return found if len(found) == count else ()


def doubts_about(course: Sequence[float], scheduler: Scheduler, run: Horizon) -> Iterator[CheckFailed]:
    """The first warning about a course that the schedule was probably not chosen for."""
    if not course:
        return
    highest, units = max(course), scheduler.length_in_units(run)
    which = f"The scheduler {scheduler.name!r}"
    if units == 1 and scheduler.get_unit() == "step":  # a trial of a single step
        return
    if min(course) == highest:
        message = f"{which} never changes the learning rate: {run.of} has {scheduler.in_units(units)}."
        remedy = "Remove the scheduler, or train longer."
        if units == 1 and scheduler.get_unit() == "epoch":
            remedy = "Set `by: step`, or train longer."
        yield CheckFailed(message, remedy)
        return
    if units < _FEW:
        return
    vanished = sum(rate <= _NOTHING * highest for rate in course) / len(course)
    if vanished > 0.25:
        message = f"{which} lets the learning rate vanish: it is at most {_NOTHING * highest:.1g}"
        message += f" for {vanished:.0%} of {run.of}, which has {scheduler.in_units(units)}."
        yield CheckFailed(message, "Let the rate fall more slowly, or train for a shorter time.")
    elif all(later > earlier for earlier, later in pairwise(course)):
        message = f"{which} raises the learning rate until the end: {run.of} has {scheduler.in_units(units)}."
        yield CheckFailed(message, "Let the rise end earlier, or use `warmup` for a rise before another schedule.")


def _never_begins(scheduler: Scheduler, run: Horizon) -> CheckFailed:
    steps = scheduler.warmup_steps(run)
    return CheckFailed(
        f"The warm-up of the scheduler {scheduler.name!r} lasts {counted(steps, 'optimizer step')}, "
        f"but the run has {run.total_steps}: the schedule never begins.",
        "Shorten the warm-up.",
        at=("warmup",),
    )
