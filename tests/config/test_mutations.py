"""Damaged pipeline files: no traceback, no hang, bounded memory. ``tests/mutations.py`` tries many more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.exhaustive

NUMBERS = 1500

BOMBS = {
    "aliases": "\n".join(
        ["a: &a [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1 if n else str()}'] * 9)}]" for n in range(12))]
    ),
    "more aliases than are allowed": "a: &a x\nb: [" + ", ".join(["*a"] * 101) + "]",
    "aliases of mappings": "a: &a {b: &b {c: 1}}\n" + "\n".join(f"k{n}: &k{n} {{x: *a, y: *b}}" for n in range(90)),
    "an alias in its own anchor": "a: &a {b: {c: [*a]}}",
    "depth of brackets": "[" * 400_000,
    "depth of braces": "{a: " * 200_000,
    "depth of dashes": "- " * 400_000,
    "depth of question marks": "? " * 400_000,
    "depth of indentation": "\n".join(" " * n + "a:" for n in range(900)),
    "depth just above the limit": "a: " + "[" * 66 + "]" * 66,
    "a long plain scalar": "a: " + "x" * 999_000,
    "a long quoted scalar": 'a: "' + "x" * 999_000 + '"',
    "a long quoted scalar that does not end": 'a: "' + "x" * 999_000,
    "a long block scalar": "a: |\n" + "  x\n" * 240_000,
    "a long comment": "a: 1 #" + "x" * 999_000,
    "a long key": "x" * 999_000 + ": 1",
    "a huge integer": "seed: " + "9" * 900_000,
    "a huge hexadecimal integer": "seed: 0x" + "f" * 900_000,
    "a huge exponent": "seed: 1e" + "9" * 900_000,
    "a long fraction": "seed: 0." + "1" * 900_000,
    "100,000 keys": "\n".join(f"k{n}: 1" for n in range(70_000)),
    "100,000 keys in one line": "{" + ", ".join(f"k{n}: 1" for n in range(70_000)) + "}",
    "100,000 items": "[" + "1, " * 300_000 + "]",
    "100,000 documents": "---\na\n" * 160_000,
    "100,000 anchors": "[" + ", ".join(f"&a{n} 1" for n in range(70_000)) + "]",
    "100,000 tags": "[" + ", ".join("!!str x" for _ in range(100_000)) + "]",
    "directives": "%YAML 1.2\n" * 90_000 + "--- a",
    "empty lines": "\n" * 999_000,
    "carriage returns": "\r" * 999_000,
    "a file that is too large": "a: " + "x" * 1_100_000,
    "zero bytes": "\0" * 999_000,
    "many escapes": 'a: "' + r"\U0001F600" * 99_000 + '"',
    "many regular-expression stars": "optim: {optimizer: sgd, groups: [{parameters: '"
    + "(a*)*" * 1000
    + "b', lr: 1}]}",
}


def test_damaged_files_are_refused_or_right() -> None:
    program = [sys.executable, str(ROOT / "tests" / "mutations.py"), str(NUMBERS)]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "right" in ended.stdout, "nothing that was damaged is right any more: the damage is too great to tell"


CHECK = """
import re, resource, sys, time
from pathlib import Path
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load

def peak():  # of this program alone: ru_maxrss begins with what the parent had
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

load("examples/digits.yaml")
before, high = resource.getrusage(resource.RUSAGE_SELF), peak()
try:
    load(sys.argv[1])
    print("right")
except PipelineError as error:
    print("refused" if all(problem.code for problem in error.problems) else "no code")
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
print(peak() - high)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_little(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(BOMBS[name])
    ended = subprocess.run(
        [sys.executable, "-c", CHECK, str(path)], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT
    )
    assert ended.returncode == 0, ended.stderr[-500:]
    verdict, seconds, megabytes = ended.stdout.split("\n")[:3]
    assert verdict == "refused"
    assert float(seconds) < 0.5, f"{seconds} s of the processor"
    assert float(megabytes) < 100
