"""Samples: they have the entries that every transform needs, and none that it does not support."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from registry_core.analysis.samples import targets_after
from registry_core.checks.check import check
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed, DataFacts, Transform
from registry_core.config.models import Section
from registry_core.diagnostics import Keys, Problem, near


@check("transform-input", after=("transforms_fit_images", "transforms_fit_targets"))
def transforms_have_their_entries(context: CheckContext) -> Iterator[Problem]:
    """Samples have the entries that every transform needs, and none that it does not support."""
    for name, section in context.sections():
        for passage in section.passages:
            if passage.facts_before is not None:
                place: Keys = ("data", name, *passage.keys)
                yield from _entries(context, name, place, passage.transform, passage.facts_before)
                yield from _unfit(context, place, passage.transform, passage.facts_before)


def _entries(
    context: CheckContext, section: Section, place: Keys, transform: Transform, facts: DataFacts
) -> Iterator[Problem]:
    """The entries that a transform, or one inside it, names exist."""
    for entry in transform.entries():
        if facts.entries is not None and entry not in facts.entries:
            message = f"{transform.name} works on the entry {entry!r}, which data.{section} does not have."
            inner = context.inside(place, ("entry",))
            yield context.problem(inner, message, near(entry, facts.entries), "missing-entry")
    for at, child in transform.children().items():
        yield from _entries(context, section, (*place, transform.name_in_file, *at), child, facts)


def _unfit(context: CheckContext, place: Keys, transform: Transform, facts: DataFacts) -> Iterator[Problem]:
    """A transform, and each one inside it, can be applied to the samples before it."""
    try:
        transform.check_sample(facts)
    except CheckFailed as failed:
        yield context.refused_by(place, transform, failed)
    try:
        changed = any(targets_after(child, facts) != facts for child in transform.children().values())
    except CheckFailed:  # reported for the transform around it
        return
    inner = replace(facts, target_form="any") if changed else facts
    for at, child in transform.children().items():
        yield from _unfit(context, (*place, transform.name_in_file, *at), child, inner)
