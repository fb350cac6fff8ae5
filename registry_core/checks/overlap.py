"""Overlap of sections: val and test have images that the model is not trained on, and each section its own split."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from registry_core.analysis.measured import metrics_watched_by
from registry_core.analysis.sections import SectionAnalysis
from registry_core.analysis.shared_samples import SharedSamples, shared
from registry_core.checks.check import warning
from registry_core.checks.context import CheckContext
from registry_core.components import Dataset
from registry_core.config.models import Section
from registry_core.diagnostics import Keys, Problem

_NEW_DATA = "Use data that the model is not trained on."


@warning("same-data")
def evaluation_data_are_new(context: CheckContext) -> Iterator[Problem]:
    """The model is not measured on the data that it is trained on."""
    train = context.analysis.train
    for name, section in context.analysis.sections.items():
        if train is None or name == "train":
            continue
        keys: Keys = ("data", name, "dataset")
        if section.declared.dataset == train.declared.dataset:
            message = f"data.{name} is the same data set as data.train: the evaluation measures memorised samples."
            yield context.problem(keys, message, _NEW_DATA)
        elif found := shared(section.facts.sources, train.facts.sources):
            message = f"{_common(section, found, 'data.train')}: the evaluation measures memorised samples."
            yield context.problem(keys, message, _NEW_DATA)


@warning("test-is-val")
def test_data_choose_nothing(context: CheckContext) -> Iterator[Problem]:
    """The data of test are not those of val, by which a run chooses what it keeps or when it stops."""
    sections = context.analysis.sections
    train, val, test = (sections.get(name) for name in ("train", "val", "test"))
    chooser = next(iter(_choosers(context)), "")
    if not chooser or val is None or test is None:
        return
    if train is not None and shared(test.facts.sources, train.facts.sources):
        return  # that is the worse fault
    found = shared(test.facts.sources, val.facts.sources)
    if found or test.declared.dataset == val.declared.dataset:
        message = f"{_common(test, found or SharedSamples(0), 'data.val')}, by which {chooser} chooses:"
        message += " measured on them, the chosen model looks better than it is."
        problem = context.problem(("data", "test"), message, "Use other data for data.test, or remove it.")
        yield problem._replace(place=context.tree.place(("data", "test"), of_key=True))


def _choosers(context: CheckContext) -> Iterator[str]:
    """The components that choose by what is measured on val."""
    for _, component in context.analysis.watchers:
        if any(metric.startswith("val/") for metric in metrics_watched_by(component)):
            yield component.name


def _common(section: SectionAnalysis, found: SharedSamples, other: str) -> str:
    """The statement that images of a section are also in another."""
    count, of = found.number, section.facts.sources.number
    what = f"data.{section.name} reads the same data as {other}"
    if count:
        number = f"All {of:,}" if count == of else f"{count:,} of the {of:,}"
        images = "The only image" if of == 1 else f"{number} images"
        what = f"{images} of data.{section.name} {'is' if 1 in (count, of) else 'are'} also in {other}"
    if found.path:
        same = os.path.normpath(found.path) == os.path.normpath(found.other)
        what += f", such as '{found.path}'" + ("" if same else f", which is '{found.other}'")
    return what


_ROLES: dict[str, Section] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Words in the names of splits, files and folders."""

_PAIRS: tuple[tuple[Section, Section], ...] = (("train", "val"), ("train", "test"), ("val", "test"))


@warning("splits-exchanged")
def sections_read_their_own_split(context: CheckContext) -> Iterator[Problem]:
    """No section reads the split or the files that are named after another section, while that reads its own."""
    sections = context.analysis.sections
    for name, other in _PAIRS:
        if name not in sections or other not in sections:
            continue
        here, there = sections[name].declared.dataset, sections[other].declared.dataset
        for at, written, others in _differences(here, there):
            role, other_role = _role(written), _role(others)
            exchanged = other_role == name and (role == other if name == "val" else role not in (None, "train"))
            if exchanged:
                message = f"data.{name} reads '{written}', and data.{other} reads '{others}':"
                message += " they seem to be exchanged."
                keys: Keys = ("data", name, "dataset")
                yield context.problem(context.inside(keys, at), message, "Exchange their data sets.")
                return


def _differences(here: Dataset, there: Dataset, at: Keys = ()) -> Iterator[tuple[Keys, str, str]]:
    """The words and paths in which two data sets of one kind differ, with their place among the parameters."""
    if type(here) is not type(there):
        return
    for name in type(here).model_fields:
        one, two = getattr(here, name), getattr(there, name)
        if isinstance(one, Dataset) and isinstance(two, Dataset):
            yield from _differences(one, two, (*at, name, one.name_in_file))
        elif isinstance(one, Path) and isinstance(two, Path):
            yield (*at, name), *_parts_that_differ(one, two)
        elif isinstance(one, str) and isinstance(two, str):
            yield (*at, name), one, two


def _parts_that_differ(one: Path, two: Path) -> tuple[str, str]:
    """Two paths without the folders that they begin and end with in common."""
    parts, others = (list(Path(os.path.abspath(path)).parts) for path in (one, two))  # noqa: PTH100  # resolve would follow links
    for place in (0, -1):
        while parts and others and parts[place] == others[place]:
            del parts[place], others[place]
    return "/".join(parts), "/".join(others)


def _role(name: str) -> Section | None:
    """The section that the words of a name mean; None if there is none, or several."""
    roles = {_ROLES[word] for word in re.split(r"[^a-z]+", name.lower()) if word in _ROLES}
    return roles.pop() if len(roles) == 1 else None
