"""The plan: what a run will do, decided from the spec, each decision with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from registry_core.checks.transforms import classes_of
from registry_core.components import DataFacts, Horizon, Image, LayerFacts, Sampler, written_shape
from registry_core.components.transform import Scope
from registry_core.config import Section, Spec


@dataclass(frozen=True)
class SampleStep:
    """One step on a sample's way to the model, and what the image is after it (None: not known before the run)."""

    name: str
    image: Image | None
    views: int = 1
    """How many such images a sample has after it."""
    unit: Scope = "sample"
    """Whether it is done to each sample, or to a whole batch."""
    on_device: bool = False
    """Whether it is done where the model is."""

    def __str__(self) -> str:
        many = "" if self.views == 1 else f"{self.views} x "
        whole = f" (whole batches{', on the device' if self.on_device else ''})" if self.unit == "batch" else ""
        return f"{many}{self.image or 'known when it runs'}{whole}"


@dataclass(frozen=True)
class SectionPlan:
    """How the data of one section come."""

    section: Section
    facts: DataFacts
    steps: tuple[SampleStep, ...]
    sampler: Sampler
    batch_size: int
    drop_last: bool
    batches: int | None
    """Batches in an epoch; None where the length of the data is not known before the run."""


@dataclass(frozen=True)
class Decision:
    """Something that the plan decided: what, how, and why."""

    about: str
    choice: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What will happen in a run; ``print`` shows it."""

    spec: Spec
    sections: dict[Section, SectionPlan]
    horizon: Horizon | None
    metrics: dict[str, str]
    """Names of what will be measured, each with which way is better: higher or lower."""
    decisions: tuple[Decision, ...]

    @property
    def classes(self) -> int | None:
        """The number of classes, from the model or the training data."""
        return classes_of(self.spec, self.sections["train"].facts)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def _lines(plan: Plan) -> Iterator[str]:
    for section in plan.sections.values():
        yield from _section_lines(section)
    yield from _run_lines(plan)
    for group in plan.spec.optim.groups:
        options = ", ".join(f"{name} {value}" for name, value in group.options.items())
        yield f"  parameters matching '{group.label}': {options}"
    if decay := plan.spec.optim.layer_decay:
        yield f"  learning rate of a layer: {decay.factor:g} of the next one's"
    yield "decisions"
    for decision in plan.decisions:
        yield f"  {decision.about}: {decision.choice} ({decision.reason})"


def _section_lines(section: SectionPlan) -> Iterator[str]:
    samples = "? samples" if section.facts.length is None else f"{section.facts.length:,} samples"
    number = "?" if section.batches is None else f"{section.batches:,}"
    yield f"{section.section}: {samples}, {number} batches of {section.batch_size} an epoch, {section.sampler.name}"
    width = max(len(step.name) for step in section.steps)
    for step in section.steps:
        yield f"  {step.name:<{width}}  {step}"


def _run_lines(plan: Plan) -> Iterator[str]:
    spec, horizon = plan.spec, plan.horizon
    yield f"model: {spec.model.name}, loss: {spec.loss.name}, optimizer: {spec.optim.optimizer.name}"
    yield from _part_lines(spec.model.layer_facts())
    if horizon is None:
        yield f"run: {spec.train.epochs} epochs; their length is known when the data are opened"
    else:
        steps = f"{horizon.steps_per_epoch:,} steps an epoch, {horizon.total_steps:,} in all"
        epochs = f"{horizon.epochs} epoch{'' if horizon.epochs == 1 else 's'}"
        yield f"run: {epochs}, {steps}, precision {spec.train.precision}"
    yield f"measured: {', '.join(plan.metrics)}"


def _part_lines(parts: Sequence[LayerFacts]) -> Iterator[str]:
    names = max((len(part.name) for part in parts), default=0)
    layers = max((len(part.layer) for part in parts), default=0)
    for part in parts:
        shape = "known when it runs" if part.shape is None else written_shape(part.shape)
        numbers = f"  {part.num_parameters:,} numbers" if part.num_parameters else ""
        yield f"  {part.name:<{names}}  {part.layer:<{layers}}  {shape}{numbers}"
