"""Checks of samples: entries that transforms need, and batches large enough to train with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from registry_core.analysis.data import batches, horizon, samples_in_epoch
from registry_core.checks.context import CheckContext
from registry_core.checks.transforms import after, image_after, placed_transforms
from registry_core.components import CheckFailed, DataFacts, Transform
from registry_core.components.forms import counted
from registry_core.config.models import Section
from registry_core.diagnostics import Keys, Problem, near


def check_samples(context: CheckContext) -> Iterator[Problem]:
    """Samples have the entries that every transform needs, and none that it cannot take."""
    for name, section in context.spec.data.sections().items():
        facts = context.survey.facts.get(name)
        if facts is None or not context.whole(("data", name)):
            continue
        try:
            for keys, transform in placed_transforms(section):
                place: Keys = ("data", name, *keys)
                yield from _check_entries(context, name, place, transform, facts)
                yield from _check_unfit(context, place, transform, facts)
                facts = after(transform, facts)
        except CheckFailed:  # check_target_transforms says so
            continue


def _check_entries(
    context: CheckContext, section: Section, place: Keys, transform: Transform, facts: DataFacts
) -> Iterator[Problem]:
    """The entries that a transform, or a part of it, is told to work on are there."""
    for entry in transform.entries():
        if facts.entries is not None and entry not in facts.entries:
            message = f"{transform.name} works on the entry {entry!r}, which data.{section} does not have."
            inner = context.inside(place, ("entry",))
            yield context.problem(inner, message, near(entry, facts.entries), "missing-entry")
    for at, part in transform.children().items():
        yield from _check_entries(context, section, (*place, transform.name_in_file, *at), part, facts)


def _check_unfit(context: CheckContext, place: Keys, transform: Transform, facts: DataFacts) -> Iterator[Problem]:
    """A transform, and each part of it, can take the entries of the samples that come to it."""
    try:
        transform.check_sample(facts)
    except CheckFailed as failed:
        yield context.failed(place, transform, failed)
    changed = any(after(part, facts) != facts for part in transform.children().values())
    inner = replace(facts, target_form="any") if changed else facts
    for at, part in transform.children().items():
        yield from _check_unfit(context, (*place, transform.name_in_file, *at), part, inner)


def check_batches(context: CheckContext) -> Iterator[Problem]:
    """The smallest batch of an epoch is large enough for the model."""
    spec, facts = context.spec, context.survey.facts.get("train")
    parts: tuple[Keys, ...] = (("data",), ("model",), ("train",))
    frozen = spec.finetune is not None and bool(spec.finetune.freeze)  # frozen batch norms look at no batch
    if facts is None or facts.length is None or frozen or not context.whole(*parts):
        return
    try:
        image = image_after(spec.data.train, facts.image)
    except CheckFailed:  # check_images says so
        return
    smallest, is_last = _smallest_batch(context, facts.length)
    try:
        spec.model.check_batch(smallest * spec.data.train.views(), image)
    except CheckFailed as failed:
        which = "The last batch of an epoch" if is_last else "A batch"
        message = f"{which} of data.train has {counted(smallest, 'sample')}: {failed.message}"
        remedy = "Set drop_last: true, or another batch_size." if is_last else failed.remedy
        yield context.problem(("data", "batch_size"), message, remedy)


def _smallest_batch(context: CheckContext, length: int) -> tuple[int, bool]:
    """The samples of the smallest batch that the run comes to, and whether it is what an epoch leaves over."""
    spec = context.spec
    size, samples = spec.data.batch_size_of("train"), samples_in_epoch(spec, "train", length)
    run = horizon(spec, length)
    comes_to_the_end = run.total_steps * spec.train.accumulate >= batches(spec, "train", length)
    if spec.data.drop_last or samples % size == 0 or not comes_to_the_end:
        return min(size, samples), False
    return samples % size, samples > size
