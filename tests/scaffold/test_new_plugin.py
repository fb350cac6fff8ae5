"""What `registry-core new-plugin` writes: installed with pip into a virtual environment, it works as it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import ROOT, Ended
from virtual_environment import DRIVER, environment, venv_with_all_of_this

from registry_core.catalog import KINDS
from registry_core.diagnostics import ScaffoldError
from registry_core.scaffold import Names, Project, plan_project, write_project

pytestmark = pytest.mark.exhaustive

SEVERAL = "acme-several"
PACKAGES = {**{f"acme-{kind}": (kind,) for kind in KINDS}, SEVERAL: tuple(KINDS)}
"""Distributions that are written, with the kinds of their components."""


def planned(name: str, *kinds: str) -> Project:
    return plan_project(Names.of(name), kinds or ("loss",))


@dataclass(frozen=True)
class World:
    """An environment in which all packages are installed, and how the commands and tests ended there."""

    folder: Path
    python: Path
    projects: dict[str, Project]
    ended: dict[tuple[str, ...], Ended]
    tests: list[tuple[str, str]]
    """Module and state of every test of the packages."""

    def run(self, *arguments: str) -> Ended:
        return self.ended[arguments]


def arguments_for(folder: Path, project: Project) -> Iterator[tuple[str, ...]]:
    name = project.names.distribution
    for component in project.components:
        yield "show", component
    for kind in project.kinds:
        file = str(folder / name / "pipelines" / f"{kind.name}.yaml")
        yield "validate", file
        if name != SEVERAL:  # the same pipelines with other names
            yield "train", file, "--set", "train.epochs=1", "--out", str(folder / "runs" / name)
    yield "doctor", "--strict", name
    yield "check", name


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("new")
    projects = {name: planned(name, *kinds) for name, kinds in PACKAGES.items()}
    for name, project in projects.items():
        write_project(project, folder / name)
    python = venv_with_all_of_this(folder / "venv")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "--python", str(python), "install"]
    paths = [str(folder / name) for name in projects]
    subprocess.run([*pip, "--no-deps", "--no-index", "--no-build-isolation", *paths], check=True, env=environment())
    return World(folder, python, projects, commands_ended(folder, python, projects), suites_ended(folder, python))


def commands_ended(folder: Path, python: Path, projects: dict[str, Project]) -> dict[tuple[str, ...], Ended]:
    commands = [("list",), *(each for project in projects.values() for each in arguments_for(folder, project))]
    run = [str(python), "-c", DRIVER]
    given = json.dumps(commands)
    done = subprocess.run(run, input=given, capture_output=True, text=True, cwd=folder, env=environment())
    assert done.returncode == 0, done.stderr
    return {each: Ended(*ended) for each, ended in zip(commands, json.loads(done.stdout), strict=True)}


def suites_ended(folder: Path, python: Path) -> list[tuple[str, str]]:
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    report = folder / "report.xml"
    options = ["-q", "--import-mode=importlib", "-p", "no:cacheprovider", f"--junitxml={report}"]
    run = [str(python), "-m", "pytest", *options, *(f"{name}/tests" for name in PACKAGES)]
    subprocess.run(run, capture_output=True, cwd=folder, env=environment())
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return [(case.get("classname", ""), case[0].tag if len(case) else "passed") for case in cases]


@pytest.mark.parametrize("name", PACKAGES)
def test_its_components_are_listed_and_shown(world: World, name: str) -> None:
    project = world.projects[name]
    for component, kind in zip(project.components, project.kinds, strict=True):
        assert re.search(rf"^{component} +{name} 0\.1\.0 +[A-Z].*\.$", world.run("list").out, re.MULTILINE)
        shown = world.run("show", component)
        assert shown.code == 0, shown.err
        text = (world.folder / name / project.names.package / f"{kind.plural}.py").read_text()
        parameters = re.findall(r"^    (\w+): .*Field\(", text, re.MULTILINE)
        assert parameters
        for parameter in parameters:
            assert re.search(rf"^  {parameter} .*\.$", shown.out, re.MULTILINE), parameter


@pytest.mark.parametrize("name", PACKAGES)
def test_its_pipelines_are_right(world: World, name: str) -> None:
    for kind in world.projects[name].kinds:
        file = world.folder / name / "pipelines" / f"{kind.name}.yaml"
        assert world.run("validate", str(file)) == Ended(0, f"{file}: no problems.\n", "")


@pytest.mark.parametrize("kind", KINDS)
def test_its_pipeline_trains(world: World, kind: str) -> None:
    name = f"acme-{kind}"
    file, run = world.folder / name / "pipelines" / f"{kind}.yaml", world.folder / "runs" / name
    ended = world.run("train", str(file), "--set", "train.epochs=1", "--out", str(run))
    assert ended.code == 0, ended.err
    assert "All steps are done." in ended.out
    assert json.loads((run / "environment.json").read_text())["plugins"][name]["version"] == "0.1.0"
    chance = 0.25 if kind == "dataset" else 0.1
    (row,) = (json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()[-1:])
    assert row["val/accuracy"] > 2 * chance
    if kind == "metric":
        assert 0 < row["val/acme_metric"] < 1
    if kind == "hook":
        assert re.fullmatch(r"epoch,step,seconds\n1,45,\d+\.\d{3}\n", (run / "seconds.csv").read_text())


@pytest.mark.parametrize("name", PACKAGES)
def test_it_keeps_what_its_kinds_promise(world: World, name: str) -> None:
    kinds = PACKAGES[name]
    checks = sum(KINDS[kind].template_checks for kind in kinds)
    checked = world.run("check", name)
    assert checked.code == 0, checked.out
    assert f"{len(kinds)} component{'' if len(kinds) == 1 else 's'}, {checks} checks: {checks} passed." in checked.out
    examined = world.run("doctor", "--strict", name)
    assert examined.code == 0, examined.out
    assert "all in order" in examined.out


@pytest.mark.parametrize("name", PACKAGES)
def test_its_own_tests_pass(world: World, name: str) -> None:
    own = [(module, state) for module, state in world.tests if module.startswith(f"{name}.tests.")]
    assert {state for _, state in own} == {"passed"}
    for kind in PACKAGES[name]:
        assert any(module.endswith(f"test_{KINDS[kind].plural}") for module, _ in own)
    conformance = [module for module, _ in own if module.endswith("test_conformance")]
    assert (
        len(conformance) == sum(KINDS[kind].template_checks for kind in PACKAGES[name]) + 1
    )  # and the one that counts them


def assert_in_order(folder: Path) -> None:
    """By the project's own rules, and by those of this repository."""
    for config in ([], ["--config", str(ROOT / "pyproject.toml")]):
        for what in (["check"], ["format", "--check"]):
            run = [sys.executable, "-m", "ruff", *what, "--no-cache", *config, "."]
            done = subprocess.run(run, capture_output=True, text=True, cwd=folder)
            assert done.returncode == 0, done.stdout


