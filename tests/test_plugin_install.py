"""A plugin that does not import registry_core, built as a wheel and installed with pip into a virtual environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "acme-focal"
version = "1.2"

[project.entry-points."registry_core.v1.losses"]
focal = "acme_focal:FocalLoss"

[tool.setuptools]
py-modules = ["acme_focal"]
"""

MODULE = '''
import torch
from torch import nn


class FocalLoss(nn.Module):
    """Down-weight samples that are already right."""

    def __init__(self, gamma: float = 2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, output, target):
        loss = nn.functional.cross_entropy(output, target, reduction="none")
        return ((1 - (-loss).exp()) ** self.gamma * loss).mean()
'''


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a virtual environment with the plugin installed by pip, and registry-core as it is here."""
    root = tmp_path_factory.mktemp("plugin")
    project = root / "acme-focal"
    project.mkdir()
    (project / "pyproject.toml").write_text(PYPROJECT)
    (project / "acme_focal.py").write_text(MODULE)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheels = root / "wheels"
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(project)]
    subprocess.run(build, check=True, capture_output=True)
    venv.create(root / "venv", with_pip=False, symlinks=True)
    interpreter = root / "venv" / "bin" / "python"
    (wheel,) = wheels.glob("*.whl")
    install = [*pip, "--python", str(interpreter), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    paths = {"base": str(root / "venv"), "platbase": str(root / "venv")}
    site = Path(sysconfig.get_path("purelib", vars=paths))
    here = sysconfig.get_path("purelib")
    (site / "registry-core-and-torch.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    return interpreter


def run(python: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [str(python), "-m", "registry_core", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=python.parent)


def test_it_is_listed_and_shown(python: Path) -> None:
    found = json.loads(run(python, "list", "loss", "--json").stdout)
    assert {
        "kind": "loss",
        "name": "focal",
        "distribution": "acme-focal",
        "version": "1.2",
        "target": "acme_focal:FocalLoss",
    } in found
    shown = run(python, "show", "loss/focal").stdout
    assert "Down-weight samples" in shown
    assert "gamma" in shown
    assert "default 2.0" in shown


def test_it_is_validated_and_trained_with(python: Path, pipeline: Callable[..., Path], tmp_path: Path) -> None:
    wrong = run(python, "validate", pipeline(name="wrong", loss={"focal": {"gama": 1.5}}))
    assert wrong.returncode == 2
    assert "Did you mean 'gamma'" in wrong.stderr
    done = run(
        python, "train", pipeline(loss={"focal": {"gamma": 1.5}}, train={"epochs": 3}), "--out", tmp_path / "run"
    )
    assert done.returncode == 0, done.stderr
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["plugins"]["acme-focal"]["version"] == "1.2"
    assert len(environment["plugins"]["acme-focal"]["files"]["acme_focal"]) == 64
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["train/loss"] < rows[0]["train/loss"]


def test_without_it_the_pipeline_is_refused(pipeline: Callable[..., Path]) -> None:
    done = run(Path(sys.executable), "validate", pipeline(loss="focal"))
    assert done.returncode == 2
    assert "no loss 'focal'" in done.stderr
