"""Write the page from the results."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from elsewhere.judging import has_near_match, has_remedy
from elsewhere.mistakes import MISTAKES
from elsewhere.tools import TOOLS

Results = dict[str, Any]
"""By tool: `versions`, `seconds`, and `results` by the slug of the mistake."""

_HEAD = """# The same mistakes in other tools

{count} ordinary mistakes in an image-classification set-up, each made in every tool that can express it: when does the
tool say so, and does its message help? Everything here is measured by `python benchmarks/mistakes_elsewhere.py`, which
writes this page. What it saw, with the beginnings of the messages, is in `docs/mistakes-elsewhere.json`.

## What was measured

{versions}

These are the versions that pip chooses on Python 3.11 without being told any. All ran on the CPU, and none needs a
workaround for this torch.

Each tool has one good set-up, written as its documentation does (`benchmarks/elsewhere/setups`), on the same data: 170
training and 40 validation images of 28 x 28 pixels in 10 class folders, in a run of 2 epochs with batches of 32, SGD, a
schedule, a parameter group, a rule for first values, early stopping and a best checkpoint, as far as the tool has them.
The network is LeNet; Ludwig has its own. A mistake is a small edit of the configuration
(`benchmarks/elsewhere/edits`), or a change of the data (`benchmarks/elsewhere/worlds.py`).

- **LightningCLI**: typed arguments of a module and a data module, components by `class_path`, rules as dataclasses.
- **Hydra**: a schema of dataclasses for all but the components, which are `_target_`, and a training loop by hand.
- **MMEngine**: a Python configuration for its `Runner`; the network, losses, data set and transforms of torchvision are
  registered.
- **Ludwig**: a YAML configuration and a table of images, by its Python interface.
- LightningCLI and Hydra have no rules for parameter groups, first values, freezing and weights. There the set-up has a
  few plain functions of its own (`setups/shared/parts.py`), which check nothing, as users write them; MMEngine's uses
  the one for freezing. So rows about rules and weights say of these tools what torch says, or nothing.

Loops, callbacks and hooks print markers: when the configuration is read, when all objects are made, after the first
batch, after an epoch, at the end. Of registry-core the files of the run directory say the same. The last marker, the
exit code and what was printed decide an entry, by fixed rules (`benchmarks/elsewhere/judging.py`). The checks are:

{checks}

## When a mistake is noticed

| | meaning |
|---|---|
| V | refused by the check, before objects of torch are made |
| I | refused while objects are made, before the first batch |
| B | fails in the first batch, of training or of a validation before it |
| E | fails later: in another batch, after an epoch, at the end |
| Vw, Iw, Bw, Ew | the run ends, with a warning at that time which the good set-up does not give |
| N | never: the run ends and says nothing |
| ok | not a mistake there: the losses are those of the good set-up |
| – | cannot be written there |

"""

_GLOSS = """
*Key path*: the message has the place in the configuration, with two or more steps of the path, or its only one.
*File and line*: it has the name of the configuration file with a line. *Remedy*: a word that tells what would be right,
such as "expected", "must", "use" or "available"; a lenient count. *Near match*: it asks whether the right name was
meant. The last five rows count the mistakes that are refused, fail or are warned of.

"""

_TIMES = """## How long it takes until the message

Processor time of whole processes in seconds, one run each, with one thread: sizes, not exact figures.

"""

_WHOLE = {
    "good": "check of the good set-up",
    "optimizer-misspelt": "a misspelt optimizer, until the message",
    "channels": "a model of 3 channels on grey images, until the message",
}

_FORKED = """
For the tables, each mistake is a process of its own, forked from one that has imported the tool and torch, so that
imports are paid once. registry-core's are whole processes.

## All mistakes

"""


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"


def _noticed(results: Results) -> list[Results]:
    return [found for found in results.values() if found["when"][0] in "VIBE"]


def _count(*when: str) -> Callable[[Results], str]:
    return lambda results: str(sum(found["when"] in when for found in results.values()))


def _share(key: str) -> Callable[[Results], str]:
    return lambda results: f"{sum(key in found for found in _noticed(results))} of {len(_noticed(results))}"


def _remedies(results: Results) -> str:
    noticed = _noticed(results)
    return f"{sum(has_remedy(found['message']) for found in noticed)} of {len(noticed)}"


def _near(results: Results) -> str:
    near = {mistake.slug: mistake.near for mistake in MISTAKES if mistake.near}
    asked = [(found, near[slug]) for slug, found in results.items() if slug in near and found["when"][0] in "VIBE"]
    return f"{sum(has_near_match(found['message'], right) for found, right in asked)} of {len(asked)}"


def _tracebacks(results: Results) -> str:
    lines = [found["traceback"] for found in _noticed(results) if "traceback" in found]
    return f"{len(lines)}; {statistics.median(lines):.0f}" if lines else "0"


_TOTALS: dict[str, Callable[[Results], str]] = {
    "can be written": lambda results: str(sum(found["when"] != "n/a" for found in results.values())),
    "V: when checked": _count("V"),
    "I: while objects are made": _count("I"),
    "B: in the first batch": _count("B"),
    "E: later": _count("E"),
    "w: a warning only": _count("Vw", "Iw", "Bw", "Ew"),
    "N: never": _count("N"),
    "ok: not a mistake there": _count("ok"),
    "key path": _share("path"),
    "file and line": _share("line"),
    "remedy": _remedies,
    "near match, of misspelt names": _near,
    "as a traceback; median lines": _tracebacks,
}


def page(found: Results) -> str:
    """The page in Markdown."""
    tools = [tool for name, tool in TOOLS.items() if name in found]
    versions = "\n".join(f"- {tool.title}: {_versions(found[tool.name]['versions'])}" for tool in tools)
    checks = "\n".join(f"- {tool.title}: {tool.checked_by}" for tool in tools)
    text = _HEAD.format(count=len(MISTAKES), versions=versions, checks=checks)
    titles = [tool.title for tool in tools]
    results = [found[tool.name]["results"] for tool in tools]
    text += _row([f"of {len(MISTAKES)}", *titles]) + "|---" * (len(tools) + 1) + "|\n"
    for name, total in _TOTALS.items():
        text += _row([name, *(total(result) for result in results)])
    text += _GLOSS + _TIMES + _row(["", *titles]) + "|---" * (len(tools) + 1) + "|\n"
    for key, name in _WHOLE.items():
        text += _row([name, *(found[tool.name]["seconds"].get(key, "–") for tool in tools)])
    return text + _FORKED + _tables(titles, results)


def _versions(found: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _tables(titles: list[str], results: list[Results]) -> str:
    """A table for each category."""
    text = ""
    for category, mistakes in groupby(MISTAKES, lambda mistake: mistake.category):
        text += f"**{category[0].upper()}{category[1:]}**\n\n"
        text += _row(["mistake", "what it is", "remedy", *titles]) + "|---" * (len(titles) + 3) + "|\n"
        for mistake in mistakes:
            whens = [result[mistake.slug]["when"].replace("n/a", "–") for result in results]
            text += _row([f"`{mistake.slug}`", mistake.says.replace("|", "\\|"), mistake.remedy, *whens])
        text += "\n"
    return text.rstrip() + "\n"
