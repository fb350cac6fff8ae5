"""The program of a section: stages, each with the place where it runs, its unit, and its operations in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from registry_core.components import DataFacts, Dataset, Image, Sampler, Transform
from registry_core.components.transform import Unit
from registry_core.config.models import Section
from registry_core.diagnostics import Keys

Place = Literal["worker", "training process", "device"]
"""Where a stage runs: in a loader worker, in the process that trains, or on the device of the model."""

Action = Literal["read", "transform", "collate", "move"]


@dataclass(frozen=True)
class Operation:
    """One operation: a sample is read or transformed, samples are collated, a batch is transformed or moved."""

    action: Action
    name: str
    """Of its component, else of the action."""
    keys: Keys = ()
    """Of its component in the file."""
    image: Image | None = None
    """After it; None where that is not known before the run."""
    views: int = 1
    """Images of a sample after it."""
    transform: Transform | None = None
    random_key: int = 0
    """The key of its random numbers: from the seed of the pipeline and its keys in the file."""
    batch_form: bool = False
    """A transform of samples is applied once to a stack of all images of a batch."""


@dataclass(frozen=True)
class Stage:
    """Operations that run one after the other at one place, each on a sample or on a batch."""

    place: Place
    unit: Unit
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class SectionPlan:
    """The program of one section of the data, and in which order its samples come."""

    section: Section
    dataset: Dataset
    facts: DataFacts
    stages: tuple[Stage, ...]
    sampler: Sampler
    seed: int
    batch_size: int
    drop_last: bool
    batches: int | None
    """Batches in an epoch; None where the length of the data is not known before the run."""
    num_classes: int | None
    """Class indices among the targets are below it; None where targets are not checked."""

    @property
    def operations(self) -> Iterator[Operation]:
        """All operations in their order."""
        return (operation for stage in self.stages for operation in stage.operations)

    @property
    def views(self) -> int:
        """Images that the model gets of one sample."""
        return max(operation.views for operation in self.operations)

    def with_operations(self, kept: Callable[[Operation], bool]) -> SectionPlan:
        """The same program with those operations alone that are to be kept; a stage without any is left out."""
        stages = (replace(stage, operations=tuple(filter(kept, stage.operations))) for stage in self.stages)
        return replace(self, stages=tuple(stage for stage in stages if stage.operations))
