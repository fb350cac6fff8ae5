"""Load a pipeline again, for a trial, to learn more about its problems: which fix helps, which option is to blame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from registry_core.config.text.fixes import applicable, corrected
from registry_core.config.text.source import text_of_file
from registry_core.config.text.tree import Tree, read_text
from registry_core.diagnostics import Keys, PipelineError, Place, Problem

ReadTree = Callable[[Path], Tree]
Said = frozenset[tuple[Keys, str]]

_TRIALS = 20
"""At most this many fixes are tried one by one, after all of them together."""

_TRIED_VALUES = 20_000
"""At most this many values are read again in trials of single fixes."""


def with_safe_fixes(problems: Sequence[Problem], tree: Tree, load: Callable[[ReadTree], object]) -> Sequence[Problem]:
    """The problems, without the fixes that would write the next mistake: a key twice, or a value that is refused.

    ``load`` loads the pipeline, whose tree is ``tree``, with another function that reads its files.
    """
    tried = [problem for problem in problems if problem.fix is not None]
    if not tried:
        return problems
    errors = _errors_after(tried, load)
    if any(_is_unclear(each, tried) for each in errors):  # which fix is to blame shows only in separate trials
        many = min(_TRIALS, max(1, _TRIED_VALUES // max(1, len(tree.values))))
        after = {id(problem): _errors_after([problem], load) for problem in tried[:many]}
    else:
        after = {id(problem): errors for problem in tried}
    return [problem if problem.fix is None else _with_safe_fix(problem, after.get(id(problem))) for problem in problems]


def _errors_after(fixed: Sequence[Problem], load: Callable[[ReadTree], object]) -> Sequence[Problem]:
    """The errors of a pipeline to which the fixes of problems are applied."""

    def read(file: Path) -> Tree:
        text = text_of_file(file)
        return read_text(corrected(text, applicable(fixed, text, str(file))), str(file))

    try:
        load(read)
    except PipelineError as error:
        return error.problems
    return ()


def _is_unclear(error: Problem, tried: Sequence[Problem]) -> bool:
    return len(tried) > 1 and (error.keys == () or error.code == "duplicate-key")


def _with_safe_fix(problem: Problem, errors: Sequence[Problem] | None) -> Problem:
    fix = problem.fix
    if errors is None or fix is None:
        return problem._replace(fix=None)
    is_key = problem.code in ("unknown-key", "unknown-parameter")
    fixed: Keys = (*problem.keys[:-1], fix.new) if is_key else problem.keys
    wrong = [each for each in errors if each.keys in (fixed, ()) or each.code == "duplicate-key"]
    wrong = [each for each in wrong if each.fix is None or not each.fix.certain]
    if not wrong:
        return problem
    following = next((each for each in wrong if each.keys == fixed and fix.certain), None)
    if following is None:
        return problem._replace(fix=None)
    return problem._replace(remedy=f"{following.message} {following.remedy}".strip(), fix=None)


def at_options(problems: Sequence[Problem], tree: Tree, without: Mapping[str, Callable[[], object]]) -> list[Problem]:
    """The problems; one of a component that an option changes, and that is not there without it, is at the option.

    ``without`` has, for each option, a function that loads the pipeline without it.
    """
    said = _said(problems)

    @cache
    def left(option: str) -> Said:
        try:
            without[option]()
        except PipelineError as error:
            return _said(error.problems)
        return frozenset()

    set_keys = {option: _keys_set(tree, Place(f"--set {option}")) for option in without}
    found = []
    for problem in problems:
        cause = None
        for option, inner in set_keys.items() if problem.place is not None and problem.place.line is not None else ():
            below = any(len(keys) > len(problem.keys) and keys[: len(problem.keys)] == problem.keys for keys in inner)
            if problem.keys and below and (problem.keys, problem.message) not in left(option) <= said:
                cause = option
        found.append(problem if cause is None else problem._replace(place=Place(f"--set {cause}"), fix=None))
    return found


def _keys_set(tree: Tree, option: Place) -> list[Keys]:
    return [keys for keys, place in tree.values.items() if place == option]


def _said(problems: Sequence[Problem]) -> Said:
    return frozenset((each.keys, each.message) for each in problems)
