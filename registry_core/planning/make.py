"""Make the plan of a spec."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.analysis.activations import activation_before
from registry_core.analysis.data import batches, horizon, survey
from registry_core.analysis.measured import metric_names
from registry_core.catalog.policy import OWN
from registry_core.checks.transforms import follow_images
from registry_core.components import CheckFailed, DataFacts, Image, Sampler, Scheduler
from registry_core.components.forms import words
from registry_core.config.finetune import Finetune
from registry_core.config.models import DataSection, Section, Spec
from registry_core.diagnostics import PipelineError, Problem
from registry_core.planning.plan import Decision, Plan, SampleStep, SectionPlan
from registry_core.registry import registries


def make_plan(spec: Spec) -> Plan:
    """Decide what a run of this spec will do; nothing is built and torch is not imported."""
    seen = spec._survey or survey(spec)
    if seen.errors:
        raise PipelineError(
            Problem(str(error), keys=("data", name, "dataset"), code="data") for name, error in seen.errors.items()
        )
    sections = {name: _section(spec, name, section, seen.facts[name]) for name, section in spec.data.sections().items()}
    length = sections["train"].facts.length
    return Plan(
        spec=spec,
        sections=sections,
        horizon=None if length is None else horizon(spec, length),
        metrics={**metric_names(spec)},
        decisions=tuple(_decisions(spec, sections)),
    )


def _section(spec: Spec, name: Section, section: DataSection, facts: DataFacts) -> SectionPlan:
    return SectionPlan(
        section=name,
        facts=facts,
        steps=tuple(_steps(name, section, facts.image)),
        sampler=section.sampler or _default_sampler(name),
        batch_size=spec.data.batch_size_of(name),
        drop_last=name == "train" and spec.data.drop_last,
        batches=None if facts.length is None else batches(spec, name, facts.length),
    )


def _finetuning(finetune: Finetune) -> Iterator[Decision]:
    if finetune.weights is not None:
        allowed = "all of it" if finetune.strict is True else "what fits of it"
        yield Decision("first values", f"from {finetune.weights}, {allowed}", "finetune.weights, over those of init")
    if finetune.freeze:
        norms = "keep" if finetune.freeze_statistics else "renew"
        reason = f"finetune.freeze; batch norms among them {norms} their statistics"
        yield Decision("not trained", f"parameters matching {', '.join(finetune.freeze)}", reason)
    for rule in finetune.unfreeze:
        yield Decision(f"after {rule.after}", f"training of parameters matching {rule.parameters}", "finetune.unfreeze")


def _default_sampler(section: Section) -> Sampler:
    name = "shuffled" if section == "train" else "sequential"
    record = registries.samplers.record(f"{OWN}:{name}")  # whoever else registers such a name does not change defaults
    return registries.samplers.declaration(record)().with_record(name, record)


def _steps(name: Section, section: DataSection, image: Image | None) -> Iterator[SampleStep]:
    yield SampleStep(section.dataset.name, image)
    try:
        for step in follow_images(section, image):
            made = step.transform
            yield SampleStep(made.name, step.image, step.views, made.get_unit(), made.on_device)
    except CheckFailed as failed:
        keys = ("data", name, *failed.at)
        raise PipelineError([Problem(failed.message, failed.remedy, keys=keys, code="transform-input")]) from None


def _decisions(spec: Spec, sections: dict[Section, SectionPlan]) -> Iterator[Decision]:
    train = spec.train
    workers = spec.data.workers
    if workers:
        processes = f"{workers} worker process{'' if workers == 1 else 'es'}"
        yield Decision("loading", processes, "data.workers; results do not depend on it")
    else:
        yield Decision("loading", "in the training process", "data.workers is 0")
    for name, section in sections.items():
        if spec.data.sections()[name].sampler is None:
            reason = "the default for training" if name == "train" else "the default outside training"
            yield Decision(f"order of {name}", section.sampler.name, reason)
    yield from _activations(spec)
    if spec.finetune is not None:
        yield from _finetuning(spec.finetune)
    if train.device == "auto":
        yield Decision("device", "CUDA, else MPS, else CPU", "train.device is auto; chosen when the run starts")
    if train.accumulate > 1:
        size = train.accumulate * spec.data.batch_size_of("train")
        reason = (
            f"train.accumulate {train.accumulate}; batches weigh by their samples, so it equals one batch of that size"
        )
        yield Decision("optimizer step", f"up to {size} samples", reason)
    if spec.optim.scheduler is not None:
        yield _learning_rate(spec.optim.scheduler)
    if "val" in sections and train.evaluate_every is not None:
        weights = "averaged weights (train.ema)" if train.ema else "the trained weights"
        yield Decision("evaluation", f"every {train.evaluate_every}, with {weights}", "train.evaluate_every")
    elif "val" not in sections:
        metrics = "; metrics are measured by `registry-core eval` alone" if spec.metrics else ""
        yield Decision("evaluation", f"none while training{metrics}", "there is no data.val")
    algorithms = "only those that repeat bit for bit" if train.deterministic else "the fastest"
    yield Decision("algorithms", algorithms, f"train.deterministic is {str(train.deterministic).lower()}")


def _activations(spec: Spec) -> Iterator[Decision]:
    gives = spec.model.get_output_form()
    terms = spec.loss.terms()
    for term in terms:
        activation = activation_before(term, spec.model.outputs, gives)
        about = "before the loss" if len(terms) == 1 else f"before {term.loss.name} (weight {term.weight:g})"
        reason = f"{spec.model.name} emits {words(gives)}, {term.loss.name} takes {words(term.loss.output_form)}"
        yield Decision(about, activation or "nothing", reason)


def _learning_rate(scheduler: Scheduler) -> Decision:
    unit, rise = scheduler.get_unit(), scheduler.get_warmup()
    after = f", after a warm-up of {rise}" if rise else ""
    reason = f"{scheduler.name} counts {unit}s"
    if unit != scheduler.counts:
        reason = f"`by` is {unit}; {scheduler.name} counts {scheduler.counts}s if nothing is said"
    return Decision("learning rate", f"{scheduler.name}, by {unit}{after}", reason)
