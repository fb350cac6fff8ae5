"""``registry-core check``: run the conformance checks of components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from registry_core.cli.json_output import print_json
from registry_core.cli.options import as_json, component_records, distributions_or_components, say
from registry_core.diagnostics import as_clause

if TYPE_CHECKING:
    from registry_core.testing import Result


@click.command(
    "check", short_help="Run the conformance checks of components", epilog="Example: registry-core check loss/focal"
)
@distributions_or_components(required=True)
@as_json
def command(wanted: tuple[str, ...], as_json: bool) -> int:
    """Run the conformance checks of components, or of all components of a distribution; exits with 1 if one fails.

    The checks are those of `registry_core.testing`, which plugin authors run with pytest. They build and call the
    components.
    """
    records = component_records(wanted)
    from registry_core.testing import run_checks

    found: list[Result] = []
    for result in run_checks(records):
        found.append(result)
        if not as_json and not result.is_right:
            say(f"{result.status}  {result.component}: {result.check}")
            say(f"        {result.reason}")
    if as_json:
        print_json([asdict(result) for result in found])
    else:
        _summarise(found)
    return int(not all(result.is_right for result in found))


def _summarise(found: Sequence[Result]) -> None:
    left_out: dict[str, list[Result]] = {}
    for result in found:
        if result.status == "left out":
            left_out.setdefault(result.reason, []).append(result)
    for reason, results in left_out.items():
        names = list(dict.fromkeys(result.component for result in results))
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        say(f"left out  {len(results)} checks of {shown}: {as_clause(reason)}.")
    components = len({result.component for result in found})
    counts = {status: sum(r.status == status for r in found) for status in dict.fromkeys(r.status for r in found)}
    said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items(), key=lambda each: -each[1]))
    say(f"{components} component{'' if components == 1 else 's'}, {len(found)} checks: {said}.")
