"""Silenced warnings: their places exist, and they silence something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry_core.checks.check import check
from registry_core.checks.context import CheckContext
from registry_core.config.text.fixes import keys_in
from registry_core.config.text.key_path import flat
from registry_core.diagnostics import Keys, Problem, dotted

_SEEN_LATER = ("first-loss", "gradient-missing", "gradient-zero", "not-finite")
"""Warnings that the dry run alone finds, as it finds those of the theme "The machine"."""


@check("ignore")
def ignored_places_exist(context: CheckContext) -> Iterator[Problem]:
    """Every place of ``ignore`` is a key of the file."""
    places = set(map(flat, keys_in(context.tree.data))) if context.spec.ignore else set()
    for index, ignored in enumerate(context.spec.ignore):
        if ignored.at and flat(ignored.at) not in places:
            message = f"There is nothing at {dotted(ignored.at)}."
            keys: Keys = ("ignore", index, ignored.code)
            yield context.problem(keys, message, "Write the place as the warning names it, or a key above it.")


def unused(context: CheckContext, problems: Sequence[Problem]) -> Iterator[Problem]:
    """A warning for each entry of ``ignore`` that silences none of these problems, and none of the dry run."""
    from registry_core.diagnostics.codes import CODES  # few files silence a warning

    for index, ignored in enumerate(context.spec.ignore):
        later = ignored.code in _SEEN_LATER or CODES[ignored.code].theme == "The machine"
        if not later and not any(
            problem.warning and ignored.covers(problem.code, problem.keys) for problem in problems
        ):
            where = f" at {dotted(ignored.at)}" if ignored.at else ""
            message = f"No warning has the code {ignored.code}{where}."
            found = context.problem(("ignore", index), message, "Remove it.", "unused-ignore")
            yield found._replace(warning=True)
