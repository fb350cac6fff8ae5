"""The plan: what a run will do, decided from the spec, each decision with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from registry_core.components import DataFacts, Horizon, Image, Sampler
from registry_core.spec import Section, Spec


@dataclass(frozen=True)
class SampleStep:
    """One step on a sample's way to the model, and what the image is after it (None: not known before the run)."""

    name: str
    image: Image | None


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
        return self.spec.model.outputs() or self.sections["train"].facts.classes

    def __str__(self) -> str:
        from registry_core.plan.text import plan_text  # text imports this module

        return plan_text(self)
