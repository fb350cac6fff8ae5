"""Checks across components: does what one gives fit what the next takes? All of them run without torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import replace

from registry_core.analysis.data import batches, horizon, samples_in_epoch
from registry_core.analysis.measured import metric_names, watchers
from registry_core.checks.context import CheckContext
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
    infer_target,
)
from registry_core.components import CheckFailed, DataFacts, RunFacts
from registry_core.components.forms import TargetForm
from registry_core.config.loading.resolve import placed_components
from registry_core.config.models import Section, Spec
from registry_core.diagnostics import Keys, Problem, closest, near


def check(context: CheckContext) -> list[Problem]:
    """All problems that the checks find, each with the code of its check unless it has one of its own."""
    found = ((code, problem) for code, one in CHECKS for problem in one(context))
    return [problem if problem.code else problem._replace(code=code) for code, problem in found]


def check_model(context: CheckContext) -> Iterator[Problem]:
    """The parts of the model fit each other."""
    if context.whole(("model",)):
        model = context.spec.model
        for failed in model.errors():
            yield context.problem(("model", model.name_in_file, *failed.at), failed.message, failed.remedy)


def check_length(context: CheckContext) -> Iterator[Problem]:
    """There is at least one step, and the schedule fits the run."""
    facts = context.survey.facts.get("train")
    if facts is None or facts.length is None or not context.whole(("train",), ("data", "train")):
        return
    spec = context.spec
    if batches(spec, "train", facts.length) == 0:
        samples = samples_in_epoch(spec, "train", facts.length)
        message = f"An epoch of {samples} samples has no full batch of {spec.data.batch_size_of('train')}."
        remedy = "Use a smaller batch_size, or drop_last: false."
        yield context.problem(("data", "batch_size"), message, remedy, "no-full-batch")
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
        yield context.problem(("train", "max_steps"), message, remedy, "steps-not-reached")
    scheduler = spec.optim.scheduler
    if scheduler is not None and context.whole(("optim", "scheduler")):
        try:
            scheduler.check(scheduler.horizon_after_warmup(length))
        except CheckFailed as failed:
            yield context.failed(("optim", "scheduler"), scheduler, failed)


def check_scheduler(context: CheckContext) -> Iterator[Problem]:
    """The schedule fits the optimizer and its parameter groups."""
    optim = context.spec.optim
    if optim.scheduler is None or not context.whole(("optim",)):
        return
    finetune = context.spec.finetune
    split = optim.layer_decay is not None or (finetune is not None and bool(finetune.unfreeze))
    try:
        optim.scheduler.check_optimizer(optim.optimizer, None if split else len(optim.groups))
    except CheckFailed as failed:
        yield context.failed(("optim", "scheduler"), optim.scheduler, failed)
    rate = getattr(optim.optimizer, "lr", None)
    rates = [group.options["lr"] for group in optim.groups if group.options.get("lr", rate) != rate]
    if optim.scheduler.overrides_group_rates() and rates:
        message = (
            f"The scheduler {optim.scheduler.name!r} sets one rate for all parameter groups, and one has {rates[0]}."
        )
        remedy = "Give it a list with one rate for each group, or take a schedule that multiplies rates."
        yield context.problem(("optim", "scheduler"), message, remedy)


def check_groups(context: CheckContext) -> Iterator[Problem]:
    """The options of every parameter group are options of the optimizer."""
    optim = context.spec.optim
    if not context.whole(("optim", "optimizer")):
        return
    for index, group in enumerate(optim.groups):
        yield from context.options_problems(("optim", "groups", index), group.options)


def check_optimizer(context: CheckContext) -> Iterator[Problem]:
    """An optimizer that evaluates the loss again within a step gets no gradient scaler; some take no groups."""
    optim, train = context.spec.optim, context.spec.train
    if not context.whole(("optim", "optimizer")):
        return
    who = f"The optimizer {optim.optimizer.name!r}"
    if optim.optimizer.needs_closure and train.precision == "fp16":
        message = f"{who} evaluates the loss several times in a step, which the gradient scaler of fp16 cannot follow."
        remedy = "Use precision fp32 or bf16, or another optimizer."
        yield context.problem(("train", "precision"), message, remedy, "precision")
    if optim.optimizer.supports_groups:
        return
    finetune = context.spec.finetune
    given: list[tuple[Keys, object]] = [
        (("optim", "groups"), optim.groups),
        (("optim", "layer_decay"), optim.layer_decay),
        (("finetune", "unfreeze"), finetune and finetune.unfreeze),
    ]
    for keys, value in given:
        if value:
            message = f"{who} treats all parameters alike and takes no groups."
            yield context.problem(keys, message, f"Remove {keys[-1]}, or use another optimizer.")


def check_metrics(context: CheckContext) -> Iterator[Problem]:
    """No two metrics share a name, and every metric that something watches is measured."""
    spec = context.spec
    labels = [metric.log_name(metric.name) for metric in spec.metrics]
    for index, label in enumerate(labels):
        if label in labels[:index] or label == "loss":
            message = f"Another metric is called {label!r} too."
            yield context.problem(("metrics", index), message, "Remove one of them.", "duplicate-metric")
    measured = metric_names(spec)
    known = ("data", "val") not in context.broken
    for keys, component in watchers(spec):
        for parameter in ("monitor", "best"):
            watched = getattr(component, parameter, None)
            if isinstance(watched, str) and context.whole(keys, ("metrics",)) and known and watched not in measured:
                message = f"{parameter} names {watched!r}, which this run does not measure."
                inner = _parameter(context, keys, parameter)
                if watched.startswith("val/") and "val/loss" not in measured:
                    yield context.problem(inner, f"{message} It has no evaluations.", _to_evaluate(spec))
                    continue
                likely = next(iter(closest(watched, measured)), "")
                yield context.problem(inner, message, near(watched, measured), instead=likely)


def _to_evaluate(spec: Spec) -> str:
    return "Add data.val." if spec.data.val is None else "Set train.evaluate_every to 1 epoch, or leave it out."


def check_needs(context: CheckContext) -> Iterator[Problem]:
    """Every module that only some components need is installed; none is imported."""
    for keys, component in placed_components(context.spec):
        missing = [module for module in component.requirements if importlib.util.find_spec(module) is None]
        if missing and context.whole(keys):
            verb = "is" if len(missing) == 1 else "are"
            needs = f"needs {' and '.join(missing)}, which {verb} not installed"
            what = f"The {component.kind} {component.name!r} {needs}."
            wanted = " ".join(
                f"'{each}'" for each in dict.fromkeys(component.requirements[module] for module in missing)
            )
            yield context.problem(keys, what, f"Run: pip install {wanted}")


def check_hooks(context: CheckContext) -> Iterator[Problem]:
    """The run has what each hook wants."""
    spec = context.spec
    seen = context.survey.facts
    sections: dict[str, DataFacts] = {name: seen.get(name, DataFacts()) for name in spec.data.sections()}
    facts = RunFacts(sections, tuple(metric_names(spec)), spec.model.outputs, _evaluated_targets(context))
    if context.whole(("model",)):
        model = spec.model
        parts = {part.name: part.shape for part in model.layer_facts()}
        facts = replace(facts, output_form=model.get_output_form(), num_outputs=model.num_outputs(), layers=parts)
    for index, hook in enumerate(spec.hooks):
        if not context.whole(("hooks", index), ("model",), ("metrics",), ("data",)):
            continue
        try:
            hook.check(facts)
        except CheckFailed as failed:
            yield context.problem(("hooks", index), failed.message, failed.remedy)


def _evaluated_targets(context: CheckContext) -> TargetForm:
    section: Section = "train" if context.spec.data.val is None else "val"
    facts = context.survey.facts.get(section)
    try:
        return "any" if facts is None else infer_target(context.spec.data.sections()[section], facts)
    except CheckFailed:  # check_target_transforms says so
        return "any"


def _parameter(context: CheckContext, keys: Keys, parameter: str) -> Keys:
    """The keys of a component's parameter, if it is written; else of the component."""
    for path in context.tree.values:
        if len(path) == len(keys) + 2 and path[: len(keys)] == keys and path[-1] == parameter:
            return path
    return keys


CHECKS: tuple[tuple[str, Callable[[CheckContext], Iterator[Problem]]], ...] = (
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
