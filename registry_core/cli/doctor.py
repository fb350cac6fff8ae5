"""``registry-core doctor``: examine everything that is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_core.catalog import installed
from registry_core.cli.json_output import print_json
from registry_core.cli.options import as_json, component_records, distributions_or_components, say, time_limit

if TYPE_CHECKING:
    from registry_core.registry.doctor import Examination


@click.command(
    "doctor",
    short_help="Report what is broken, slow, stale, hidden or in conflict",
    epilog="Example: registry-core doctor --strict",
)
@distributions_or_components(required=False)
@time_limit
@click.option("--strict", is_flag=True, help="Exit with 1 on any warning or broken component, for CI.")
@as_json
def command(wanted: tuple[str, ...], timeout: float, strict: bool, as_json: bool) -> int:
    """Import every component in a separate process, and report what is broken, slow, stale, hidden or in conflict.

    This process survives an exit, a crash or a hang of a plugin.
    """
    from registry_core.registry.doctor import examine, examine_distributions

    catalog = installed()
    found = list(examine(catalog, component_records(wanted), timeout))
    if not wanted:
        found += examine_distributions(catalog, Path.cwd())
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        _print(found)
    return int(strict and any(each.state in ("warning", "broken") for each in found))


def _print(found: Sequence[Examination]) -> None:
    for each in found:
        if each.state in ("warning", "broken"):
            what = each.component or "its metadata"
            origin = f"{each.distribution} {each.version}".strip()
            say(f"{each.state:<7}  {what} of {origin}" if origin else f"{each.state:<7}  a project here")
            for reason in each.reasons:
                say(f"         {reason}")
    notes: dict[tuple[str, str], int] = {}
    for each in found:
        if each.state == "note":
            for reason in each.reasons:
                key = (f"{each.distribution} {each.version}".strip(), reason)
                notes[key] = notes.get(key, 0) + 1
    for (origin, reason), count in notes.items():
        say(f"note     {count} of {origin}: {reason}")
    for distribution in dict.fromkeys(each.distribution for each in found if each.component):
        own = [each for each in found if each.distribution == distribution and each.component]
        timed = [each for each in own if each.seconds is not None]
        slowest = max(timed, key=lambda each: each.seconds or 0.0, default=None)
        wrong = sum(each.state in ("warning", "broken") for each in own)
        time = f"; slowest import {(slowest.seconds or 0) * 1000:.0f} ms ({slowest.component})" if slowest else ""
        state = "all in order" if not wrong else f"{wrong} not in order"
        how_many = f"{len(own)} component{'' if len(own) == 1 else 's'}"
        say(f"{f'{distribution} {own[0].version}'.strip()}: {how_many}, {state}{time}")
