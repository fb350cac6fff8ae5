"""Every mistake of the corpus is found by ``validate``, alone, at its place, with its code and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus import FOLDER, Mistake, mistakes

from registry_core.errors import PipelineError, Problem
from registry_core.spec import load
from registry_core.spec.fixes import applicable, corrected

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


def test_a_correction_corrects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What ``validate --fix`` writes is never found again: it would go on for ever."""
    monkeypatch.chdir(FOLDER)
    corrections = 0
    for mistake in CORPUS:
        (problem,) = problems_of(mistake)
        source = str(mistake.path.relative_to(FOLDER))
        text = mistake.path.read_bytes().decode("utf-8", errors="replace")
        if fixes := applicable([problem], text, source):
            corrections += 1
            written = tmp_path / "corrected.yaml"
            written.write_text(corrected(text, fixes))
            try:
                found: tuple[Problem, ...] = load(written, mistake.options).notices
            except PipelineError as error:
                found = error.problems
            assert problem.message not in {again.message for again in found}, str(problem)
    assert corrections > 100
