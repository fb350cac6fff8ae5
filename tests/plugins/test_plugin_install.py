"""Three plugins, built as wheels and installed with pip into a virtual environment: from `list` to an uninstallation.

One does not import registry_core, one has a declaration, one is a provider of many names.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from virtual_environment import environment, venv_with_all_of_this

pytestmark = pytest.mark.exhaustive

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "1.2"

[project.entry-points."registry_core.v1.{group}"]
{point}

[tool.setuptools]
{files}
"""

PLAIN = '''
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

DECLARED = '''
from typing import ClassVar

from pydantic import Field

from registry_core.components import Optimizer
from registry_core.components.types import PositiveFloat


class SignDescent(Optimizer):
    """Step by the sign of each gradient."""

    target: ClassVar[str] = "acme_sign.built:SignDescent"

    lr: PositiveFloat = Field(default=0.01, description="How far each weight moves.")
'''

BUILT = """
import torch


class SignDescent(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter -= group["lr"] * parameter.grad.sign()
"""

PROVIDER = '''
"""Layers that multiply by a number: one for each name in the index."""
from typing import ClassVar

from pydantic import Field, create_model

from registry_core.components import Layer


def layer(name):
    factor = float(name.removeprefix("acme_times_"))
    fields = {"factor": (float, Field(default=factor, description="What it multiplies by."))}
    made = create_model(f"Times{factor:g}", __base__=Times, __doc__=f"Multiply by {factor:g}.", **fields)
    return made


class Times(Layer):
    target: ClassVar[str] = "acme_times.built:Times"

    def infer_shape(self, shape):
        return shape
