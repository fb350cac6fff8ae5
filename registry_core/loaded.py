"""Load a pipeline file: read, analyse and check it, and return the loaded pipeline or raise all problems at once.

Modules that describe mistakes are imported only if there is one: most files are correct.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from registry_core.analysis.analysis import Analysis, analyse
from registry_core.analysis.matching import bounded_matching
from registry_core.checks.context import CheckContext
from registry_core.checks.ignored import unused
from registry_core.checks.missing_here import missing_here
from registry_core.checks.table import errors_of, warnings_of
from registry_core.components.written_forms import Unwritable
from registry_core.config import dump, models
from registry_core.config.dump import pipeline_text
from registry_core.config.ignoring import silenced
from registry_core.config.loading.compose import ReadTree, compose
from registry_core.config.loading.requirements import check_required, preferences
from registry_core.config.loading.resolve import Resolver, component_class
from registry_core.config.models import Section, Spec
from registry_core.config.text.tree import Tree, read_text
from registry_core.diagnostics import Keys, PipelineError, Problem
from registry_core.registry.blame import blaming_plugins


@dataclass(frozen=True)
class Loaded:
    """A pipeline file that was read and checked: its spec and the results of reading it."""

    spec: Spec
    analysis: Analysis | None
    """None if the data were not examined."""
    tree: Tree = field(repr=False, compare=False)
    """The keys and values of the file with their places."""
    warnings: tuple[Problem, ...] = ()
    """Problems that do not prevent a run: it may not do what was intended, or the file should be changed."""


@dataclass(frozen=True)
class Looks:
    """The extent of the checks when a pipeline is loaded."""

    data: bool = True
    """Examine the data, on which the checks across components depend."""
    fresh: bool = True
    """Check the weights that a new run starts from."""
    here: bool = False
    """Check the devices and processors of this machine, on which the pipeline will run."""
    elsewhere: bool = False
    """The run will be on another machine: data and weights that are missing here are no errors."""


def load(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    fresh: bool = True,
    here: bool = False,
    elsewhere: bool = False,
) -> Loaded:
    """Read and check a pipeline file under ``KEY=VALUE`` overrides.

    ``fresh``: a new run starts from the pipeline, so the weights that it starts from are checked. ``here``: the run is
    on this machine, so its devices are checked too. ``elsewhere``: it is on another, so data and weights that are
    missing here are warnings that say what was not checked.
    Raises PipelineError with all problems, sorted by place.
    """
    looks = Looks(fresh=fresh, here=here, elsewhere=elsewhere)
    tree, problems = compose(Path(path), overrides, _is_component)
    try:
        return load_tree(tree, problems, looks)
    except PipelineError as error:
        from registry_core.config.loading.trials import at_options, with_safe_fixes

        found = with_safe_fixes(error.problems, tree, lambda read: load_unseen(path, overrides, read))
        loads = {option: _without_option(Path(path), overrides, option, looks) for option in overrides}
        raise PipelineError(at_options(found, tree, loads)) from None


def _without_option(path: Path, overrides: Sequence[str], option: str, looks: Looks) -> Callable[[], object]:
    """A function that loads a file without one of its options."""
    others = [other for other in overrides if other != option]
    return lambda: load_tree(*compose(path, others, _is_component), looks)


def load_unseen(path: str | Path, overrides: Sequence[str] = (), read: ReadTree | None = None) -> Loaded:
    """Read a pipeline file without examining its data and other files, which may not exist yet.

    ``read`` replaces the function that reads files, for example for texts that are not written yet.
    """
    more = () if read is None else (read,)
    tree, problems = compose(Path(path), overrides, _is_component, *more)
    return load_tree(tree, problems, Looks(data=False))


def load_recorded(
    pipeline: Any, source: str, overrides: Sequence[str] = (), *, data: bool, fresh: bool = False
) -> Loaded:
    """Read a pipeline that a checkpoint recorded as plain data, under ``KEY=VALUE`` overrides.

    ``data``: examine its data. ``fresh``: a new run starts from it. ``source`` is its name in messages.
    """
    tree, problems = compose(
        Path(source), overrides, _is_component, lambda _: read_text(pipeline_text(pipeline), source)
    )
    return load_tree(tree, problems, Looks(data=data, fresh=fresh))


def _is_component(keys: Keys) -> bool:
    return component_class(Spec, keys) is not None


@blaming_plugins()
def load_tree(tree: Tree, problems: Sequence[Problem] = (), looks: Looks = Looks()) -> Loaded:  # Looks is immutable
    """Check a tree; ``problems`` are those found while it was read."""
    if not tree.extended_by:
        return _checked(tree, problems, looks)
    from registry_core.config.loading.extending import Origins

    try:
        loaded = _checked(tree, problems, looks)
    except PipelineError as error:
        raise PipelineError(map(Origins(tree).named, error.problems)) from None
    return replace(loaded, warnings=tuple(map(Origins(tree).named, loaded.warnings))) if loaded.warnings else loaded


def _checked(tree: Tree, problems: Sequence[Problem], looks: Looks) -> Loaded:
    reading = _Reading(tree, [*problems, *_version_problems(tree)])
    spec = reading.spec()
    analysis = None
    if looks.data:
        analysis = analyse(spec, skip=_broken_sections(reading.broken))
        context = CheckContext(spec, analysis, tree, frozenset(reading.broken), looks.fresh, looks.here)
        with bounded_matching(tree):
            found = errors_of(context)
            reading.found += missing_here(found, spec, analysis) if looks.elsewhere else found
            if not reading.has_errors():
                reading.found += warnings_of(context)
    if not reading.has_errors():
        reading.found += reading.doubts
    reading.found += reading.warnings
    if reading.has_errors():
        raise reading.error()
    if spec.ignore:
        stale = unused(context, reading.found) if looks.data else ()
        reading.found = [*silenced(spec.ignore, reading.found), *stale]
    return Loaded(spec, analysis, tree, tuple(_sorted(reading.found)))


def load_spec(spec: Spec, *, fresh: bool = True) -> Loaded:
    """Read and check a spec that was made or changed in Python as if it were written in a file.

    Raises PipelineError with all problems; they have keys, but no place.
    """
    from registry_core.config.loading.in_python import tree_of

    tree, problems = tree_of(spec)
    loaded = load_tree(tree, problems, Looks(fresh=fresh))
    try:
        dump(loaded.spec)
    except Unwritable as error:
        message = f"{error} cannot be written in a pipeline file, so the run could not be read again."
        raise PipelineError([Problem(message, _WRITABLE, keys=error.keys, code="wrong-type")]) from error
    return loaded


_WRITABLE = "Use texts, numbers, truth values, lists and mappings, or register a component that makes it."


def check(spec: Spec) -> tuple[Problem, ...]:
    """The errors of a spec that was made or changed in Python or, without any, its warnings; none has a place."""
    try:
        return load_spec(spec).warnings
    except PipelineError as error:
        return error.problems


def opened(spec: Spec, lengths: Mapping[Section, int], tree: Tree | None) -> tuple[Problem, ...]:
    """The errors of a spec or, without any, its warnings that show only in the lengths of its data, once opened.

    ``lengths`` are the samples of each section. A ``tree`` tells the places.
    """
    seen = analyse(spec)
    facts = {name: replace(section.facts, length=lengths[name]) for name, section in seen.sections.items()}
    written = tree or Tree(dump(spec))
    before = CheckContext(spec, seen, written, frozenset())
    after = CheckContext(spec, analyse(spec, known=facts), written, frozenset())
    if errors := errors_of(after):
        return tuple(errors)
    said = {(problem.code, problem.keys, problem.message) for problem in warnings_of(before)}
    found = silenced(spec.ignore, warnings_of(after))
    return tuple(each for each in found if (each.code, each.keys, each.message) not in said)


class _Reading:
    """Turns a tree into a spec and collects problems; wrong values are left out of the spec."""

    def __init__(self, tree: Tree, problems: list[Problem]) -> None:
        check_required(tree)
        prefer, wrong_preferences = preferences(tree)
        resolver = Resolver(tree, prefer)
        errors = [problem for problem in problems if not problem.warning]
        self.tree = tree
        try:
            self.data = resolver.fields(Spec, tree.data, ())
        except PipelineError as error:  # of too many mistakes
            raise PipelineError(_sorted([*errors, *wrong_preferences, *error.problems])) from None
        self.found = [*errors, *wrong_preferences, *resolver.problems]
        self.warnings = resolver.warnings
        self.doubts = [problem for problem in problems if problem.warning]
        """Warnings that are looked for only where there is no error."""
        self.broken: set[Keys] = resolver.broken | {problem.keys for problem in errors if problem.keys}

    def spec(self) -> Spec:
        """The spec without the wrong values. Raises PipelineError if nothing is left to check."""
        try:
            return Spec.model_validate(self.data)
        except ValidationError as error:
            from registry_core.config.loading.elsewhere import intended
            from registry_core.config.loading.messages import problems_of, written

            self.found += problems_of(error, Spec, self.data, self.tree, ())
            wrong = {written(detail, self.data) for detail in error.errors(include_url=False)}
            self.broken |= wrong | {keys for problem in self.found if (keys := intended(problem))}
            try:  # continue without the wrong values, so that the checks can find other problems
                return Spec.model_validate(_without(self.data, wrong))
            except ValidationError:
                raise self.error() from None

    def has_errors(self) -> bool:
        return not all(problem.warning for problem in self.found)

    def error(self) -> PipelineError:
        from registry_core.config.loading.elsewhere import Homes

        return PipelineError(_sorted(list(map(Homes(self.tree).told, self.found))))


def _without(data: Any, wrong: set[Keys]) -> Any:
    """The data without the wrong fields, which then have their defaults."""

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


def _broken_sections(broken: set[Keys]) -> frozenset[Section]:
    return frozenset(keys[1] for keys in broken if len(keys) > 2 and keys[2] == "dataset")  # type: ignore[misc]  # keys below `data` are sections


def _sorted(problems: list[Problem]) -> list[Problem]:
    """The first problem at each place and key, in the order of the file; later ones are its consequences."""
    first: dict[tuple[str, Keys], Problem] = {}
    for problem in problems:
        first.setdefault((str(problem.place), problem.keys), problem)
    return sorted(first.values(), key=_position)


def _position(problem: Problem) -> tuple[str, int, int]:
    place = problem.place
    return (place.source, place.line or 0, place.column or 0) if place else ("", 0, 0)
