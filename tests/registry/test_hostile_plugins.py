"""Ten hostile or broken plugins and a malformed neighbour: every command works, and doctor says what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import ROOT, changed
from PIL import Image

pytestmark = pytest.mark.exhaustive

LOSSES = "[registry_core.v1.losses]\n"
LOSS = "def Loss(output, target):\n    'A loss.'\n    return (output - target).abs().mean()\n"


class Hostile(NamedTuple):
    """One plugin: its entry points, its module, and what doctor says of it."""

    entry_points: str
    module: str
    reason: str
    state: str = "broken"


HOSTILE = {
    "raises": Hostile(LOSSES + "raises = h_raises:Loss\n", "raise RuntimeError('no licence')", "no licence"),
    "hangs": Hostile(LOSSES + "hangs = h_hangs:Loss\n", "import time\ntime.sleep(600)", "did not end within 3 seconds"),
    "exits": Hostile(LOSSES + "exits = h_exits:Loss\n", "import os\nos._exit(7)", "SystemExit: os._exit(7)"),
    "prints": Hostile(LOSSES + "prints = h_prints:Loss\n", f"print('look at me')\n{LOSS}", "look at me", "warning"),
    "malformed": Hostile(LOSSES + "no equals sign\n", LOSS, "its metadata cannot be read"),
    "wrong-type": Hostile(LOSSES + "wrong_type = h_wrong_type:Loss\n", "Loss = 5", "a int: neither a class nor"),
    "to-nothing": Hostile(LOSSES + "to_nothing = h_to_nothing:Absent\n", LOSS, "has no attribute 'Absent'"),
    "built-in-name": Hostile(
        LOSSES + "l1 = h_built_in_name:Loss\n", LOSS, "registry-core 0.1.0 also registers", "warning"
    ),
    "another-name": Hostile(LOSSES + "prints = h_another_name:Loss\n", LOSS, "h-prints 1.0 also registers", "warning"),
    "future": Hostile("[registry_core.v7.losses]\nfuture = h_future:Loss\n", LOSS, "made for contract v7", "warning"),
}
MARK = "import os, pathlib\npathlib.Path(os.environ['MARKS'], __name__).touch()\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all of them, as pip would have installed them."""
    site = tmp_path_factory.mktemp("site")

    def install(name: str, entry_points: str) -> None:
        info = site / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)

    for name, hostile in HOSTILE.items():
        install(f"h-{name}", hostile.entry_points)
        (site / f"h_{name.replace('-', '_')}.py").write_text(MARK + hostile.module)
    install("a-neighbour", "[console_scripts]\nno equals sign\n")  # importlib.metadata raises for it
    return site


class Core:
    """The command line in processes that see the hostile plugins."""

    def __init__(self, site: Path, folder: Path) -> None:
        self.folder = folder
        self.marks = folder / "marks"
        self.marks.mkdir()
        kept = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
        self.environment = {**kept, "PYTHONPATH": str(site), "MARKS": str(self.marks)}

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "registry_core", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, env=self.environment, timeout=120
        )

    def imported(self) -> set[str]:
        return {path.name for path in self.marks.iterdir()}


@pytest.fixture
def core(site: Path, tmp_path: Path) -> Core:
    return Core(site, tmp_path)


