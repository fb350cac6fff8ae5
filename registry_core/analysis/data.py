"""A cheap look at the data of a spec: lengths, image sizes, classes, and how long the run will be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from registry_core.components import DataFacts, Horizon
from registry_core.config.models import DataSection, Section, Spec
from registry_core.diagnostics import DataError


@dataclass(frozen=True)
class DataSurvey:
    """What each section holds, as far as that is known before the run, and what could not be looked at."""

    facts: dict[Section, DataFacts] = field(default_factory=dict)
    errors: dict[Section, DataError] = field(default_factory=dict)


def survey(spec: Spec, skip: frozenset[Section] = frozenset()) -> DataSurvey:
    """Look at the data of every section but those to skip."""
    found = DataSurvey()
    for name, section in spec.data.sections().items():
        if name in skip:
            continue
        try:
            found.facts[name] = _with_added(section, section.dataset.cached_facts)
        except DataError as error:
            found.errors[name] = error
        except (OSError, ValueError) as error:  # of a path that no system has, such as one that is too long
            reason = getattr(error, "strerror", None) or error
            found.errors[name] = DataError(f"The data cannot be looked at: {reason}. Check the paths.")
    return found


def _with_added(section: DataSection, facts: DataFacts) -> DataFacts:
    """The facts of a data set with the entries that transforms add to its samples."""
    if facts.image is not None and facts.masks:
        facts = replace(facts, image=facts.image.changed(masked=True))
    if facts.entries is None:
        return facts
    added = [entry for transform in section.transforms for entry in transform.added_entries]
    return replace(facts, entries=tuple(dict.fromkeys((*facts.entries, *added))))


def samples_in_epoch(spec: Spec, section: Section, length: int) -> int:
    """Samples in one epoch of a section whose data set has ``length`` samples."""
    sampler = spec.data.sections()[section].sampler
    return sampler.epoch_length(length) if sampler else length


def batches(spec: Spec, section: Section, length: int) -> int:
    """Batches in one epoch of a section whose data set has ``length`` samples."""
    samples = samples_in_epoch(spec, section, length)
    size = spec.data.batch_size_of(section)
    if section == "train" and spec.data.drop_last:
        return samples // size
    return -(-samples // size)


def horizon(spec: Spec, length: int) -> Horizon:
    """How long a run over ``length`` training samples is, in epochs and optimizer steps.

    The batches that an epoch's end leaves over make a last, smaller step, so that no epoch reaches into the next.
    """
    steps_per_epoch = -(-batches(spec, "train", length) // spec.train.accumulate)
    total = steps_per_epoch * spec.train.epochs
    if spec.train.max_steps is not None:
        total = min(total, spec.train.max_steps)
    epochs = -(-total // steps_per_epoch) if steps_per_epoch else spec.train.epochs
    return Horizon(epochs, steps_per_epoch, total)
