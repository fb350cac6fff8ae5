"""Checks across components: does what one gives fit what the next takes? All of them run without torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import replace

from registry_core.analysis.data import batches, horizon, samples_in_epoch
from registry_core.analysis.measured import metric_names, watchers
from registry_core.checks.context import Checked
from registry_core.checks.data import check_data, check_samplers
from registry_core.checks.finetune import check_layer_decay, check_unfreezing, check_weights
from registry_core.checks.forms import (
    check_classes,
    check_entries,
    check_forms,
    check_metric_forms,
    check_targets,
    check_values,
)
from registry_core.checks.rules import check_frozen, check_init_rules, check_parameter_groups
from registry_core.checks.samples import check_batches, check_samples
from registry_core.checks.shapes import check_metric_shapes, check_shapes
from registry_core.checks.transforms import (
    check_device_transforms,
    check_images,
    check_places,
    check_target_transforms,
    check_views,
    follow_target,
)
from registry_core.components import CheckFailed, DataFacts, RunFacts
from registry_core.components.forms import TargetForm
from registry_core.config.loading.resolve import placed_components
from registry_core.config.models import Section, Spec
from registry_core.diagnostics import Keys, Problem, closest, near


def check(checked: Checked) -> list[Problem]:
    """All problems that the checks find, each with the code of its check unless it has one of its own."""
    found = ((code, problem) for code, one in CHECKS for problem in one(checked))
    return [problem if problem.code else problem._replace(code=code) for code, problem in found]


def check_model(checked: Checked) -> Iterator[Problem]:
    """The parts of the model fit each other."""
    if checked.whole(("model",)):
        model = checked.spec.model
        for failed in model.mistakes():
            yield checked.problem(("model", model.written_name, *failed.at), failed.message, failed.remedy)


def check_length(checked: Checked) -> Iterator[Problem]:
    """There is at least one step, and the schedule fits the run."""
    facts = checked.survey.facts.get("train")
    if facts is None or facts.length is None or not checked.whole(("train",), ("data", "train")):
        return
    spec = checked.spec
    if batches(spec, "train", facts.length) == 0:
        samples = samples_in_epoch(spec, "train", facts.length)
        message = f"An epoch of {samples} samples has no full batch of {spec.data.batch_size_of('train')}."
        remedy = "Use a smaller batch_size, or drop_last: false."
        yield checked.problem(("data", "batch_size"), message, remedy, "no-full-batch")
        return
    length = horizon(spec, facts.length)
    steps = length.steps_per_epoch * spec.train.epochs
    if (
        spec.train.max_steps is not None
        and spec.train.max_steps > steps
        and "epochs" not in spec.train.model_fields_set
    ):
        message = f"The run ends after 1 epoch, {steps} steps, before max_steps."
        remedy = f"Set epochs to {-(-spec.train.max_steps // steps)}."
        yield checked.problem(("train", "max_steps"), message, remedy, "steps-not-reached")
    scheduler = spec.optim.scheduler
    if scheduler is not None and checked.whole(("optim", "scheduler")):
        try:
            scheduler.check(scheduler.horizon_after_warmup(length))
        except CheckFailed as failed:
            yield checked.failed(("optim", "scheduler"), scheduler, failed)


def check_scheduler(checked: Checked) -> Iterator[Problem]:
    """The schedule fits the optimizer and its parameter groups."""
    optim = checked.spec.optim
    if optim.scheduler is None or not checked.whole(("optim",)):
        return
    finetune = checked.spec.finetune
    split = optim.layer_decay is not None or (finetune is not None and bool(finetune.unfreeze))
    try:
        optim.scheduler.check_optimizer(optim.optimizer, None if split else len(optim.groups))
    except CheckFailed as failed:
        yield checked.failed(("optim", "scheduler"), optim.scheduler, failed)
    rate = getattr(optim.optimizer, "lr", None)
    rates = [group.options["lr"] for group in optim.groups if group.options.get("lr", rate) != rate]
    if optim.scheduler.sets_one_rate() and rates:
        message = (
            f"The scheduler {optim.scheduler.name!r} sets one rate for all parameter groups, and one has {rates[0]}."
        )
        remedy = "Give it a list with one rate for each group, or take a schedule that multiplies rates."
        yield checked.problem(("optim", "scheduler"), message, remedy)


def check_groups(checked: Checked) -> Iterator[Problem]:
    """The options of every parameter group are options of the optimizer."""
    optim = checked.spec.optim
    if not checked.whole(("optim", "optimizer")):
        return
    for index, group in enumerate(optim.groups):
        yield from checked.options_problems(("optim", "groups", index), group.options)


def check_optimizer(checked: Checked) -> Iterator[Problem]:
    """An optimizer that evaluates the loss again within a step gets no gradient scaler; some take no groups."""
    optim, train = checked.spec.optim, checked.spec.train
    if not checked.whole(("optim", "optimizer")):
        return
    who = f"The optimizer {optim.optimizer.name!r}"
    if optim.optimizer.needs_closure and train.precision == "fp16":
        message = f"{who} evaluates the loss several times in a step, which the gradient scaler of fp16 cannot follow."
        remedy = "Use precision fp32 or bf16, or another optimizer."
        yield checked.problem(("train", "precision"), message, remedy, "precision")
    if optim.optimizer.takes_groups:
        return
    finetune = checked.spec.finetune
    given: list[tuple[Keys, object]] = [
        (("optim", "groups"), optim.groups),
        (("optim", "layer_decay"), optim.layer_decay),
        (("finetune", "unfreeze"), finetune and finetune.unfreeze),
    ]
    for keys, value in given:
        if value:
            message = f"{who} treats all parameters alike and takes no groups."
            yield checked.problem(keys, message, f"Remove {keys[-1]}, or use another optimizer.")


def check_metrics(checked: Checked) -> Iterator[Problem]:
    """No two metrics share a name, and every metric that something watches is measured."""
    spec = checked.spec
    labels = [metric.label(metric.name) for metric in spec.metrics]
    for index, label in enumerate(labels):
        if label in labels[:index] or label == "loss":
            message = f"Another metric is called {label!r} too."
            yield checked.problem(("metrics", index), message, "Remove one of them.", "duplicate-metric")
    measured = metric_names(spec)
    known = ("data", "val") not in checked.broken
    for keys, component in watchers(spec):
        for parameter in ("monitor", "best"):
            watched = getattr(component, parameter, None)
            if isinstance(watched, str) and checked.whole(keys, ("metrics",)) and known and watched not in measured:
                message = f"{parameter} names {watched!r}, which this run does not measure."
                inner = _parameter(checked, keys, parameter)
                if watched.startswith("val/") and "val/loss" not in measured:
                    yield checked.problem(inner, f"{message} It has no evaluations.", _to_evaluate(spec))
                    continue
                likely = next(iter(closest(watched, measured)), "")
                yield checked.problem(inner, message, near(watched, measured), instead=likely)


def _to_evaluate(spec: Spec) -> str:
    return "Add data.val." if spec.data.val is None else "Set train.evaluate_every to 1 epoch, or leave it out."


def check_needs(checked: Checked) -> Iterator[Problem]:
    """Every module that only some components need is installed; none is imported."""
    for keys, component in placed_components(checked.spec):
        missing = [module for module in component.needs if importlib.util.find_spec(module) is None]
        if missing and checked.whole(keys):
            verb = "is" if len(missing) == 1 else "are"
            needs = f"needs {' and '.join(missing)}, which {verb} not installed"
            what = f"The {component.kind} {component.name!r} {needs}."
            wanted = " ".join(f"'{each}'" for each in dict.fromkeys(component.needs[module] for module in missing))
            yield checked.problem(keys, what, f"Run: pip install {wanted}")


def check_hooks(checked: Checked) -> Iterator[Problem]:
    """The run has what each hook wants."""
    spec = checked.spec
    seen = checked.survey.facts
    sections: dict[str, DataFacts] = {name: seen.get(name, DataFacts()) for name in spec.data.sections()}
    facts = RunFacts(sections, tuple(metric_names(spec)), spec.model.gives, _evaluated_targets(checked))
    if checked.whole(("model",)):
        model = spec.model
        parts = {part.name: part.shape for part in model.parts()}
        facts = replace(facts, emits=model.emits(), outputs=model.outputs(), parts=parts)
    for index, hook in enumerate(spec.hooks):
        if not checked.whole(("hooks", index), ("model",), ("metrics",), ("data",)):
            continue
        try:
            hook.check(facts)
        except CheckFailed as failed:
            yield checked.problem(("hooks", index), failed.message, failed.remedy)


def _evaluated_targets(checked: Checked) -> TargetForm:
    section: Section = "train" if checked.spec.data.val is None else "val"
    facts = checked.survey.facts.get(section)
    try:
        return "any" if facts is None else follow_target(checked.spec.data.sections()[section], facts)
    except CheckFailed:  # check_target_transforms says so
        return "any"


def _parameter(checked: Checked, keys: Keys, parameter: str) -> Keys:
    """The keys of a component's parameter, if it is written; else of the component."""
    for path in checked.tree.values:
        if len(path) == len(keys) + 2 and path[: len(keys)] == keys and path[-1] == parameter:
            return path
    return keys


