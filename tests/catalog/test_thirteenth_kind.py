"""A kind is one row of the table and a base class: with nothing else a thirteenth one works everywhere.

The row and the class are written into a copy of the package, as a contributor would write them into the package itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import ROOT, Ended, changed, sentences
from virtual_environment import DRIVER

import registry_core

ROW = """        Kind(
            "exporter",
            "exporters",
            base="registry_core.components.exporter:Exporter",
            builds="builtins:callable",
            section="exporters",
        ),
"""

BASE = '''"""Exporters: a trained model in the format of something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from registry_core.components.base import Component


class Exporter(Component):
    """A function of the trained model and of a folder to write into."""

    kind: ClassVar[str] = "exporter"

    def build(self) -> Callable[..., Any]:
        """The function."""
        built: Callable[..., Any] = self.make()
        return built
'''

PLUGIN = '''"""Exporters of acme."""

from typing import Any, ClassVar

from pydantic import Field

from registry_core.components.exporter import Exporter


class Onnx(Exporter):
    """Write the model as an ONNX graph."""

    target: ClassVar[str] = "acme_built:Onnx"
    example: ClassVar[Any] = {"opset": 18}

    opset: int = Field(default=17, ge=7, description="Version of the operators.")


class Broken(Exporter):
    """Build a number, which cannot be called."""

    target: ClassVar[str] = "builtins:int"
