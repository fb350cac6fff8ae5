"""Hostile pipelines come to a model or to a refusal: they run, import and write nothing, within 5 seconds and 1 GB.

``REGISTRY_TRIALS=long`` tries 20,000; ``REGISTRY_FIRST`` is the first number, from which the pipelines follow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hostile_specs import BOMBS, Sources, hostile
from reliability.trials import Score, trials

TRIALS = trials(120, 20_000)
FIRST = int(os.environ.get("REGISTRY_FIRST", "0"))
SECONDS, BYTES = 5, 10**9
HERE = Path(__file__).parent


def attempts(first: int, count: int) -> Iterator[dict[str, Any]]:
    """What each of these pipelines did: one process after another loads them, should one be killed."""
    while count > 0:
        command = [sys.executable, str(HERE / "load_specs.py"), str(first), str(count)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as child:
            assert child.stdout is not None
            assert child.stderr is not None
            done = 0
            for line in child.stdout:
                done += 1
                yield json.loads(line)
            said = child.stderr.read()
        if child.returncode == 0:
            return
        yield {"number": first + done, "kind": "?", "found": f"ended the process: {said[-500:]}", "harm": []}
        first, count = first + done + 1, count - done - 1


def test_hostile_pipelines_do_nothing() -> None:
    counts: Counter[str] = Counter()
    promise = f"no process, socket, import or write, no traceback; at most {SECONDS} s and {BYTES // 10**9} GB"
    with Score("hostile pipelines", promise) as score:
        for found in attempts(FIRST, TRIALS):
            outcome = found["found"].partition(":")[0]
            costly = found.get("seconds", 0) > SECONDS or found.get("bytes", 0) > BYTES
            counts[outcome] += 1
            score.trial(outcome in ("right", "refused") and not found["harm"] and not costly, found)
    assert score.count == TRIALS
    assert counts["right"] > TRIALS // 50, "some numbers and texts make another right pipeline"
    assert counts["refused"] > TRIALS // 2


def test_a_number_makes_the_same_pipeline_again() -> None:
    sources = Sources.read()
    for number in range(0, 400, 7):
        assert hostile(number, sources) == hostile(number, sources)
    kinds = {hostile(number, sources).kind.partition(":")[0] for number in range(len(BOMBS) + 400)}
    assert kinds >= {"bomb", "code", "path", "number", "text for a number", "option", "chain", "merged", "variables"}


PLANTED = """
import sys
sys.argv = ["load_specs.py", "1000", "1"]
sys.path[:0] = ["{here}", "{tests}"]
import load_specs
from registry_core.loaded import load
def hurt(path, options):
    {harm}
    return load(path, options)
import_everything = load_specs._import_everything
def plant():
    import_everything()
    load_specs.load = hurt
load_specs._import_everything = plant
load_specs.main()
"""


@pytest.mark.parametrize(
    ("harm", "event"),
    [
        ("import os; os.system('true')", "os.system"),
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        ("open(path.parent / 'new', 'w').close()", "open"),
        ("eval('1 + 1')", "compile"),
        ("import wave", "import"),
        ("import socket; socket.socket()", "socket.__new__"),
        ("raise ZeroDivisionError", "raised ZeroDivisionError"),
        ("list(range(3 * 10**8))", "raised MemoryError"),
    ],
)
def test_harm_is_noticed(harm: str, event: str) -> None:
    """A control: what a pipeline must not do is seen when something else does it."""
    program = PLANTED.format(here=HERE, tests=HERE.parent, harm=harm)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr[-500:]
    found = json.loads(ended.stdout.splitlines()[-1])
    assert any(event in each for each in [found["found"], *found["harm"]]), found
