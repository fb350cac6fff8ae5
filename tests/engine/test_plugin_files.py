"""The guarantee of a resumed run depends on every file of a plugin, however it is installed."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import changed

from registry_core import loaded
from registry_core.catalog import refresh
from registry_core.engine import plugin_files
from registry_core.engine.plugin_files import changes, hashes_of

LOSS = """
from torch import nn
from torch.nn import functional
from {helper} import scale


class Scaled(nn.Module):
    def forward(self, output, target):
        return scale() * functional.cross_entropy(output, target)
"""
HELPER = "def scale():\n    return 0.5\n"
POINTS = "[registry_core.v1.losses]\nscaled = {target}:Scaled\n"


def with_table(module: str) -> str:
    return (
        f'from pathlib import Path\ndef scale():\n    return float(Path(__file__).with_name("{module}").read_text())\n'
    )


def files(root: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def installed(root: Path, name: str, texts: dict[str, str], target: str, *, recorded: bool) -> list[str]:
    """A distribution in a folder for pip's files, with a RECORD; or one without, as an editable install has none."""
    site, info = root / "site-packages", f"{name}-1.0.dist-info"
    points = {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"}
    points[f"{info}/entry_points.txt"] = POINTS.format(target=target)
    project = site if recorded else root / "project"
    files(project, texts)
    files(site, points)
    lines = [f"{path},{_recorded_hash(site / path)},9" for path in (*points, *(texts if recorded else ()))]
    lines += [f"{info}/RECORD,,", f"{target.replace('.', '/')}.cpython-311.pyc,,", f"../../bin/{name},,"]
    files(site, {f"{info}/RECORD": "\n".join(lines)})
    return [str(site), str(project)]


def _recorded_hash(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def core(folder: Path, *arguments: object) -> str:
    """Run a command in a process of its own; returns what it wrote to standard error."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    command = [sys.executable, "-m", "registry_core", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stderr


INSTALLS: dict[str, dict[str, Any]] = {
    "local module": {
        "texts": {"parts.py": LOSS.format(helper="helper") + "REGISTRY_CORE = {'loss/scaled': Scaled}\n"},
        "helper": "helper.py",
        "option": ["-p", "parts"],
    },
    "local package": {
        "texts": {
            "parts/__init__.py": LOSS.format(helper="parts.helper") + "REGISTRY_CORE = {'loss/scaled': Scaled}\n",
            "parts/helper.py": with_table("table.csv"),
        },
        "helper": "parts/table.csv",
        "option": ["-p", "parts"],
    },
    "wheel": {
        "texts": {
            "acme_scaled/__init__.py": "",
            "acme_scaled/losses.py": LOSS.format(helper="acme_helpers"),
            "acme_helpers.py": with_table("acme_table.csv"),
        },
        "helper": "acme_table.csv",
        "target": "acme_scaled.losses",
        "recorded": True,
    },
    "editable": {
        "texts": {
            "acme_scaled/__init__.py": "",
            "acme_scaled/losses.py": LOSS.format(helper="acme_scaled.deep.helper"),
            "acme_scaled/deep/__init__.py": "",
        },
        "helper": "acme_scaled/deep/helper.py",
        "target": "acme_scaled.losses",
        "recorded": False,
    },
    "namespace": {
        "texts": {"acme/scaled/__init__.py": "", "acme/scaled/losses.py": LOSS.format(helper="acme.scaled.helper")},
        "helper": "acme/scaled/helper.py",
        "target": "acme.scaled.losses",
        "recorded": False,
    },
}


def made(install: dict[str, Any], root: Path) -> tuple[list[str], Path]:
    """The folders on the path of an install, and that of its helper."""
    helper = install["helper"]
    texts = {**install["texts"], helper: "0.5" if helper.endswith(".csv") else HELPER}
    if "option" in install:
        files(root, texts)
        return [str(root)], root / helper
    paths = installed(root, "acme-scaled", texts, install["target"], recorded=install["recorded"])
    return paths, Path(paths[0 if install["recorded"] else 1]) / helper


@pytest.mark.parametrize("name", INSTALLS)
def test_a_helper_that_changes_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install = INSTALLS[name]
    paths, helper = made(install, tmp_path)
    for path in reversed(paths):
        monkeypatch.syspath_prepend(path)
    importlib.invalidate_caches()
    target = install.get("target", "parts")
    importlib.import_module(target)
    refresh()
    distribution = "acme-scaled" if "target" in install else "parts"
    before = hashes_of(distribution, [target])
    assert changes(before, hashes_of(distribution, [target])) is None
    helper.write_text(helper.read_text().replace("0.5", "0.25"))
    assert changes(before, hashes_of(distribution, [target])) == [install["helper"]]
    for name in [name for name in sys.modules if name.partition(".")[0] in OWN_MODULES]:
        del sys.modules[name]


OWN_MODULES = {"parts", "helper", "acme", "acme_scaled", "acme_helpers"}


def test_a_run_is_exact_until_a_helper_changes(tmp_path: Path) -> None:
    _, helper = made(INSTALLS["local module"], tmp_path)
    (tmp_path / "p.json").write_text(json.dumps(changed(loss="scaled", train__max_steps=1)))
    core(tmp_path, "train", "p.json", "-p", "parts", "--out", "run")
    summary = tmp_path / "run" / "summary.json"
    assert "not bit for bit" not in core(tmp_path, "train", "--resume", "run", "-p", "parts")
    assert json.loads(summary.read_text())["guarantee"] == "exact"
    helper.write_text(HELPER.replace("0.5", "0.25"))
    said = core(tmp_path, "train", "--resume", "run", "-p", "parts")
    assert "not bit for bit: parts (helper.py) changed since then." in said
    assert json.loads(summary.read_text())["guarantee"] == "position"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a local package with a module in it."""
    files(tmp_path, {"own_parts/__init__.py": "", "own_parts/losses.py": "x = 1\n", "own_helper.py": "y = 1\n"})
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return tmp_path / "own_parts"


def test_what_is_no_code_of_a_package_does_not_count(package: Path) -> None:
    before = hashes_of("own_parts", ["own_parts.losses"])
    assert sorted(before["files"]) == ["own_parts/__init__.py", "own_parts/losses.py"]
    files(package, {"__pycache__/a.pyc": "", ".git/config": "", "b.pyc": "", "losses.py~": "", ".hidden": ""})
    assert changes(before, hashes_of("own_parts", ["own_parts.losses"])) is None
    files(package, {"tables/new.csv": "1"})
    assert changes(before, hashes_of("own_parts", ["own_parts.losses"])) == ["own_parts/tables/new.csv"]
    (package / "tables" / "new.csv").unlink()
    (package / "losses.py").unlink()
    assert changes(before, hashes_of("own_parts", ["own_parts.losses"])) == ["own_parts/losses.py"]


def test_modules_loaded_beside_a_package_are_its_helpers(package: Path) -> None:
    assert "helpers" not in hashes_of("own_parts", ["own_parts.losses"])
    importlib.import_module("own_helper")
    before = hashes_of("own_parts", ["own_parts.losses"])
    assert list(before["helpers"]) == ["own_helper.py"]
    (package.parent / "own_helper.py").write_text("y = 23\n")
    now = hashes_of("own_parts", ["own_parts.losses"])
    assert changes(before, now) == ["own_helper.py"]
    assert changes({**before, "helpers": {}}, now) is None, "it may have been loaded by another command"
    del sys.modules["own_helper"]


@pytest.mark.parametrize(("name", "value"), [("MOST_FILES", 1), ("MOST_BYTES", 3)])
def test_too_many_files_are_never_the_same(
    name: str, value: int, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_files, name, value)
    found = hashes_of("own_parts", ["own_parts.losses"])
    assert found == {"sha256": None, "files": {}}
    assert changes(found, found) == []


def test_many_files_have_one_hash(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_files, "LISTED", 1)
    before = hashes_of("own_parts", ["own_parts.losses"])
    assert before["files"] == {}
    assert changes(before, before) is None
    (package / "losses.py").write_text("x = 22\n")
    assert changes(before, hashes_of("own_parts", ["own_parts.losses"])) == []


def test_a_file_that_is_gone_or_not_readable_is_a_change_and_no_error(package: Path) -> None:
    (package / "nowhere.csv").symlink_to(package / "missing.csv")
    before = hashes_of("own_parts", ["own_parts.losses"])
    assert before["files"]["own_parts/nowhere.csv"] == "unreadable"
    (package / "missing.csv").write_text("1")
    assert "own_parts/nowhere.csv" in (changes(before, hashes_of("own_parts", ["own_parts.losses"])) or [])


def test_files_that_pip_writes_for_itself_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"acme_own/__init__.py": "", "acme_own/a.py": "a = 1\n", "acme_own/table.csv": "1"}
    for path in installed(tmp_path, "acme-own", texts, "acme_own.a", recorded=True):
        monkeypatch.syspath_prepend(path)
    files(tmp_path / "site-packages", {"acme_own/stray.txt": "", "acme_own-1.0.dist-info/INSTALLER": "pip"})
    refresh()
    found = hashes_of("acme-own", ["acme_own.a"])
    assert sorted(found["files"]) == ["acme_own/__init__.py", "acme_own/a.py", "acme_own/table.csv", "entry_points.txt"]


def test_the_files_of_registry_core_are_its_own(package: Path, run: Callable[..., Any]) -> None:
    noted = json.loads((run().directory / "environment.json").read_text())["plugins"]
    assert list(noted) == ["registry-core"]
    assert len(noted["registry-core"]["sha256"]) == 64
    found = plugin_files._found("registry-core", ["registry_core.loaded", "registry_builtin.losses.classes"])
    assert {*found.files} >= {"registry_core/loaded.py", "registry_builtin/data/digits.gz"}
    assert not [name for name in found.files if "test" in Path(name).parts[0] or name.endswith(".pyc")]
    assert found.files["registry_core/loaded.py"].samefile(loaded.__file__)
