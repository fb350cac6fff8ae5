"""Check that the transforms, collation and the model support images of every size in the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from registry_core.analysis.samples import image_through
from registry_core.components import CheckFailed, DataFacts, Image, written_shape
from registry_core.config import Section, Spec
from registry_core.inspection.data_check.faults import Fault
from registry_core.inspection.data_check.sample import ImageKind, SampleReader

FOLLOWED = 2_000
"""The number of kinds of images that are checked, the smallest and the largest first."""


@dataclass
class Occurrence:
    """A number of samples, and the index of the first."""

    count: int
    first: int


def size_faults(spec: Spec, reader: SampleReader, images: Mapping[ImageKind, Occurrence]) -> Iterator[Fault]:
    """One fault per kind of images that does not fit, with the first such sample."""
    came: dict[tuple[int | None, ...], Occurrence] = {}
    for kind, seen in _extremes_first(images)[:FOLLOWED]:
        try:
            shape = _followed(spec, reader.section, _known(kind, reader.facts))
        except CheckFailed as failed:
            what = f"{written_shape((kind.height, kind.width))} pixels ({_samples(seen.count)})"
            message = f"Images of {what}: {failed.message} {failed.remedy}".rstrip()
            yield reader.fault("size", message, seen.first)
            continue
        if shape is not None:
            known = came.setdefault(shape, Occurrence(0, seen.first))
            known.count, known.first = known.count + seen.count, min(known.first, seen.first)
    if len(came) > 1 and spec.data.batch_size_of(reader.section) > 1:
        yield from _uneven(reader, came)


def _uneven(reader: SampleReader, came: dict[tuple[int | None, ...], Occurrence]) -> Iterator[Fault]:
    usual = max(came, key=lambda shape: came[shape].count)
    for shape, seen in sorted(came.items(), key=lambda item: item[1].first):
        if shape != usual:
            message = (
                f"{_samples(seen.count)} have the shape {written_shape(shape)} after the transforms, but most have"
            )
            remedy = "They do not make a batch: add resize with [height, width] or a crop."
            yield reader.fault("size", f"{message} {written_shape(usual)}. {remedy}", seen.first)


def _followed(spec: Spec, section: Section, image: Image) -> tuple[int | None, ...] | None:
    """The shape after the transforms, if it is known; CheckFailed if a transform or the model does not support it."""
    collated, last = image_through(spec.data.sections()[section], image)
    if last is not None and last.form == "float":
        spec.model.check_input(last)
    if collated is None or None in (shape := (collated.channels, collated.height, collated.width)):
        return None
    return shape


def _known(kind: ImageKind, facts: DataFacts) -> Image:
    """An image of this kind, as transforms describe it."""
    assert kind.form is not None
    declared = facts.image
    if declared is None or declared.form != kind.form:
        declared = Image(kind.form, low=None, high=None) if kind.form == "float" else Image(kind.form)
    return declared.changed(channels=kind.channels, height=kind.height, width=kind.width)


def _extremes_first(images: Mapping[ImageKind, Occurrence]) -> list[tuple[ImageKind, Occurrence]]:
    """Alternate from both ends of the order by size: smallest, largest, second smallest, ..."""
    known = [(kind, seen) for kind, seen in images.items() if kind.form is not None]
    known.sort(key=lambda item: (item[0].height or 0) * (item[0].width or 0))
    half = len(known) // 2
    low, high = known[:half], known[half:][::-1]
    mixed = [one for pair in zip(high, low, strict=False) for one in pair]
    return mixed + high[len(low) :]


def _samples(count: int) -> str:
    return "1 sample" if count == 1 else f"{count:,} samples"


def sides(images: Mapping[ImageKind, Occurrence]) -> Counter[str]:
    """The frequency of each height and width, in words."""
    found: Counter[str] = Counter()
    for kind, seen in images.items():
        if kind.height is not None:
            found[written_shape((kind.height, kind.width))] += seen.count
    return found
