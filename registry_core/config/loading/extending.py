"""Name the files that a mistake comes from, in a pipeline that is composed of several."""

from __future__ import annotations

from collections.abc import Mapping

from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, Place, Problem

_MISSING = ("missing-key", "missing-parameter")


class Origins:
    """The files of one composed pipeline, to complete the messages of its problems."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.inner: dict[Keys, dict[str, Place]] = {}
        for keys, place in tree.values.items() if tree.extended_by else ():
            for end in range(len(keys)):
                if place.line is not None:
                    self.inner.setdefault(keys[:end], {}).setdefault(place.source, place)

    def named(self, problem: Problem) -> Problem:
        """The problem with a sentence about the file that another one extends, if it comes from there."""
        extended_by, place = self.tree.extended_by, problem.place
        if not extended_by or place is None:
            return problem
        if place.source in extended_by:
            return with_extending(problem, extended_by)
        if sentence := self._replaced(problem) or self._merged(problem, place):
            return problem._replace(message=f"{problem.message} {sentence}")
        return problem

    def _replaced(self, problem: Problem) -> str:
        """The sentence about the component of an extended file whose parameters are lost."""
        before = self.tree.replaced.get(problem.keys[:-2]) if problem.code == "missing-parameter" else None
        return f"It replaces the component at {before} with all its parameters." if before else ""

    def _merged(self, problem: Problem, place: Place) -> str:
        """The sentence about the other file that the wrong value is merged from."""
        keys = problem.keys[:-1] if problem.code in _MISSING else problem.keys
        others = [other for source, other in self.inner.get(keys, {}).items() if source != place.source]
        if not keys or not others:
            return ""
        by = self.tree.extended_by.get(others[0].source)
        return f"A part of it is at {others[0]}{f', which {by} extends' if by else ''}."


def with_extending(problem: Problem, extended_by: Mapping[str, str]) -> Problem:
    """The problem with a sentence about the file that extends the one where it is."""
    by = extended_by.get(problem.place.source) if problem.place else None
    return problem._replace(message=f"{problem.message} {by} extends this file.") if by else problem