def assert_typed(sources: list[Path]) -> None:
    files = [str(path) for path in sources if path.suffix == ".py"]
    mypy = [sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent", *files]
    done = subprocess.run(mypy, capture_output=True, text=True, cwd=ROOT, env={**environment(), "MYPYPATH": str(ROOT)})
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["a", "a-name-that-is-32-characters-long"])
def test_the_code_is_in_order(tmp_path: Path, name: str) -> None:
    write_project(planned(name, *KINDS), tmp_path / "project")
    assert_in_order(tmp_path / "project")


def test_the_types_are_right(tmp_path: Path) -> None:
    assert_typed(write_project(planned(SEVERAL, *KINDS), tmp_path))


def test_kinds_without_templates_of_their_own_have_the_general_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class to derive from, any object, and something that can be called."""
    for kind in ("layer", "hook", "function"):
        monkeypatch.setitem(KINDS, kind, KINDS[kind]._replace(templates="", template_checks=10))
    written = write_project(planned("acme-general", "layer", "hook", "function"), tmp_path / "acme-general")
    built = tmp_path / "acme-general" / "acme_general" / "built"
    assert "\nclass AcmeGeneral(Module):\n" in (built / "layers.py").read_text()
    assert "\nclass AcmeGeneral:\n" in (built / "hooks.py").read_text()
    assert "\nclass AcmeGeneral:\n" in (built / "functions.py").read_text()
    assert "at_least=30" in (tmp_path / "acme-general" / "tests" / "test_conformance.py").read_text()
    pipeline = (tmp_path / "acme-general" / "pipelines" / "layer.yaml").read_text()
    assert "# A layer is a parameter of other components: write {acme_general: {strength: 0.5}} there." in pipeline
    assert_in_order(tmp_path / "acme-general")
    assert_typed(written)


def test_every_kind_has_its_templates() -> None:
    folder = files("registry_core.scaffold").joinpath("templates")
    own = {kind.templates for kind in KINDS.values() if kind.templates}
    assert {each.name for each in folder.iterdir()} == {*own, "component", "project"}
    for name in (*own, "component"):
        parts = {each.name for each in folder.joinpath(name).iterdir()} - {"subclass.py.txt"}
        assert parts == {"built.py.txt", "declaration.py.txt", "pipeline.yaml.txt", "test.py.txt"}, name


def test_templates_are_in_the_distribution() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["registry_core"]
    packed = {path for pattern in data for path in (ROOT / "registry_core").glob(pattern)}
    assert {path for path in (ROOT / "registry_core/scaffold/templates").rglob("*") if path.is_file()} <= packed


def test_the_project_declares_what_it_has() -> None:
    texts = {file.path: file.text for file in planned("Acme.Vision_Tools", "metric", "loss").files}
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    assert project["name"] == "acme-vision-tools"
    assert project["dependencies"] == [f"registry-core>={version('registry-core').partition('+')[0]}"]
    assert project["optional-dependencies"]["test"] == ["pytest>=8"]
    assert project["entry-points"] == {
        "registry_core.v1.losses": {"acme_vision_tools": "acme_vision_tools.losses:AcmeVisionTools"},
        "registry_core.v1.metrics": {"acme_vision_tools": "acme_vision_tools.metrics:AcmeVisionTools"},
    }
    assert {"README.md", ".gitignore", "acme_vision_tools/py.typed"} <= set(texts)
    assert "run: pytest\n" in texts[".github/workflows/ci.yml"]
    assert "run: registry-core doctor --strict acme-vision-tools\n" in texts[".github/workflows/ci.yml"]
    assert "a loss and a metric" in project["description"]


def test_the_command_says_what_it_wrote_and_how_to_go_on(command: Callable[..., Ended], tmp_path: Path) -> None:
    ended = command("new-plugin", "acme-losses", "--out", tmp_path)
    folder = tmp_path / "acme-losses"
    written = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        f"wrote {folder}/",
        *(f"  {path}" for path in written),
        "go on with",
        f"  cd {folder}",
        "  pip install -e '.[test]'",
        "  registry-core show loss/acme_losses",
        "  registry-core train pipelines/loss.yaml",
        "  pytest",
    ]


def test_facts_for_programs(command: Callable[..., Ended], tmp_path: Path) -> None:
    ended = command(
        "new-plugin", "acme", "--kind", "hook", "--kind", "init", "--kind", "hook", "--out", tmp_path, "--json"
    )
    found = json.loads(ended.out)
    assert found["components"] == ["init/acme", "hook/acme"]
    assert found["distribution"] == found["package"] == "acme"
    assert found["folder"] == str(tmp_path / "acme")
    assert sorted(found["files"]) == sorted(str(path) for path in (tmp_path / "acme").rglob("*") if path.is_file())
    assert found["commands"][:2] == [f"cd {tmp_path / 'acme'}", "pip install -e '.[test]'"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("acme losses", "'acme losses' is not a valid name of a distribution: it must consist of letters, digits, "),
        ("acme-", "'acme-' is not a valid name of a distribution"),
        ("grün", "'grün' is not a valid name of a distribution"),
        ("3d-losses", "'3d-losses' would name the Python package and the component '3d_losses', but these names must"),
        ("lambda", "'lambda' would name the Python package 'lambda', which is a Python keyword. Choose a longer"),
        ("none", "'none' would name the Python class 'None', which is a Python keyword. Choose a longer name, "),
        ("Torch", "The distribution 'torch' is already installed"),
        ("json", "A module 'json' already exists and would hide the new package or be hidden by it."),
        ("registry-builtin", "A module 'registry_builtin' already exists"),
        ("loss", "The class 'Loss' would have the same name as an import of loss/losses.py."),
        ("pipelines", "The package 'pipelines' would have the same name as another part of its project."),
        ("mse", "The loss 'mse' is already registered by registry-core"),
        ("test-losses", "The package 'test_losses' would have the same name as another part of its project."),
        ("build", "The package 'build' would have the same name as another part of its project."),
    ],
)
def test_names_that_cannot_be(command: Callable[..., Ended], tmp_path: Path, name: str, message: str) -> None:
    ended = command("new-plugin", name, "--out", tmp_path)
    assert ended.code == 2
    assert ended.err.startswith(message)
    assert re.search(r"\. Choose [^.]+[.\w-]+", ended.err)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_empty_stays_as_it_is(command: Callable[..., Ended], tmp_path: Path) -> None:
    kept = tmp_path / "acme" / "kept.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    ended = command("new-plugin", "acme", "--out", tmp_path)
    assert ended.code == 2
    assert ended.err == f"{kept.parent} is not empty. Choose another name, or another folder with --out.\n"
    assert list(tmp_path.rglob("*")) == [kept.parent, kept]


def test_an_empty_folder_is_taken(
    command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))  # as with python -m: the empty folder could be imported
    ended = command("new-plugin", "acme")
    assert ended.code == 0, ended.err
    assert (tmp_path / "acme" / "pyproject.toml").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScaffoldError, match=r"acme cannot be written \(.*\)\. Choose another folder with --out\."):
        write_project(planned("acme"), tmp_path / "file" / "acme")
    with pytest.raises(ScaffoldError, match=r"file is a file\. Choose"):
        write_project(planned("acme"), tmp_path / "file")


def test_a_kind_that_there_is_not(command: Callable[..., Ended], tmp_path: Path) -> None:
    ended = command("new-plugin", "acme", "--kind", "los", "--out", tmp_path)
    assert ended.code == 2
    assert "'los' is not one of 'transform', " in ended.err