CHECKS: tuple[tuple[str, Callable[[Checked], Iterator[Problem]]], ...] = (
    ("data", check_data),
    ("sampler", check_samplers),
    ("layers", check_model),
    ("transform-place", check_places),
    ("transform-place", check_device_transforms),
    ("transform-input", check_images),
    ("target-transform", check_target_transforms),
    ("transform-input", check_samples),
    ("several-views", check_views),
    ("missing-entry", check_entries),
    ("class-count", check_classes),
    ("value-count", check_values),
    ("output-shape", check_shapes),
    ("loss-input", check_forms),
    ("target-form", check_targets),
    ("metric-input", check_metric_forms),
    ("metric-input", check_metric_shapes),
    ("schedule-length", check_length),
    ("batch-of-one", check_batches),
    ("schedule-optimizer", check_scheduler),
    ("unknown-parameter", check_groups),
    ("optimizer-groups", check_optimizer),
    ("layer-decay", check_layer_decay),
    ("weights", check_weights),
    ("unfreeze", check_unfreezing),
    ("init-rule", check_init_rules),
    ("frozen-parameters", check_frozen),
    ("parameter-group", check_parameter_groups),
    ("unknown-metric", check_metrics),
    ("missing-module", check_needs),
    ("hook", check_hooks),
)
"""Every check, with the code of what it finds."""
