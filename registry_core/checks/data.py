"""Data sets and samplers: the data exist, and have the classes that samplers need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from registry_core.checks.check import check
from registry_core.checks.context import CheckContext
from registry_core.components import Component
from registry_core.components.base import file_values
from registry_core.components.forms import words
from registry_core.diagnostics import DataError, Keys, Problem, closest


@check("data")
def data_is_found(context: CheckContext) -> Iterator[Problem]:
    """The data of every section can be found."""
    sections = context.spec.data.sections()
    for section, error in context.analysis.data_errors.items():
        keys: Keys = ("data", section, "dataset")
        missing = _missing_path(sections[section].dataset)
        if missing is None:
            yield context.problem(keys, error.message, error.remedy)
        else:
            yield missing_path(context, context.inside(keys, (missing[0],)), missing[1], error)


def missing_path(context: CheckContext, keys: Keys, path: Path, error: DataError) -> Problem:
    """The problem of a path at ``keys`` that does not exist, with a similar existing one if there is one."""
    written = context.value(keys)
    likely = _existing_like(path, written) if isinstance(written, str) else ""
    if likely:
        return context.problem(keys, error.message, f"Did you mean {likely!r}?", instead=likely)
    return context.problem(keys, error.message, error.remedy)


@check("sampler")
def sampler_has_classes(context: CheckContext) -> Iterator[Problem]:
    """Samplers that need the class of every sample have data with one class per sample."""
    for section, found in context.analysis.sections.items():
        sampler, form = found.declared.sampler, found.facts.target_form
        keys: Keys = ("data", section, "sampler")
        if sampler is None or not sampler.needs_targets or not context.whole(keys):
            continue
        if form not in ("class_indices", "any"):
            message = f"The sampler {sampler.name!r} needs one class for each sample"
            message += f", but the targets of data.{section} are {words(form)}."
            yield context.problem(keys, message, "Remove the sampler or use shuffled.")


def _missing_path(component: Component) -> tuple[str, Path] | None:
    """The first parameter with a path that does not exist."""
    for name, value in file_values(component).items():
        if isinstance(value, Path) and not value.exists():
            return name, value
    return None


def _existing_like(path: Path, written: str) -> str:
    """An existing path that differs from the written one in one part; empty if there is none."""
    parent, name = path, ""
    while not parent.exists() and parent != parent.parent:
        parent, name = parent.parent, parent.name
    try:
        likely = next(iter(closest(name, [each.name for each in parent.iterdir()])), "")
    except OSError:
        return ""
    parts = Path(written).parts
    if not likely or name not in parts or not (parent / likely / path.relative_to(parent / name)).exists():
        return ""
    return str(Path(*(likely if part == name else part for part in parts)))
