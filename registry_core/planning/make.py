"""Make the plan of a pipeline from its analysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from registry_core.analysis.analysis import Analysis, analyse
from registry_core.analysis.measured import metrics_watched_by
from registry_core.analysis.model import TermAnalysis
from registry_core.analysis.samples import Passage
from registry_core.analysis.sections import SectionAnalysis
from registry_core.analysis.targets import classes_in_targets, ignored_classes, void_class
from registry_core.catalog.policy import OWN
from registry_core.components import Metric, Sampler, stream_key
from registry_core.config.models import Section, Spec
from registry_core.config.places import with_place
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import PipelineError, Problem
from registry_core.loaded import Loaded, load_spec
from registry_core.planning.decisions import decisions_of
from registry_core.planning.plan import LoadingPlan, ModelPlan, Plan
from registry_core.planning.program import Operation, Place, SectionPlan, Skipping, Stage
from registry_core.planning.rewrites.table import rewritten
from registry_core.planning.step import EvaluationPlan, Implementation, StepPlan, TermPlan
from registry_core.registry import registries
from registry_core.registry.blame import blaming_plugins


def make_plan(pipeline: Loaded | Spec) -> Plan:
    """Make the plan of a run; nothing is built and torch is not imported.

    A spec that was made or changed in Python is checked first, as ``load`` checks a file. Raises PipelineError with all
    its problems, or if the data are missing or a transform cannot be applied to a sample.
    """
    if isinstance(pipeline, Spec):
        pipeline = load_spec(pipeline)
    return plan_of(pipeline.analysis or analyse(pipeline.spec), pipeline.tree)


@blaming_plugins()
def plan_of(analysis: Analysis, places: Tree | None = None) -> Plan:
    """The plan of an analysis; ``places`` is the tree of its file."""
    spec = analysis.spec
    if problems := [with_place(problem, places) for problem in _problems(analysis)]:
        raise PipelineError(problems)
    sections = {name: _section(spec, analysis, section) for name, section in analysis.sections.items()}
    train = analysis.sections["train"]
    step, evaluation = _step(spec, analysis), _evaluation(spec, analysis)
    plan = Plan(
        seed=spec.seed,
        sections=sections,
        loading=LoadingPlan(spec.data.workers, spec.data.pin_memory),
        model=ModelPlan(spec.model, analysis.model.output_form, tuple(analysis.model.layers), spec.init, spec.finetune),
        step=step,
        optim=spec.optim,
        evaluation=evaluation,
        hooks=spec.hooks,
        device=spec.train.device,
        log_every=spec.train.log_every,
        horizon=analysis.horizon,
        num_classes=analysis.num_classes,
        target_form=train.targets.target_form if train.targets else "any",
        metrics=analysis.metrics,
        decisions=tuple(decisions_of(spec, sections, step, evaluation, analysis.model.output_form)),
        rewrites=(),
        spec=spec,
        places=places,
    )
    return rewritten(plan, spec.data.rewrites)


def _problems(analysis: Analysis) -> Iterator[Problem]:
    """The problems that make a plan impossible."""
    for name, error in analysis.data_errors.items():
        yield Problem(error.message, error.remedy, keys=("data", name, "dataset"), code=error.code)
    for name, section in analysis.sections.items():
        for failed, code in (
            (section.way.image_error, "transform-input"),
            (section.way.target_error, "target-transform"),
        ):
            if failed is not None:
                yield Problem(failed.message, failed.remedy, keys=("data", name, *failed.at), code=code)
    for term in analysis.terms:
        if term.error is not None:
            yield Problem(term.error.message, term.error.remedy, keys=("loss",), code="loss-input")


def _section(spec: Spec, analysis: Analysis, section: SectionAnalysis) -> SectionPlan:
    name = section.name
    return SectionPlan(
        section=name,
        dataset=section.declared.dataset,
        facts=section.facts,
        stages=tuple(_stages(spec, analysis, section)),
        sampler=section.declared.sampler or _default_sampler(name),
        seed=spec.seed,
        batch_size=section.batch_size,
        drop_last=name == "train" and spec.data.drop_last,
        batches=section.batches,
        num_classes=classes_in_targets(spec, section.facts, section.targets, analysis.num_classes),
        ignored_classes=ignored_classes(spec),
        skipping=Skipping(spec.data.max_skipped, name == "train") if spec.data.on_error == "skip" else None,
    )


def _stages(spec: Spec, analysis: Analysis, section: SectionAnalysis) -> Iterator[Stage]:
    """The stages of a section: read, transform and collate samples while loading, then transform batches."""
    loading: Place = "worker" if spec.data.workers else "training process"
    of_samples = [passage for passage in section.passages if passage.keys[0] == "transforms"]
    of_batches = [passage for passage in section.passages if passage.keys[0] == "batch_transforms"]
    views = of_samples[-1].views if of_samples else 1

    def operations(passages: list[Passage]) -> tuple[Operation, ...]:
        return tuple(_transform(spec, analysis, section, passage) for passage in passages)

    read = Operation("read", section.declared.dataset.name, ("data", section.name, "dataset"), section.facts.image)
    yield Stage(loading, "sample", (read, *operations(of_samples)))
    collate = Operation("collate", "collate", image=section.way.collated, views=views)
    on_host = operations([passage for passage in of_batches if not passage.transform.on_device])
    yield Stage(loading, "batch", (collate, *on_host))
    on_device = operations([passage for passage in of_batches if passage.transform.on_device])
    move = Operation("move", "move", image=on_host[-1].image if on_host else collate.image, views=views)
    yield Stage("device", "batch", (move, *on_device))


def _transform(spec: Spec, analysis: Analysis, section: SectionAnalysis, passage: Passage) -> Operation:
    key, number = passage.keys
    return Operation(
        action="transform",
        name=passage.transform.name,
        keys=("data", section.name, *passage.keys),
        image=passage.image,
        views=passage.views,
        transform=passage.transform.for_classes(analysis.num_classes).for_data(section.facts),
        random_key=stream_key(spec.seed, f"data.{section.name}.{key}[{number}]"),
    )


def _default_sampler(section: Section) -> Sampler:
    name = "shuffled" if section == "train" else "sequential"
    record = registries.samplers.record(f"{OWN}:{name}")  # other distributions cannot change the defaults
    return registries.samplers.declaration(record)().with_record(name, record)


def _step(spec: Spec, analysis: Analysis) -> StepPlan:
    train, optimizer = spec.train, spec.optim.optimizer
    return StepPlan(
        terms=tuple(_term(found) for found in analysis.terms),
        sums_samples=spec.loss.is_sum,
        precision=train.precision,
        channels_last=train.channels_last,
        # Weights of L-BFGS keep their memory order: it views each as a vector, which channels-last does not allow.
        weights_channels_last=train.channels_last and not optimizer.needs_closure,
        compile=train.compile,
        accumulate=train.accumulate,
        clip=train.clip,
        needs_closure=optimizer.needs_closure,
        optimizer_implementation=_implementation(optimizer.arguments()),
        ema_decay=train.ema.decay if train.ema else None,
        deterministic=train.deterministic,
        non_finite=train.non_finite,
    )


def _term(found: TermAnalysis) -> TermPlan:
    term = found.term
    return TermPlan(term.loss, term.weight, term.inputs, found.activation, term.loss.class_dimension, found.over)


def _implementation(options: Mapping[str, object]) -> Implementation:
    """The implementation of an optimizer in torch that its parameters select."""
    if options.get("fused"):
        return "fused"
    return "foreach" if options.get("foreach") else "torch's choice"


def _evaluation(spec: Spec, analysis: Analysis) -> EvaluationPlan:
    void = void_class(spec, analysis.num_classes)
    metrics = tuple(_ignoring(metric, void) for metric in spec.metrics)
    return EvaluationPlan(
        metrics=metrics,
        every=spec.train.evaluate_every,
        weights="averaged" if spec.train.ema else "trained",
        counts_train_loss=any("train/loss" in metrics_watched_by(component) for _, component in analysis.watchers),
    )


def _ignoring(metric: Metric, void: int | None) -> Metric:
    """The metric, which ignores what means no class to the loss unless it says otherwise."""
    follows = void is not None and getattr(metric, "ignore_index", void) is None
    return metric.model_copy(update={"ignore_index": void}) if follows else metric
