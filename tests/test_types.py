"""What mypy knows of the registries: a loss builds a module, an optimizer an optimizer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GOOD = """
import torch
from torch import nn
from registry_core.components import registries

loss: nn.Module = registries.losses["cross_entropy"](label_smoothing=0.1).build()
optimizer: torch.optim.Optimizer = registries.optimizers["sgd"](lr=0.1).build(nn.Linear(1, 1).parameters())
"""

WRONG = """
import torch
from registry_core.components import registries

optimizer: torch.optim.Optimizer = registries.losses["cross_entropy"]().build()
registries.optimizers["sgd"]().build()
"""


def check(tmp_path: Path, code: str) -> str:
    (tmp_path / "code.py").write_text(code)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", str(tmp_path / "code.py")]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path).stdout


def test_mypy_knows_what_is_built(tmp_path: Path) -> None:
    assert "Success" in check(tmp_path, GOOD)
    found = check(tmp_path, WRONG)
    assert "code.py:5: error: Incompatible types in assignment" in found
    assert "code.py:6: error: Missing positional argument" in found
