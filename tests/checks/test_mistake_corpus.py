"""Every mistake of the corpus is found by ``validate``, alone, at its place, with its code and a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from corpus import FOLDER, Mistake, mistakes, problems_of

from registry_core.catalog import KINDS
from registry_core.config.text.fixes import applicable, corrected
from registry_core.diagnostics import Fix, PipelineError, Problem
from registry_core.loaded import load

CORPUS = mistakes()

SAYS_WHAT_TO_DO = ("?", "xpected", " must ", "; ")
"""Words of messages that need no remedy beside them."""


@pytest.mark.parametrize("mistake", CORPUS, ids=[mistake.name for mistake in CORPUS])
def test_the_mistake_is_found(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    (problem,) = problems_of(mistake)
    assert f"{problem.place}" == mistake.place, str(problem)
    assert problem.code == mistake.code, str(problem)
    assert mistake.words in f"{problem.message} {problem.remedy}", str(problem)
    assert problem.remedy or any(word in problem.message for word in SAYS_WHAT_TO_DO), "nothing says what to do"


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
                found: tuple[Problem, ...] = load(written, mistake.options).warnings
            except PipelineError as error:
                found = error.problems
            assert problem.message not in {again.message for again in found}, str(problem)
            assert mistake.name in MISTAKEN_TWICE or not list(_written(problem, fixes[0], found)), str(problem)
    assert corrections > 100


MISTAKEN_TWICE = ("names/bce-with-logits-loss", "names/mnist-capitals")
"""Files with a second mistake, which the misspelt name hides: another loss would be right, and the data are missing."""


def _written(problem: Problem, fix: Fix, found: Iterable[Problem]) -> Iterator[Problem]:
    """The errors that a fix writes: a key twice, or one about the corrected word that no certain fix corrects."""
    word = (*problem.keys[:-1], fix.new)
    for again in found:
        about_word = again.keys in (problem.keys, word) and not (again.fix and again.fix.certain)
        if not again.warning and (about_word or not again.keys):
            yield again


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("parameters/means", "Did you mean 'mean'?"),
        ("parameters/beta1", "Did you mean 'betas'?"),
        ("parameters/warmup-epochs", "Did you mean 'warmup'?"),
        ("values/random-apply-single-transform", "Did you mean 'transforms'?"),
        ("names/batch-norm-plain", "Did you mean 'batch_norm1d' or 'batch_norm2d'?"),
    ],
)
def test_what_would_write_the_next_mistake_is_no_fix(monkeypatch: pytest.MonkeyPatch, name: str, remedy: str) -> None:
    """The key is there already, the value does not fit, or two words are as near: the remedy says so, and no more."""
    monkeypatch.chdir(FOLDER)
    (problem,) = problems_of(next(mistake for mistake in CORPUS if mistake.name == name))
    assert remedy in problem.remedy
    assert problem.fix is None


ORDINARY = {
    "the optimizer is misspelt": "names/optimizer-misspelt",
    "a transform is misspelt": "names/transform-misspelt",
    "a scheduler stands where the optimizer belongs": "kinds/scheduler-for-optimizer",
    "a parameter of the optimizer is misspelt": "parameters/weight-decay-misspelt",
    "the length of training is misspelt": "keys/epoch-for-epochs",
    "the learning rate is a text": "values/lr-quoted",
    "a probability is 1.5": "values/flip-probability-above-one",
    "the reduction does not exist": "values/reduction-avg",
    "a key stands twice": "syntax/duplicate-parameter",
    "a parameter is indented one level too far left": "placing/momentum-beside-sgd",
    "to_tensor stands twice": "transforms/to-tensor-twice",
    "a crop is larger than the image": "transforms/crop-larger-than-image",
    "nothing makes the image a tensor": "transforms/no-to-tensor",
    "the model takes three channels of one": "shapes/three-channels-of-one",
    "the model has 100 outputs for 10 classes": "classes/hundred-of-ten",
    "mixed targets for a loss of class numbers": "losses/nll-of-mixup",
    "softmax twice": "losses/softmax-twice",
    "all milestones after the end": "schedules/milestones-after-the-end",
    "the plateau's metric is misspelt": "monitor/plateau-misspelt",
    "early stopping's metric is misspelt": "monitor/early-stopping-misspelt",
    "the better direction of an accuracy is lower": "monitor/early-stopping-lower-accuracy",
    "a parameter group matches nothing": "rules/group-of-no-parameter",
    "the weights fit nothing": "rules/weights-of-another-model",
    "the data are not there": "datasets/mnist-folder-missing",
    "no batch is full": "lengths/no-full-batch",
    "the validation data are the training data": "datasets/val-is-train",
    "fp16 on the CPU": "environment/fp16-on-cpu",
    # The three others of thirty: log-probabilities are made of logits by the plan, a bare `no` is a text in YAML 1.2,
    # and a folder that cannot be made is no mistake of a file (tests/checks/test_machine_checks.py).
}

SECTIONS = ("data", "model", "init", "finetune", "loss", "optim", "train", "metrics", "hooks")
HEAD = ("requires", "prefer", "seed", "version", "vars")


def test_the_corpus_is_large_and_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    names = [mistake.name for mistake in CORPUS]
    assert len(names) >= 800
    assert set(ORDINARY.values()) <= set(names)
    found = [problem for mistake in CORPUS for problem in problems_of(mistake)]
    paths = [problem.path for problem in found]
    for section in (*SECTIONS, *HEAD):
        assert any(path.startswith(section) for path in paths), section
    for kind in KINDS:
        of_kind = re.compile(rf"\b{kind} '")
        assert sum(of_kind.search(problem.message) is not None for problem in found) >= 3, kind
    assert len({problem.code for problem in found}) >= 60
