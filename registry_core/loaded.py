"""Load and check a pipeline file: from a path to a spec, or to every problem at once.

What makes sentences of mistakes is imported where there is one: most files that are checked are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from registry_core.analysis.data import survey
from registry_core.checks.context import CheckContext
from registry_core.checks.doubts import doubts
from registry_core.checks.machine import check_machine
from registry_core.checks.table import check
from registry_core.config import models
from registry_core.config.loading.compose import ReadTree, compose
from registry_core.config.loading.requirements import check_required, preferences
from registry_core.config.loading.resolve import Resolver, component_class
from registry_core.config.models import Section, Spec
from registry_core.config.places import Places
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, PipelineError, Problem


def load(path: str | Path, overrides: Sequence[str] = (), *, fresh: bool = True, here: bool = False) -> Spec:
    """The checked spec of a pipeline file under ``KEY=VALUE`` overrides.

    ``fresh`` is whether a run is to start: only then are the weights looked at that it starts from. ``here`` is
    whether it is to be on this machine, so that its devices are looked at too.
    Raises PipelineError with all problems that were found, sorted by place.
    """
    tree, problems = compose(Path(path), overrides, lambda keys: component_class(Spec, keys) is not None)
    return load_tree(tree, problems, fresh=fresh, here=here)


def load_unseen(path: str | Path, overrides: Sequence[str] = ()) -> Spec:
    """The spec of a pipeline file whose data and files are not looked at: they may have to be made first."""
    tree, problems = compose(Path(path), overrides, lambda keys: component_class(Spec, keys) is not None)
    return load_tree(tree, problems, look_at_data=False)


def load_rewritten(path: str | Path, read: ReadTree) -> Spec:
    """The spec of a pipeline file, its texts given by ``read``; data and files that it names are not looked at."""
    tree, problems = compose(Path(path), (), lambda keys: component_class(Spec, keys) is not None, read)
    return load_tree(tree, problems, look_at_data=False)


def load_tree(
    tree: Tree,
    problems: Sequence[Problem] = (),
    *,
    look_at_data: bool = True,
    fresh: bool = True,
    here: bool = False,
) -> Spec:
    """The checked spec of a tree that was read; ``problems`` are those found on the way to it."""
    problems = [*problems, *_version_problems(tree)]
    check_required(tree)
    prefer, wrong_preferences = preferences(tree)
    resolver = Resolver(tree, prefer)
    data = resolver.fields(Spec, tree.data, ())
    found = [*problems, *wrong_preferences, *resolver.problems]
    resolver.broken |= {problem.keys for problem in problems if problem.keys}
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        from registry_core.config.loading.elsewhere import intended
        from registry_core.config.loading.messages import problems_of, written

        found += problems_of(error, Spec, data, tree, ())
        wrong = {written(detail, data) for detail in error.errors(include_url=False)}
        resolver.broken |= wrong | {keys for problem in found if (keys := intended(problem))}
        try:  # go on without what is wrong, so that the checks can find the rest
            spec = Spec.model_validate(_without(data, wrong))
        except ValidationError:
            raise _all(found, tree) from None
    if look_at_data:
        seen = survey(spec, skip=_broken_sections(resolver.broken))
        context = CheckContext(spec, seen, tree, frozenset(resolver.broken), fresh)
        found += check(context)
        found += check_machine(context) if here else ()
        if all(problem.warning for problem in found):  # of a spec with holes there would be false ones
            found += doubts(context)
        spec._survey = seen
    found += resolver.notices
    if not all(problem.warning for problem in found):
        raise _all(found, tree)
    spec._places = Places(tree)
    spec._notices = tuple(_sorted(found))
    return spec


def _without(data: Any, wrong: set[Keys]) -> Any:
    """The data without the fields that are wrong: what is left has their defaults."""

    def copy(value: Any, keys: Keys) -> Any:
        if not isinstance(value, dict):
            return value
        kept = {key: item for key, item in value.items() if not is_wrong((*keys, key), item)}
        return {key: copy(item, (*keys, key)) for key, item in kept.items()}

    def is_wrong(keys: Keys, item: Any) -> bool:
        return keys in wrong or (not isinstance(item, dict) and any(path[: len(keys)] == keys for path in wrong))

    return copy(data, ())


def _version_problems(tree: Tree) -> list[Problem]:
    version = tree.data.get("version")
    if type(version) is int and version == models.VERSION:
        return []
    from registry_core.config.loading.upgrades import check_version

    return check_version(tree)


def _all(problems: list[Problem], tree: Tree) -> PipelineError:
    from registry_core.config.loading.elsewhere import sent_home

    return PipelineError(_sorted([sent_home(problem, tree) for problem in problems]))


def _sorted(problems: list[Problem]) -> list[Problem]:
    return sorted(_once(problems), key=_position)


def _broken_sections(broken: set[Keys]) -> frozenset[Section]:
    return frozenset(keys[1] for keys in broken if len(keys) > 2 and keys[2] == "dataset")  # type: ignore[misc]  # keys below `data` are sections


def _once(problems: list[Problem]) -> list[Problem]:
    """The first problem at each place and key; those that follow are its consequences."""
    first: dict[tuple[str, Keys], Problem] = {}
    for problem in problems:
        first.setdefault((str(problem.place), problem.keys), problem)
    return list(first.values())


def _position(problem: Problem) -> tuple[str, int, int]:
    place = problem.place
    return (place.source, place.line or 0, place.column or 0) if place else ("", 0, 0)