@pytest.mark.parametrize(
    "code",
    ["from importlib.metadata import entry_points; entry_points(group='registry_core.v1.losses')", "import torch"],
)
def test_others_stumble_over_the_neighbour(core: Core, code: str) -> None:
    """The control: the ways that are not taken fail here."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=core.environment)
    assert done.returncode != 0


def test_the_library_does_not(core: Core) -> None:
    code = "import registry_core; registry_core.registries.losses['mse']().build(); print('built')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=core.environment)
    assert done.stdout == "built\n", done.stderr


def test_every_command_works(core: Core, tmp_path: Path) -> None:
    """And what nobody named is not imported: by none of the commands that need not look into it."""
    (tmp_path / "pipeline.json").write_text(json.dumps(changed(loss="cross_entropy", train={"max_steps": 2})))
    Image.new("L", (8, 8)).save(tmp_path / "image.png")
    (tmp_path / "classes" / "one").mkdir(parents=True)
    Image.new("L", (8, 8)).save(tmp_path / "classes" / "one" / "image.png")
    for arguments in (
        ["list"],
        ["list", "--json"],
        ["search", "entropy"],
        ["plugins"],
        ["show", "loss/cross_entropy"],
        ["completion", "bash"],
        ["validate", "pipeline.json"],
        ["plan", "pipeline.json", "--build"],
        ["sample", "pipeline.json"],
        ["train", "pipeline.json", "--out", "run"],
        ["train", "--resume", "run"],
        ["eval", "run"],
        ["predict", "run", "image.png"],
        ["index", "classes"],
        ["whiten", "pipeline.json", "--out", "matrix.safetensors"],
        ["check", "sampler/shuffled"],
        ["new-plugin", "acme-mild"],
        ["--help"],
    ):
        done = core(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        assert core.imported() == set(), arguments
    schema = core("schema", "--timeout", "3")
    assert schema.returncode == 0, schema.stderr
    assert "cross_entropy" in schema.stdout
    for name in ("raises", "hangs", "exits", "wrong_type", "to_nothing"):
        assert f"left out: loss '{name}' of h-" in schema.stderr
        assert f'"{name}"' not in schema.stdout


def test_doctor_says_what_is_wrong_with_each(core: Core) -> None:
    done = core("doctor", "--json", "--timeout", "3")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    for name, hostile in HOSTILE.items():
        own = [each for each in found if each["distribution"] == f"h-{name}"]
        assert [each["state"] for each in own] == [hostile.state], (name, own)
        assert any(hostile.reason in reason for reason in own[0]["reasons"]), (name, own)
    built_ins = [each for each in found if each["distribution"] == "registry-core"]
    neighbour = [each for each in found if "a_neighbour" in each["distribution"]]
    assert "Python's own look-up of entry points raises for everybody" in neighbour[0]["reasons"][0]
    assert {each["component"]: each["state"] for each in built_ins if each["state"] != "ok"} == {"loss/l1": "warning"}
    strict = core("doctor", "h-raises", "--strict")
    assert strict.returncode == 1
    assert "no licence" in strict.stdout
    assert core("doctor", "loss/mse", "--strict").returncode == 0


def test_what_they_do_to_pipelines_that_name_them(core: Core, tmp_path: Path) -> None:
    def validated(loss: str) -> tuple[int, str]:
        (tmp_path / "pipeline.json").write_text(json.dumps(changed(loss=loss)))
        done = core("validate", "pipeline.json")
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    assert validated("l1")[0] == 2
    assert "registered by h-built-in-name 1.0 and registry-core" in validated("l1")[1]
    assert "registered by h-another-name 1.0 and h-prints 1.0" in validated("prints")[1]
    assert core.imported() == set()
    assert validated("raises") == (3, validated("raises")[1])
    assert "pipeline.json:1:" in validated("raises")[1]
    assert core.imported() == {"h_raises"}
    assert "Upgrade registry-core" in validated("future")[1]
    assert validated("wrong_type")[0] == 3


def test_the_findings_are_listed(core: Core) -> None:
    done = core("list", "loss")
    assert "h-malformed: its metadata cannot be read" in done.stderr
    assert "not usable: loss/future of h-future 1.0" in done.stderr
    assert "in conflict: loss/prints is registered by h-another-name 1.0 and h-prints 1.0." in done.stderr
    assert "a_neighbour" not in done.stderr, "what is wrong with others, doctor says"


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    def write(points: str) -> Path:
        project = '[project]\nname = "acme-edited"\nversion = "1.0"\n'
        (tmp_path / "pyproject.toml").write_text(f'{project}[project.entry-points."registry_core.v1.losses"]\n{points}')
        return tmp_path

    return write


def test_stale_editable_installs_are_found(core: Core, project: Callable[[str], Path], tmp_path: Path) -> None:
    """Entry points that were added to pyproject.toml after `pip install -e` are not there until it is run again."""
    folder = project('old = "h_raises:Loss"\nnew = "h_raises:Loss"\n')
    info = tmp_path / "editable" / "acme_edited-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-edited\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(LOSSES + "old = h_raises:Loss\ngone = h_raises:Loss\n")
    (info / "direct_url.json").write_text(json.dumps({"dir_info": {"editable": True}, "url": folder.as_uri()}))
    left = tmp_path / "acme_edited.egg-info"  # what building leaves in the project, found first from there
    left.mkdir()
    (left / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: acme-edited\nVersion: 1.0\n")
    (left / "entry_points.txt").write_text((info / "entry_points.txt").read_text())
    core.environment["PYTHONPATH"] += f"{os.pathsep}{info.parent}"
    found = [each for each in json.loads(core("doctor", "--json", "--timeout", "3").stdout) if not each["component"]]
    (stale,) = [each for each in found if each["distribution"] == "acme-edited"]
    assert "it lacks registry_core.v1.losses: new and still has registry_core.v1.losses: gone" in stale["reasons"][0]
    assert f"pip install -e {folder}" in stale["reasons"][0]
    rows = core("plugins").stdout
    assert f"editable, from {folder}" in rows


def test_a_project_that_is_not_installed_and_a_hidden_copy_are_found(
    core: Core, project: Callable[[str], Path], tmp_path: Path
) -> None:
    project('new = "h_raises:Loss"\n')
    for place, entry in (("first", "one"), ("second", "two")):
        info = tmp_path / place / "acme_twice-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-twice\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(LOSSES + f"{entry} = h_to_nothing:Loss\n")
        core.environment["PYTHONPATH"] += f"{os.pathsep}{info.parent}"
    found = json.loads(core("doctor", "--json", "--timeout", "3").stdout)
    reasons = [reason for each in found for reason in each["reasons"]]
    assert any("acme-edited in" in reason and "is not installed. Run: pip install -e" in reason for reason in reasons)
    assert any("is hidden by the first one" in reason and "second" in reason for reason in reasons)


def test_this_checkout_is_in_order() -> None:
    """What doctor says of this project itself, where it is installed from here."""
    command = [sys.executable, "-m", "registry_core", "doctor", "registry-core", "--strict"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout
