"""Add places, found in the tree of the file, to problems that occur only when a pipeline is built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry_core.config.loading.resolve import placed_components
from registry_core.config.models import Spec
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, PipelineError, Problem, RegistryError


def keys_of(component: object, spec: Spec) -> Keys:
    """The keys of a component of the spec; empty for a component that the file does not contain."""
    return next((keys for keys, found in placed_components(spec) if found is component), ())


@contextmanager
def placed(tree: Tree | None) -> Iterator[None]:
    """Add file, line and column to an error that is raised within, or to the problems of a PipelineError."""
    try:
        yield
    except PipelineError as error:
        raise PipelineError(with_place(problem, tree) for problem in error.problems) from error
    except RegistryError as error:
        if tree is not None and error.keys and error.place is None:
            error.place = tree.place(error.keys)
        raise


def with_place(problem: Problem, tree: Tree | None) -> Problem:
    """The problem with the place of its keys, if it has no place and the pipeline is from a file."""
    if tree is None or problem.place is not None or not problem.keys:
        return problem
    return problem._replace(place=tree.place(problem.keys))
