"""Lengths: the run has steps, and intervals pass before its end."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.checks.check import check, warning
from registry_core.checks.context import CheckContext
from registry_core.components import Every, Horizon
from registry_core.components.forms import counted
from registry_core.diagnostics import Keys, Problem


@check("no-full-batch")
def epoch_has_a_batch(context: CheckContext) -> Iterator[Problem]:
    """An epoch has at least one batch."""
    train = context.analysis.train
    if train is None or train.batches != 0 or not context.whole(("train",), ("data", "train")):
        return
    message = f"An epoch of {train.samples} samples has no full batch of {train.batch_size}."
    yield context.problem(("data", "batch_size"), message, "Use a smaller batch_size or drop_last: false.")


@check("steps-not-reached", after=("epoch_has_a_batch",))
def max_steps_are_reached(context: CheckContext) -> Iterator[Problem]:
    """The run does not end before `max_steps` because `epochs` is not set."""
    run, train = _checked_run(context), context.spec.train
    if run is None or train.max_steps is None or "epochs" in train.model_fields_set:
        return
    steps = run.steps_per_epoch * train.epochs
    if train.max_steps > steps:
        message = f"The run ends after 1 epoch, {steps} steps, before max_steps."
        remedy = f"Set epochs to {-(-train.max_steps // steps)}."
        yield context.problem(("train", "max_steps"), message, remedy)


def _checked_run(context: CheckContext) -> Horizon | None:
    """The horizon of the run, if it is known and not 0, and does not depend on a broken component."""
    run = context.analysis.horizon
    whole = context.whole(("train",), ("data", "train"))
    return run if run is not None and run.steps_per_epoch and whole else None


@warning("beyond-run")
def intervals_pass_within_run(context: CheckContext) -> Iterator[Problem]:
    """Every interval passes at least once before the end of the run."""
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
        if every == Every(1, "epoch"):  # the run ends within its first epoch: it evaluates and saves then
            continue
        if every.steps(run.steps_per_epoch) > run.total_steps:
            message = f"{every} is longer than the run: {_length(run)}."
            yield context.problem(keys, message, "Set a shorter interval or train longer.")


@warning("beyond-run", after=("intervals_pass_within_run",))
def patience_ends_within_run(context: CheckContext) -> Iterator[Problem]:
    """A patience in evaluations can end within the run."""
    run, every = _run(context), context.spec.train.evaluate_every
    if run is None or every is None:
        return
    evaluations = run.total_steps // every.steps(run.steps_per_epoch)
    for keys, component in context.analysis.watchers:
        patience = getattr(component, "patience", None)
        chosen = "patience" in component.model_fields_set or component.kind == "scheduler"
        if chosen and isinstance(patience, int) and patience >= evaluations:
            message = f"{component.name} waits for {counted(patience, 'evaluation')} without progress"
            message += f", but the run has {evaluations}."
            shorter = f"Set a patience below {evaluations}."
            remedy = shorter if evaluations > 1 else "Evaluate more often or train longer."
            yield context.problem(context.inside(keys, ("patience",)), message, remedy)


@warning("beyond-run", after=("patience_ends_within_run",))
def accumulation_fits_epoch(context: CheckContext) -> Iterator[Problem]:
    """An epoch has at least as many batches as an optimizer step accumulates."""
    train, accumulate = context.analysis.train, context.spec.train.accumulate
    if train is None or (there := train.batches) is None:
        return
    if accumulate > there:
        message = f"accumulate is {accumulate}, but an epoch has {there} batches: no step spans two epochs."
        yield context.problem(("train", "accumulate"), message, f"Set accumulate to {there} or less.")


@warning("beyond-run", after=("accumulation_fits_epoch",))
def averages_forget_first_weights(context: CheckContext) -> Iterator[Problem]:
    """The initial weights have little influence on the averaged ones at the end of the run."""
    run, ema = _run(context), context.spec.train.ema
    if run is None or ema is None:
        return
    share = ema.decay**run.total_steps
    if share > 0.5:
        message = f"With decay {ema.decay:g} the averaged weights are still {share:.0%} the initial ones"
        message += f" at the end of {counted(run.total_steps, 'step')}."
        yield context.problem(("train", "ema", "decay"), message, "Set a smaller decay or train longer.")


@warning("average", after=("averages_forget_first_weights",))
def averages_span_steps(context: CheckContext) -> Iterator[Problem]:
    """The averaged weights are an average of several steps."""
    ema = context.spec.train.ema
    if ema is not None and ema.decay < 0.5:
        message = f"With decay {ema.decay:g} the averaged weights are those of the last step"
        message += "." if ema.decay == 0 else " for the most part."
        yield context.problem(("train", "ema", "decay"), message, "Set decay to 0.9 or more, or remove ema.")


@warning("no-evaluation")
def evaluations_have_data(context: CheckContext) -> Iterator[Problem]:
    """A run with `evaluate_every` has data to evaluate on."""
    spec = context.spec
    if spec.data.val is not None:
        return
    if "evaluate_every" in spec.train.model_fields_set and spec.train.evaluate_every is not None:
        message = "Nothing is evaluated: the pipeline has no data.val."
        yield context.problem(("train", "evaluate_every"), message, "Add data.val or remove evaluate_every.")


def _run(context: CheckContext) -> Horizon | None:
    run = context.analysis.horizon
    return run if run is not None and run.total_steps else None


def _length(run: Horizon) -> str:
    return f"it has {counted(run.total_steps, 'step')} in {counted(run.epochs, 'epoch')}"
