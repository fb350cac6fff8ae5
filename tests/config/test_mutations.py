"""Damaged pipeline files: no traceback, no hang, bounded memory. ``tests/mutations.py`` tries many more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bombs import SYNTAX
from conftest import ROOT

pytestmark = pytest.mark.exhaustive

NUMBERS = 1500


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


@pytest.mark.parametrize("name", SYNTAX)
def test_a_bomb_costs_little(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(SYNTAX[name])
    ended = subprocess.run(
        [sys.executable, "-c", CHECK, str(path)], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT
    )
    assert ended.returncode == 0, ended.stderr[-500:]
    verdict, seconds, megabytes = ended.stdout.split("\n")[:3]
    assert verdict == "refused"
    assert float(seconds) < 0.5, f"{seconds} s of the processor"
    assert float(megabytes) < 100
