"""What mypy knows of the registries: a loss builds a module, an optimizer an optimizer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.exhaustive

GOOD = """
import torch
from torch import nn
from registry_core.registry import registries

loss: nn.Module = registries.losses["cross_entropy"](label_smoothing=0.1).build()
optimizer: torch.optim.Optimizer = registries.optimizers["sgd"](lr=0.1).build(nn.Linear(1, 1).parameters())
"""

WRONG = """
import torch
from registry_core.registry import registries

optimizer: torch.optim.Optimizer = registries.losses["cross_entropy"]().build()
registries.optimizers["sgd"]().build()
"""


def test_mypy_knows_what_is_built(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "wrong.py").write_text(WRONG)
    options = ["--strict", "--config-file", "", "--follow-imports", "silent"]
    environment = {**os.environ, "MYPYPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins' / 'builtin'}"}
    command = [sys.executable, "-m", "mypy", *options, "good.py", "wrong.py"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment).stdout
    assert "good.py" not in found, found
    assert "wrong.py:5: error: Incompatible types in assignment" in found
    assert "wrong.py:6: error: Missing positional argument" in found
