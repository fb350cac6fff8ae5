"""Doubts about lengths: what is due only after the end of the run, and schedules that do not fit it."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.analysis.data import batches, horizon
from registry_core.analysis.measured import watchers
from registry_core.checks.context import CheckContext
from registry_core.components import Every, Horizon
from registry_core.components.forms import counted
from registry_core.diagnostics import Keys, Problem


def _run(context: CheckContext) -> Horizon | None:
    facts = context.survey.facts.get("train")
    return horizon(context.spec, facts.length) if facts and facts.length else None


def check_schedule(context: CheckContext) -> Iterator[Problem]:
    """The learning rate takes a course that is over with the run."""
    run, optim = _run(context), context.spec.optim
    if run is None or optim.scheduler is None:
        return
    for failed in optim.scheduler.warnings(optim.scheduler.horizon_after_warmup(run), optim.optimizer):
        yield context.failed(("optim", "scheduler"), optim.scheduler, failed)


def check_intervals(context: CheckContext) -> Iterator[Problem]:
    """What is to happen every so often happens at least once before the end."""
    run, train = _run(context), context.spec.train
    if run is None:
        return
    written: list[tuple[Keys, Every]] = []
    for name in ("evaluate_every", "log_every"):
        if name in train.model_fields_set and isinstance(every := getattr(train, name), Every):
            written.append((("train", name), every))
    for index, hook in enumerate(context.spec.hooks):
        for name in hook.model_fields_set:
            if isinstance(every := getattr(hook, name, None), Every):
                written.append((context.inside(("hooks", index), (name,)), every))
    for keys, every in written:
        if every.steps(run.steps_per_epoch) > run.total_steps:
            message = f"{every} is more than the run: {_length(run)}."
            yield context.problem(keys, message, "Set it to less, or train longer.")


def check_patience(context: CheckContext) -> Iterator[Problem]:
    """Who waits for evaluations without progress can come to the end of waiting."""
    run, every = _run(context), context.spec.train.evaluate_every
    if run is None or every is None:
        return
    evaluations = run.total_steps // every.steps(run.steps_per_epoch)
    for keys, component in watchers(context.spec):
        patience = getattr(component, "patience", None)
        if "patience" in component.model_fields_set and isinstance(patience, int) and patience >= evaluations:
            message = f"{component.name} waits for {counted(patience, 'evaluation')} without progress"
            message += f", and the run has {evaluations}."
            yield context.problem(context.inside(keys, ("patience",)), message, "Set patience to less.")


def check_accumulation(context: CheckContext) -> Iterator[Problem]:
    """An epoch has as many batches as make a step."""
    facts, accumulate = context.survey.facts.get("train"), context.spec.train.accumulate
    if facts is None or facts.length is None:
        return
    there = batches(context.spec, "train", facts.length)
    if accumulate > there:
        message = f"accumulate is {accumulate}, and an epoch has {there} batches: each step takes those of one epoch."
        yield context.problem(("train", "accumulate"), message, f"Set accumulate to {there} or less.")


def check_averaging(context: CheckContext) -> Iterator[Problem]:
    """Averaged weights forget the first ones before the end."""
    run, ema = _run(context), context.spec.train.ema
    if run is None or ema is None or "decay" not in ema.model_fields_set:
        return
    share = ema.decay**run.total_steps
    if share > 0.5:
        message = f"With decay {ema.decay:g} the averaged weights are {share:.0%} the first ones"
        message += f" at the end of {counted(run.total_steps, 'step')}."
        yield context.problem(("train", "ema", "decay"), message, "Set decay to less, or train longer.")


def check_evaluations(context: CheckContext) -> Iterator[Problem]:
    """Where times to evaluate are set, there are data to do it with."""
    spec = context.spec
    if spec.data.val is not None:
        return
    if "evaluate_every" in spec.train.model_fields_set and spec.train.evaluate_every is not None:
        message = "Nothing is evaluated: the run has no data to do it with."
        yield context.problem(("train", "evaluate_every"), message, "Add data.val, or remove evaluate_every.")


def _length(run: Horizon) -> str:
    return f"it has {counted(run.total_steps, 'step')} in {counted(run.epochs, 'epoch')}"