'''

BUILT = """
class Onnx:
    def __init__(self, opset):
        self.opset = opset

    def __call__(self, model, folder): ...
"""


@dataclass(frozen=True)
class World:
    """A folder with the changed package, and with distributions that are found in it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        paths = [str(self.folder / "core"), str(self.folder / "site"), os.environ.get("PYTHONPATH", "")]
        own = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "COLUMNS": "200"}
        return {key: value for key, value in os.environ.items() if not key.startswith("COV")} | own

    def install(self, name: str, entry_points: str, modules: dict[str, str] | None = None) -> None:
        """A distribution as pip leaves it."""
        info = self.folder / "site" / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        for module, text in (modules or {}).items():
            (self.folder / "site" / f"{module}.py").write_text(text)

    def run(self, *commands: tuple[str, ...]) -> list[Ended]:
        """How commands end in one process with the thirteenth kind."""
        done = subprocess.run(
            [sys.executable, "-c", DRIVER],
            input=json.dumps(commands),
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment,
        )
        assert done.returncode == 0, done.stderr
        return [Ended(*ended) for ended in json.loads(done.stdout)]

    def python(self, code: str) -> Any:
        """The JSON that code prints."""
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=self.folder, env=self.environment
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def pipeline(self, text: str, name: str = "pipeline") -> str:
        """The pipeline of the other tests as YAML, with lines at its end."""
        path = self.folder / f"{name}.yaml"
        path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in changed().items()) + text)
        return path.name


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("thirteen")
    package = folder / "core" / "registry_core"
    source = Path(registry_core.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    table = package / "catalog" / "kinds.py"
    text = table.read_text()
    end = "    )\n}\n"
    assert text.count(end) == 1
    table.write_text(text.replace(end, f"{ROW}{end}"))
    (package / "components" / "exporter.py").write_text(BASE)
    world = World(folder)
    points = "[registry_core.v1.exporters]\nonnx = acme_exporters:Onnx\nbroken = acme_exporters:Broken\n"
    world.install("acme-exporters", points, {"acme_exporters": PLUGIN, "acme_built": BUILT})
    return world


def test_list_show_and_search(world: World) -> None:
    everything, of_kind, shown, found = world.run(
        ("list",), ("list", "exporter"), ("show", "exporter/onnx"), ("search", "onnx", "--kind", "exporter")
    )
    line = "exporter/onnx    acme-exporters 1.0  Write the model as an ONNX graph."
    assert line in of_kind.out.splitlines()
    assert [each.split() for each in everything.out.splitlines() if each.startswith("exporter/onnx ")] == [line.split()]
    assert found.out.split() == line.split()
    assert "  opset  whole number  default 17  >= 7  Version of the operators." in shown.out
    assert "{onnx: {opset: 18}}" in shown.out


def test_names_that_there_are_not(world: World) -> None:
    component, kind = world.run(("show", "exporter/onxn"), ("show", "exportr/onnx"))
    assert component == Ended(2, "", "The exporter 'onxn' is unknown. Did you mean 'onnx'?\n")
    assert kind.code == 2
    assert "'exportr/onnx' is not KIND/NAME. Did you mean 'exporter'?" in kind.err


def test_its_registry(world: World) -> None:
    code = """
import json
from registry_core import registries
print(json.dumps([sorted(registries.exporters), registries.exporters["onnx"](opset=20).build().opset]))
"""
    assert world.python(code) == [["broken", "onnx"], 20]


def test_a_section_of_the_pipeline_file(world: World) -> None:
    file = world.pipeline("exporters: [{onnx: {opset: 18}}, onnx]\n", "right")
    validated, planned = world.run(("validate", file), ("plan", file))
    assert validated.code == planned.code == 0, validated.err
    code = f"""
import json, pickle
from pathlib import Path
from registry_core.config import dump
from registry_core.loaded import load
spec = load({file!r}).spec
Path("again.json").write_text(json.dumps(dump(spec)))
same = dump(load("again.json").spec) == dump(spec) and pickle.loads(pickle.dumps(spec)) == spec
none = load("without.yaml").spec.exporters
print(json.dumps([dump(spec.exporters), dump(spec)["exporters"], [each.label for each in spec.exporters], same, none]))
"""
    world.pipeline("", "without")
    values = [{"onnx": {"opset": 18}}, {"onnx": {"opset": 17}}]
    assert world.python(code) == [values, values, ["exporter 'onnx' of acme-exporters 1.0"] * 2, True, []]


MISTAKES = (
    ("exporters: [onxn]", "8:13: exporters[0]", "The exporter 'onxn' is unknown. Did you mean 'onnx'?"),
    ("exportres: [onnx]", "8:1: exportres", "The key 'exportres' is unknown here. Did you mean 'exporters'?"),
    (
        "exporters: [{onnx: {opsett: 9}}]",
        "8:21: exporters[0].onnx.opsett",
        "The exporter 'onnx' has no parameter 'opsett'. Did you mean 'opset'?",
    ),
    ("exporters: [{onnx: {opset: 3}}]", "8:28: exporters[0].onnx.opset", "3 must be at least 7."),
    ("exporters: [mse]", "8:13: exporters[0]", "The exporter 'mse' is unknown. 'mse' is a loss; put an exporter here."),
    ("exporters: onnx", "8:12: exporters", "Expected a list, not 'onnx'. Write a list, as in `[onnx]`."),
    (
        "onnx: {opset: 18}",
        "8:1: onnx",
        "The key 'onnx' is unknown here. It belongs in the list `exporters`, because it is an exporter: move it there.",
    ),
)
"""Lines at the end of a pipeline file, each with the place of the problem and its sentences."""


def test_mistakes_in_the_section(world: World) -> None:
    files = [world.pipeline(f"{line}\n", f"wrong{number}") for number, (line, *_) in enumerate(MISTAKES)]
    ended = world.run(*(("validate", file) for file in files))
    for file, (_, place, words), found in zip(files, MISTAKES, ended, strict=True):
        assert found.code == 2
        (said,) = sentences(found)
        assert said.startswith(f"{file}:{place}: {words}")


def test_the_json_schema(world: World) -> None:
    whole, of_kind = (json.loads(ended.out) for ended in world.run(("schema",), ("schema", "exporter")))
    check = jsonschema.Draft7Validator(whole)
    assert not list(check.iter_errors(changed(exporters=["onnx", {"onnx": {"opset": 18}}])))
    for wrong in ("onnx", ["onxn"], [{"onnx": {"opset": 3}}]):
        assert list(check.iter_errors(changed(exporters=wrong))), wrong
    one = jsonschema.Draft7Validator(of_kind)
    assert one.is_valid({"onnx": {"opset": 9}})
    assert not one.is_valid("mse")


def test_the_conformance_kit(world: World) -> None:
    right, broken = world.run(("check", "exporter/onnx"), ("check", "exporter/broken"))
    assert right == Ended(0, "1 component, 10 checks: 10 passed.\n", "")
    assert broken.code == 1
    assert (
        "The exporter 'broken' of acme-exporters 1.0 built an object of type 'int', "
        "but an exporter must satisfy builtins.callable." in broken.out
    )


def test_a_new_plugin(world: World) -> None:
    (written,) = world.run(("new-plugin", "acme-torchscript", "--kind", "exporter"))
    assert written.code == 0, written.err
    project = world.folder / "acme-torchscript"
    points = tomllib.loads((project / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = (f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in found.items()) for group, found in points.items())
    world.install("acme-torchscript", "\n".join(lines))
    shutil.copytree(project / "acme_torchscript", world.folder / "site" / "acme_torchscript")
    file = "acme-torchscript/pipelines/exporter.yaml"
    shown, validated, trained, checked = world.run(
        ("show", "exporter/acme_torchscript"),
        ("validate", file),
        ("train", file, "--set", "train.epochs=1", "--out", "run"),
        ("check", "acme-torchscript"),
    )
    assert "  strength  number  default 1.0  >= 0  The factor." in shown.out
    assert validated == Ended(0, f"{file}: no problems.\n", "")
    assert trained.code == 0, trained.err
    assert json.loads((world.folder / "run" / "pipeline.json").read_text())["exporters"]
    assert checked == Ended(0, "1 component, 10 checks: 10 passed.\n", "")
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", "tests"]
    done = subprocess.run(run, capture_output=True, text=True, cwd=project, env=world.environment)
    assert "13 passed" in done.stdout, done.stdout + done.stderr


def test_the_table_of_coverage(world: World) -> None:
    code = f"""
import json, sys
sys.path.insert(0, {str(ROOT / "docs")!r})
import make_coverage
make_coverage.used_in = dict
print(json.dumps(list(make_coverage.lines({{}}))))
"""
    lines = world.python(code)
    at = lines.index("## exporter (0)")
    assert lines[at + 2] == "Described in [writing-plugins.md](writing-plugins.md)."