'''

TIMES = """
from torch import nn


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, values):
        return values * self.factor
"""

PACKAGES = {
    "acme-focal": {
        "pyproject.toml": PYPROJECT.format(
            name="acme-focal",
            group="losses",
            point='focal = "acme_focal:FocalLoss"',
            files='py-modules = ["acme_focal"]',
        ),
        "acme_focal.py": PLAIN,
    },
    "acme-sign": {
        "pyproject.toml": PYPROJECT.format(
            name="acme-sign",
            group="optimizers",
            point='acme_sign = "acme_sign.optimizers:SignDescent"',
            files='packages = ["acme_sign"]',
        ),
        "acme_sign/__init__.py": "",
        "acme_sign/optimizers.py": DECLARED,
        "acme_sign/built.py": BUILT,
    },
    "acme-times": {
        "pyproject.toml": PYPROJECT.format(
            name="acme-times",
            group="providers",
            point='layers = "acme_times.layers:layer"',
            files='packages = ["acme_times"]\npackage-data = {acme_times = ["*.index"]}',
        ),
        "acme_times/__init__.py": "",
        "acme_times/layers.py": PROVIDER,
        "acme_times/layers.index": "".join(f"acme_times_{n}\tMultiply by {n}.\n" for n in range(1, 301)),
        "acme_times/built.py": TIMES,
    },
}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a virtual environment with the plugins installed by pip, and registry-core as it is here."""
    root = tmp_path_factory.mktemp("plugins")
    for name, files in PACKAGES.items():
        for path, text in files.items():
            (root / name / path).parent.mkdir(parents=True, exist_ok=True)
            (root / name / path).write_text(text)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheels = root / "wheels"
    projects = [str(root / name) for name in PACKAGES]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), *projects]
    subprocess.run(build, check=True, capture_output=True)
    interpreter = venv_with_all_of_this(root / "venv")
    install = [
        *pip,
        "--python",
        str(interpreter),
        "install",
        "--no-deps",
        "--no-index",
        *map(str, wheels.glob("*.whl")),
    ]
    subprocess.run(install, check=True, capture_output=True)
    return interpreter


def run(python: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "registry_core", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=python.parent)


def test_they_are_listed_found_and_shown(python: Path) -> None:
    focal = {"kind": "loss", "name": "focal", "distribution": "acme-focal", "version": "1.2", "usable": True}
    found = json.loads(run(python, "list", "--json").stdout)
    assert any(focal.items() <= record.items() for record in found)
    summaries = {f"{record['kind']}/{record['name']}": record["summary"] for record in found}
    assert summaries["loss/focal"] == "Down-weight samples that are already right."
    assert summaries["optimizer/acme_sign"] == "Step by the sign of each gradient."
    assert summaries["layer/acme_times_300"] == "Multiply by 300."
    listed = run(python, "list", "--dist", "acme-times", "--word", "y 29").stdout.splitlines()
    assert len(listed) == 11
    assert "acme_times_29 " in listed[0]
    assert run(python, "search", "weight", "moves").stdout.startswith("optimizer/acme_sign  acme-sign 1.2  lr: How far")
    plugins = {each["name"]: each for each in json.loads(run(python, "plugins", "--json").stdout)}
    assert {name: plugins[name]["components"] for name in PACKAGES} == {
        "acme-focal": 1,
        "acme-sign": 1,
        "acme-times": 300,
    }
    shown = run(python, "show", "loss/focal").stdout
    assert "Down-weight samples" in shown
    assert "acme_focal.py:6" in shown
    assert "gamma  number  default 2.0" in shown
    assert "factor  number        default 7.0" in run(python, "show", "layer/acme_times_7").stdout
    unknown = run(python, "show", "layer/acme_times_301")
    assert unknown.returncode == 2
    assert "Did you mean 'acme_times_31'" in unknown.stderr


def test_the_schema_has_their_parameters(python: Path) -> None:
    done = run(python, "schema")
    assert done.stderr == ""
    definitions = json.loads(done.stdout)["$defs"]
    assert definitions["loss.focal"]["properties"]["gamma"]["default"] == 2.0
    assert definitions["optimizer.acme_sign"]["properties"]["lr"]["description"] == "How far each weight moves."
    assert definitions["layer.acme_times_300"]["properties"]["factor"]["default"] == 300.0


def test_doctor_and_the_checks_are_content(python: Path) -> None:
    done = run(python, "doctor", *PACKAGES, "--strict")
    assert done.returncode == 0, done.stdout
    assert "checks of pipelines that use it import torch" in done.stdout, "the price of the easy door is said"
    checked = run(python, "check", "acme-focal", "acme-sign", "layer/acme_times_7")
    assert checked.returncode == 0, checked.stdout
    assert "3 components" in checked.stdout


MODEL = {"sequential": {"input": [1, 8, 8], "layers": ["flatten", "acme_times_2", {"linear": {"out_features": 10}}]}}


def written(pipeline: Callable[..., Path], **changes: object) -> Path:
    """A pipeline that names a component of each."""
    wanted = {
        "loss": {"focal": {"gamma": 1.5}},
        "model": MODEL,
        "optim": {"optimizer": {"acme_sign": {"lr": 0.002}}},
        "train": {"epochs": 3},
    }
    return pipeline(**{**wanted, **changes})


def test_they_are_validated_and_trained_with(python: Path, pipeline: Callable[..., Path], tmp_path: Path) -> None:
    wrong = run(python, "validate", written(pipeline, name="wrong", loss={"focal": {"gama": 1.5}}))
    assert wrong.returncode == 2
    assert "Did you mean 'gamma'" in wrong.stderr
    path = written(pipeline)
    assert run(python, "validate", path).returncode == 0
    done = run(python, "train", path, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    noted = json.loads((tmp_path / "run" / "environment.json").read_text())["plugins"]
    assert {name: noted[name]["version"] for name in PACKAGES} == dict.fromkeys(PACKAGES, "1.2")
    assert len(noted["acme-focal"]["files"]["acme_focal.py"]) == 64
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["train/loss"] < rows[0]["train/loss"]


def test_after_an_uninstallation_the_package_is_named(
    python: Path, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    """By what the file requires, and by what a run has written down."""
    path = written(pipeline, requires={"acme-focal": "~=1.2"}, train={"max_steps": 2})
    assert run(python, "train", path, "--out", tmp_path / "run").returncode == 0
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "--python", str(python)]
    subprocess.run([*pip, "uninstall", "-y", "acme-focal"], check=True, capture_output=True)
    done = run(python, "validate", path)
    assert done.returncode == 2
    assert (
        "This pipeline requires acme-focal, which is not installed. Run: pip install 'acme-focal~=1.2'" in done.stderr
    )
    assert len([line for line in done.stderr.splitlines() if line[:1] != " "]) == 1
    resumed = run(python, "train", "--resume", tmp_path / "run")
    assert resumed.returncode == 5
    assert "Run: pip install acme-focal==1.2." in resumed.stderr
    assert run(python, "list", "--dist", "acme-sign").stdout.startswith("optimizer/acme_sign")


def test_without_it_the_pipeline_is_refused(pipeline: Callable[..., Path]) -> None:
    done = run(Path(sys.executable), "validate", pipeline(loss="focal"))
    assert done.returncode == 2
    assert "The loss 'focal' is unknown" in done.stderr
