"""What several tests share: distributions made of real metadata files, pipeline files, and the command line."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from registry_core.catalog import refresh

# Background jobs of a shell ignore it, and so do their children.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Read when torch is imported, here and in subprocesses: for tensors as small as those of tests, threads only wait.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def sentences(ended: Ended) -> list[str]:
    """What a command said of errors, without warnings, the lines that it quotes and the advice at the end."""
    lines = [line for line in ended.err.strip().splitlines() if ": warning: " not in line]
    return [line for line in lines if not line.startswith((" ", "registry-core validate --fix"))]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Run ``registry-core`` in this process."""
    from registry_core.cli.main import main

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["registry-core", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    return run


def python(code: str, *, cwd: Path | None = None) -> str:
    """Run code in a fresh interpreter; returns what it printed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def distributions(parent: Path) -> Iterator[Callable[..., Path]]:
    """Put distributions with real metadata files on ``sys.path``; the catalog is read anew, and again afterwards."""
    saved_path, saved_modules = list(sys.path), set(sys.modules)

    def make(name: str, entry_points: str, version: str = "1.0", modules: dict[str, str] | None = None) -> Path:
        folder = parent / f"site-{name}-{version}"
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)
        for module, text in (modules or {}).items():
            (folder / f"{module}.py").write_text(text)
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        refresh()
        return folder

    yield make
    sys.path[:] = saved_path
    for module in set(sys.modules) - saved_modules:
        if getattr(sys.modules[module], "__file__", "") and str(parent) in str(sys.modules[module].__file__):
            del sys.modules[module]
    refresh()


@pytest.fixture
def distribution(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Distributions for one test."""
    with distributions(tmp_path) as make:
        yield make


PIPELINE: dict[str, Any] = {
    "version": 1,
    "data": {
        "train": {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]},
        "val": {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]},
        "batch_size": 64,
    },
    "model": {"mlp": {"size": 8, "hidden": [16], "num_classes": 10}},
    "loss": "cross_entropy",
    "optim": {"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9}}},
    "train": {"epochs": 1},
    "metrics": ["accuracy"],
}
"""A small pipeline that is right; tests change what they are about."""


def changed(**changes: Any) -> dict[str, Any]:
    """``PIPELINE`` with the values at dotted keys (``train__epochs``) changed."""
    import copy

    data = copy.deepcopy(PIPELINE)
    for name, value in changes.items():
        *parents, last = name.split("__")
        part = data
        for parent in parents:
            part = part.setdefault(parent, {})
        part[last] = value
    return data


@pytest.fixture
def pipeline(tmp_path: Path) -> Callable[..., Path]:
    """Write a pipeline file: a text as YAML, or ``PIPELINE`` with changes as JSON."""
    import json

    def write(text: str | None = None, name: str = "pipeline", **changes: Any) -> Path:
        path = tmp_path / (f"{name}.yaml" if text is not None else f"{name}.json")
        path.write_text(text if text is not None else json.dumps(changed(**changes)))
        return path

    return write


@pytest.fixture
def run(pipeline: Callable[..., Path], tmp_path: Path) -> Callable[..., Any]:
    """Train ``PIPELINE`` with changes and overrides, each time in a folder of its own."""
    from itertools import count

    import registry_core

    numbers = count()

    def start(*overrides: str, **changes: Any) -> Any:
        path = pipeline(**changes)
        return registry_core.train(registry_core.load(path, overrides), tmp_path / f"run-{next(numbers)}")

    return start


@pytest.fixture
def own_session(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No component is registered in the session before the test, and none afterwards."""
    from registry_core.catalog import installed

    monkeypatch.setattr("registry_core.catalog.session._components", {})
    monkeypatch.setattr("registry_core.catalog.catalog._local", [])
    installed.cache_clear()
    yield
    installed.cache_clear()


@pytest.fixture
def mnist() -> Path | None:
    """The folder with the real MNIST, from REGISTRY_MNIST or beside the checkout; None where it is not there."""
    folder = Path(os.environ.get("REGISTRY_MNIST", ROOT.parent / "shared" / "data" / "mnist"))
    return folder if folder.is_dir() else None
