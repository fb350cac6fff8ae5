"""Places in the file for problems that show only when a pipeline is built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry_core.config.loading.resolve import placed_components
from registry_core.config.models import Spec
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, PipelineError, Problem


class Places:
    """Where everything of a spec stands; all are equal, for what a spec says does not depend on it."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places)

    def __hash__(self) -> int:
        return hash(Places)


def keys_of(component: object, spec: Spec) -> Keys:
    """The keys of a component of the spec; empty for what the file does not name."""
    return next((keys for keys, found in placed_components(spec) if found is component), ())


@contextmanager
def placed(spec: Spec) -> Iterator[None]:
    """Give problems raised inside, which name keys of ``spec``, the file, line and column of these keys."""
    try:
        yield
    except PipelineError as error:
        raise PipelineError(with_place(problem, spec) for problem in error.problems) from error


def with_place(problem: Problem, spec: Spec) -> Problem:
    """The problem with the place of the key that it names, if it has none and the spec is from a file."""
    if spec._places is None or problem.place is not None or not problem.keys:
        return problem
    return problem._replace(place=spec._places.tree.place(problem.keys))
