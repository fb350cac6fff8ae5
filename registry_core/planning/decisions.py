"""The decisions of a plan and their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from registry_core.components import Scheduler
from registry_core.components.forms import OutputForm, words
from registry_core.config.finetune import Finetune
from registry_core.config.models import Section, Spec
from registry_core.planning.program import SectionPlan, Skipping
from registry_core.planning.step import EvaluationPlan, StepPlan, TermPlan


class Decision(NamedTuple):
    """A decision of the plan: its subject, the choice, and the reason."""

    about: str
    choice: str
    reason: str


def decisions_of(
    spec: Spec,
    sections: Mapping[Section, SectionPlan],
    step: StepPlan,
    evaluation: EvaluationPlan,
    output_form: OutputForm,
) -> Iterator[Decision]:
    """The decisions of a plan with these parts."""
    yield from _loading(spec, sections)
    yield from _activations(spec, step, output_form)
    if spec.finetune is not None:
        yield from _finetuning(spec.finetune)
    if spec.train.device == "auto":
        yield Decision("device", "CUDA, else MPS, else CPU", "train.device is auto; chosen when the run starts")
    yield from _means(step)
    if step.accumulate > 1:
        size = step.accumulate * sections["train"].batch_size
        reason = f"train.accumulate {step.accumulate}; batches are weighted as in one batch of that size"
        yield Decision("optimizer step", f"up to {size} samples", reason)
    if step.optimizer_implementation != "torch's choice":
        declared = spec.optim.optimizer.name
        yield Decision("optimizer", f"{declared}, {step.optimizer_implementation}", "the parameters of the optimizer")
    if spec.optim.scheduler is not None:
        yield _learning_rate(spec.optim.scheduler)
    yield from _evaluation(spec, evaluation)
    algorithms = "deterministic ones only" if step.deterministic else "the fastest"
    yield Decision("algorithms", algorithms, f"train.deterministic is {str(step.deterministic).lower()}")


def _loading(spec: Spec, sections: Mapping[Section, SectionPlan]) -> Iterator[Decision]:
    if workers := spec.data.workers:
        processes = f"{workers} worker process{'' if workers == 1 else 'es'}"
        yield Decision("loading", processes, "data.workers; results do not depend on it")
    else:
        yield Decision("loading", "in the training process", "data.workers is 0")
    for name, section in sections.items():
        if spec.data.sections()[name].sampler is None:
            reason = "the default for training" if name == "train" else "the default outside training"
            yield Decision(f"order of {name}", section.sampler.name, reason)
    for name, section in sections.items():
        if section.skipping is not None:
            yield _skipping(name, section, section.skipping)


def _skipping(name: Section, section: SectionPlan, skipping: Skipping) -> Decision:
    length = section.facts.length
    known = "1 in 100, at most 100," if skipping.at_most is None else f"{skipping.at_most:,}"
    limit = known if length is None else f"{skipping.limit(length):,}"
    instead = "each replaced by the next one of the epoch in index order" if skipping.replaced else "left out of means"
    choice = f"skipped, up to {limit} samples, {instead}"
    return Decision(f"faulty samples of {name}", choice, "data.on_error is skip")


def _activations(spec: Spec, step: StepPlan, form: OutputForm) -> Iterator[Decision]:
    for term in step.terms:
        about = "before the loss" if len(step.terms) == 1 else f"before {term.loss.name} (weight {term.weight:g})"
        yield Decision(about, term.activation or "nothing", _activation_reason(spec, term, form))


def _activation_reason(spec: Spec, term: TermPlan, form: OutputForm) -> str:
    return f"{spec.model.name} emits {words(form)}, {term.loss.name} expects {words(term.loss.output_form)}"


def _means(step: StepPlan) -> Iterator[Decision]:
    for term in step.terms:
        if term.over == "targets":
            about = "mean of the loss" if len(step.terms) == 1 else f"mean of {term.loss.name}"
            reason = "weights or ignored targets: the mean over several batches is that over all their targets"
            yield Decision(about, "over the targets that count", reason)


def _finetuning(finetune: Finetune) -> Iterator[Decision]:
    if finetune.weights is not None:
        allowed = "all of it" if finetune.strict is True else "the tensors that fit"
        yield Decision("initial values", f"from {finetune.weights}, {allowed}", "finetune.weights, over those of init")
    if finetune.freeze:
        norms = "keep" if finetune.freeze_statistics else "renew"
        reason = f"finetune.freeze; batch norms among them {norms} their statistics"
        yield Decision("not trained", f"parameters matching {', '.join(finetune.freeze)}", reason)
    for rule in finetune.unfreeze:
        yield Decision(f"after {rule.after}", f"training of parameters matching {rule.parameters}", "finetune.unfreeze")


def _learning_rate(scheduler: Scheduler) -> Decision:
    unit, warmup = scheduler.get_unit(), scheduler.get_warmup()
    after = f", after a warm-up of {warmup}" if warmup else ""
    reason = f"{scheduler.name} counts {unit}s"
    if unit != scheduler.counts:
        reason = f"`by` is {unit}; {scheduler.name} counts {scheduler.counts}s by default"
    return Decision("learning rate", f"{scheduler.name}, by {unit}{after}", reason)


def _evaluation(spec: Spec, evaluation: EvaluationPlan) -> Iterator[Decision]:
    if spec.data.val is None:
        metrics = "; metrics are measured by `registry-core eval` alone" if evaluation.metrics else ""
        yield Decision("evaluation", f"none while training{metrics}", "there is no data.val")
    elif evaluation.every is not None:
        weights = "averaged weights (train.ema)" if evaluation.weights == "averaged" else "the trained weights"
        yield Decision("evaluation", f"every {evaluation.every}, with {weights}", "train.evaluate_every")
    for declared, metric in zip(spec.metrics, evaluation.metrics, strict=True):
        if metric is not declared:
            ignored = f"targets {getattr(metric, 'ignore_index', None)} are ignored"
            yield Decision(metric.name, ignored, "ignore_index of the loss, which is none of the classes")
