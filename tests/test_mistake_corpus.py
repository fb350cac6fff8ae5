"""Every mistake of the corpus is found by ``validate``, alone, at its place, with its code and a remedy."""

from __future__ import annotations

import pytest
from corpus import FOLDER, Mistake, mistakes

from registry_core.errors import PipelineError, Problem
from registry_core.spec import load

CORPUS = mistakes()

SAYS_WHAT_TO_DO = ("?", "xpected", " must ", "takes either", "; ")
"""Words of messages that need no remedy beside them."""


@pytest.mark.parametrize("mistake", CORPUS, ids=[mistake.name for mistake in CORPUS])
def test_the_mistake_is_found(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    (problem,) = problems_of(mistake)
    assert f"{problem.place}" == mistake.place, str(problem)
    assert problem.code == mistake.code, str(problem)
    assert mistake.words in f"{problem.message} {problem.remedy}", str(problem)
    assert problem.remedy or any(word in problem.message for word in SAYS_WHAT_TO_DO), "nothing says what to do"


def problems_of(mistake: Mistake) -> tuple[Problem, ...]:
    """What ``validate`` says of a file: errors, or warnings."""
    try:
        return load(mistake.path.relative_to(FOLDER), mistake.options).notices
    except PipelineError as error:
        return error.problems
