"""One section of the data: a cheap look at its data set, the path of its samples, and the length of an epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry_core.analysis.lengths import batches_in_epoch, samples_in_epoch
from registry_core.analysis.samples import Passage, Way, entries_added, way_of
from registry_core.components import DataFacts, Image
from registry_core.config.models import DataSection, Section, Spec
from registry_core.diagnostics import DataError, RegistryError, describe_error
from registry_core.diagnostics.foreign_code import pass_interrupt


@dataclass(frozen=True)
class SectionAnalysis:
    """A section whose data set could be read."""

    name: Section
    declared: DataSection
    facts: DataFacts
    """The facts of the data set, with the entries that transforms add to its samples."""
    way: Way
    batch_size: int
    samples: int | None
    """Samples in an epoch; None if the length of the data set is not known before the run."""
    batches: int | None
    """Batches in an epoch; None as above."""

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The transforms, with the sample before and after each."""
        return self.way.passages

    @property
    def image(self) -> Image | None:
        """The image as the model receives it; None if it is not known before the run."""
        return self.way.image

    @property
    def steady_range(self) -> tuple[float, float] | None:
        """The range of values that the model receives, without what random transforms add; None if unknown."""
        image = self.way.steady
        return None if image is None or image.low is None or image.high is None else (image.low, image.high)

    @property
    def targets(self) -> DataFacts | None:
        """The facts with the targets as losses and metrics receive them; None if a transform refuses them."""
        return self.way.targets

    @property
    def views(self) -> int:
        """The number of images of one sample that the model receives."""
        return self.passages[-1].views if self.passages else 1

    def target_maker(self) -> str:
        """The name of the last transform that changes the form of targets; empty if none does."""
        changed = [
            passage.transform.name
            for passage in self.passages
            if passage.facts and passage.facts_before and passage.facts.target_form != passage.facts_before.target_form
        ]
        return changed[-1] if changed else ""


def look_at(section: DataSection) -> DataFacts:
    """The facts of a section from a cheap look at its data set; DataError if the data are missing or wrong."""
    try:
        facts = section.dataset.cached_facts
    except (OSError, ValueError) as error:  # the path is invalid, for example too long
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"The data cannot be read: {reason}.", "Check the paths.") from error
    except RegistryError:
        raise
    except BaseException as error:  # a plugin may raise anything
        pass_interrupt(error)
        message = f"The {section.dataset.label} failed when it was asked for its facts: {describe_error(error)}."
        raise DataError(message, "Report it to its authors, or use another data set.") from error
    if facts.image is not None and facts.masks:
        facts = replace(facts, image=facts.image.changed(masked=True))
    if facts.entries is None:
        return facts
    added = [entry for _, entry in entries_added(section)]
    return replace(facts, entries=tuple(dict.fromkeys((*facts.entries, *added))))


def declared_section(spec: Spec, name: Section) -> DataSection:
    """A section of a spec; where faulty samples are skipped, its data set is the one that keeps them."""
    section = spec.data.sections()[name]
    if spec.data.on_error == "stop":
        return section
    return section.model_copy(update={"dataset": section.dataset.lenient})


def analyse_section(spec: Spec, name: Section, facts: DataFacts) -> SectionAnalysis:
    """Follow the samples of a section with these facts."""
    section, length = declared_section(spec, name), facts.length
    samples = None if length is None else samples_in_epoch(spec, name, length)
    return SectionAnalysis(
        name=name,
        declared=section,
        facts=facts,
        way=way_of(section, facts),
        batch_size=spec.data.batch_size_of(name),
        samples=samples,
        batches=None if samples is None else batches_in_epoch(spec, name, samples),
    )
