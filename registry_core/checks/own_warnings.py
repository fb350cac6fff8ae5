"""Warnings that components raise about themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from registry_core.analysis.samples import Use, uses_in
from registry_core.checks.check import warning
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed
from registry_core.config.loading.resolve import placed_components
from registry_core.config.models import Section
from registry_core.diagnostics import Problem

_ASKED_APART = ("transform", "scheduler", "optimizer")
"""Kinds whose facts depend on their place or on parameter groups; those inside another are asked by it."""


def warnings_of_transform(context: CheckContext, section: Section, use: Use) -> list[CheckFailed]:
    """The warnings of a transform about its section and the samples at its input.

    One of several sizes to choose from may be that of the image.
    """
    facts = replace(context.analysis.run_facts, section=section, image=use.image, sample=use.facts)
    try:
        found = list(use.transform.warnings(facts))
    except CheckFailed:  # a transform inside another that is never applied to such images
        return []
    chosen = use.optional and "size" in type(use.transform).model_fields
    return [failed for failed in found if not (chosen and failed.code == "no-effect")]


@warning("transform-effect")
def transforms_warn(context: CheckContext) -> Iterator[Problem]:
    """Transforms, and those inside them, warn about the samples at their input."""
    for name, section in context.analysis.sections.items():
        for passage in section.passages:
            for use in uses_in(passage):
                for failed in warnings_of_transform(context, name, use):
                    yield context.refused_by(("data", name, *use.keys), use.transform, failed)


@warning("last-layer")
def model_warns(context: CheckContext) -> Iterator[Problem]:
    """The model warns about its layers."""
    model = context.spec.model
    for failed in model.warnings(context.analysis.run_facts):
        yield context.refused_by(("model",), model, failed)


@warning("component-warning")
def components_warn(context: CheckContext) -> Iterator[Problem]:
    """Every other component warns about its use in this run."""
    for keys, component in placed_components(context.spec):
        if component.kind in _ASKED_APART or keys == ("model",):
            continue
        for failed in component.warnings(context.analysis.run_facts):
            yield context.refused_by(keys, component, failed)
