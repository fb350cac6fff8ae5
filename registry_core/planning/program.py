"""The program of a section: stages with the place where they run, their unit, and their operations in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from registry_core.components import DataFacts, Dataset, Image, Sampler, Transform
from registry_core.components.transform import Unit
from registry_core.config.models import Section
from registry_core.diagnostics import Keys

Place = Literal["worker", "training process", "device"]
"""The place of a stage: a loader worker, the training process, or the device of the model."""

Action = Literal["read", "transform", "collate", "move"]


@dataclass(frozen=True)
class Operation:
    """One operation: a sample is read or transformed, samples are collated, a batch is transformed or moved."""

    action: Action
    name: str
    """The name of its component, or of the action."""
    keys: Keys = ()
    """The keys of its component in the file."""
    image: Image | None = None
    """The image after it; None if it is not known before the run."""
    views: int = 1
    """The number of images of a sample after it."""
    transform: Transform | None = None
    random_key: int = 0
    """The key of its random numbers, derived from the seed of the pipeline and its keys in the file."""
    batch_form: bool = False
    """True if a sample transform is applied once to a stack of all images of a batch."""


@dataclass(frozen=True)
class Stage:
    """Operations that run in order at one place, on samples or on batches."""

    place: Place
    unit: Unit
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Skipping:
    """The treatment of faulty samples, which are skipped up to a limit."""

    at_most: int | None
    """The number of samples of the section that may be skipped; None: one in a hundred, but at most 100."""
    replaced: bool
    """True if another sample takes the place of each; else batches are smaller."""

    def limit(self, length: int) -> int:
        """The number of samples that may be skipped of this many; one is left in any case."""
        at_most = min(100, max(1, length // 100)) if self.at_most is None else self.at_most
        return min(at_most, length - 1)


@dataclass(frozen=True)
class SectionPlan:
    """The program of one section of the data, and the order of its samples."""

    section: Section
    dataset: Dataset
    facts: DataFacts
    stages: tuple[Stage, ...]
    sampler: Sampler
    seed: int
    batch_size: int
    drop_last: bool
    batches: int | None
    """Batches in an epoch; None if the length of the data is not known before the run."""
    num_classes: int | None
    """The number that class indices among the targets must be below; None if targets are not checked."""
    ignored_classes: frozenset[int]
    """Values among them that mean no class to a loss."""
    skipping: Skipping | None = None
    """None: the first faulty sample ends the run."""

    @property
    def operations(self) -> Iterator[Operation]:
        """All operations in order."""
        return (operation for stage in self.stages for operation in stage.operations)

    @property
    def views(self) -> int:
        """The number of images of one sample that the model receives."""
        return max(operation.views for operation in self.operations)

    def leaving_out_faulty(self) -> SectionPlan:
        """The same program for a pass that counts every sample once: what is skipped is not replaced."""
        return replace(self, skipping=self.skipping and replace(self.skipping, replaced=False))

    def with_operations(self, kept: Callable[[Operation], bool]) -> SectionPlan:
        """The same program with only the operations that ``keep`` selects; empty stages are removed."""
        stages = (replace(stage, operations=tuple(filter(kept, stage.operations))) for stage in self.stages)
        return replace(self, stages=tuple(stage for stage in stages if stage.operations))
