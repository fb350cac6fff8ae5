"""Which plugins take part, and which is meant: prefer, requires, policies, contracts, versions of names, -p."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ended, sentences

import registry_core
from registry_core.catalog import installed, refresh
from registry_core.diagnostics import BrokenComponent, PipelineError, UnknownComponent
from registry_core.registry import registries

pytestmark = pytest.mark.exhaustive

LOSSES = "[registry_core.v1.losses]\n"
PLAIN = '''
from torch import nn


class Half(nn.CrossEntropyLoss):
    """Half of the cross entropy."""

    def forward(self, output, target):
        return super().forward(output, target) / 2
'''
DECLARED = '''
from typing import ClassVar
from registry_core.components import Loss


class Old(Loss):
    """An old loss."""
    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
    successor: ClassVar[str] = "smooth.v2"
    label_smoothing: float = 0.0


class New(Loss):
    """A new loss."""
    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
    label_smoothing: float = 0.1
'''


def problems(path: Path, *overrides: str) -> list[str]:
    with pytest.raises(PipelineError) as failed:
        registry_core.load(path, overrides)
    return [str(problem) for problem in failed.value.problems]


@pytest.fixture
def rivals(distribution: Callable[..., Path]) -> None:
    """Two distributions that register the loss mse, one of them a built-in's name anyway."""
    distribution("acme-losses", LOSSES + "mse = acme_half:Half\n", modules={"acme_half": PLAIN})


@pytest.mark.usefixtures("rivals")
def test_a_name_in_conflict_is_an_error_at_its_place(pipeline: Callable[..., Path]) -> None:
    (problem,) = problems(pipeline(loss="mse"))
    assert ":1" in problem
    assert "registered by acme-losses 1.0 and registry-core" in problem
    assert "'acme-losses:mse'" in problem
    assert "`prefer: {loss/mse: acme-losses}`" in problem


@pytest.mark.usefixtures("rivals")
def test_prefer_chooses_for_a_whole_file_and_is_recorded(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    path = pipeline(loss="mse", prefer={"loss/mse": "Acme_Losses"})
    spec = registry_core.load(path).spec
    assert spec.loss.record is not None
    assert spec.loss.record.distribution == "acme-losses"
    result = registry_core.train(spec, tmp_path / "run")
    recorded = json.loads((result.directory / "pipeline.json").read_text())
    assert recorded["prefer"] == {"loss/mse": "Acme_Losses"}
    assert "acme-losses" in json.loads((result.directory / "environment.json").read_text())["plugins"]
    assert registry_core.load(result.directory / "pipeline.json").spec.loss.record == spec.loss.record


@pytest.mark.usefixtures("rivals")
def test_what_is_wrong_with_prefer_is_said(pipeline: Callable[..., Path]) -> None:
    found = problems(pipeline(loss="l1", prefer={"loss/l1": "acme-losses"}))
    assert any("'acme-losses' does not register the loss 'l1'. Available: registry-core." in each for each in found)
    assert any("is not KIND/NAME" in each for each in problems(pipeline(prefer={"mse": "acme-losses"})))


@pytest.mark.usefixtures("rivals")
def test_defaults_do_not_change_with_what_is_installed(
    distribution: Callable[..., Path], pipeline: Callable[..., Path]
) -> None:
    distribution("acme-orders", "[registry_core.v1.samplers]\nshuffled = acme_nowhere:X\nsequential = acme_nowhere:X\n")
    plan = registry_core.plan(registry_core.load(pipeline()))
    assert {section.sampler.label.split(" of ")[1] for section in plan.sections.values()} == {"registry-core 0.1.0"}


def test_requires_fails_before_anything_else(pipeline: Callable[..., Path], command: Callable[..., Ended]) -> None:
    required = 'requires:\n  registry-core-nowhere: ">=1"\n  pydantic: ">=99"\n  click: ">=1"\n'
    path = pipeline(f"version: 1\n{required}model: no_such_model\n")
    ended = command("validate", path)
    assert ended.code == 2
    lines = sentences(ended)
    assert len(lines) == 2, "only what is required is said"
    assert f"{path}:3:3: requires.registry-core-nowhere: This pipeline requires registry-core-nowhere" in lines[0]
    assert "Run: pip install 'registry-core-nowhere>=1'" in lines[0]
    assert "requires pydantic >=99, but" in lines[1]
    wrong = problems(pipeline(requires={"click": "newest"}))
    assert "'newest' is not a version specifier. Write a specifier such as '>=1'" in wrong[0]
    assert any("Expected a text" in each for each in problems(pipeline(requires={"click": 8})))
    registry_core.load(pipeline(requires={"registry-core": ">=0.1", "click": ""}))


def test_a_run_says_which_package_it_lacks(
    distribution: Callable[..., Path], pipeline: Callable[..., Path], command: Callable[..., Ended], tmp_path: Path
) -> None:
    site = distribution("acme-losses", LOSSES + "half = acme_half:Half\n", modules={"acme_half": PLAIN})
    assert command("train", pipeline(loss="half"), "--out", tmp_path / "run").code == 0
    sys.path.remove(str(site))
    refresh()
    for arguments in (("train", "--resume", tmp_path / "run"), ("eval", tmp_path / "run")):
        ended = command(*arguments)
        assert ended.code == 5, arguments
        assert "The run used acme-losses, which is not here. Run: pip install acme-losses==1.0." in ended.err


@pytest.mark.parametrize(
    ("value", "usable"), [("none", False), ("acme-other", False), ("all", True), ("Acme.Losses", True)]
)
def test_plugins_can_be_disabled(
    value: str, usable: bool, distribution: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution("acme-losses", LOSSES + "half = acme_half:Half\n", modules={"acme_half": PLAIN})
    distribution("acme-other", LOSSES + "other = acme_half:Half\n")
    monkeypatch.setenv("REGISTRY_CORE_PLUGINS", value)
    catalog = refresh()
    assert catalog.find("loss", "l1").distribution == "registry-core"
    if usable:
        assert catalog.find("loss", "half").distribution == "acme-losses"
        return
    with pytest.raises(
        UnknownComponent, match=r"acme-losses 1.0 registers it, but it cannot be used.*`--plugins .*acme"
    ):
        catalog.find("loss", "half")
    assert [refused.reason for refused in catalog.refused if refused.record.name == "half"] == ["disabled"]


def test_an_allowed_name_that_is_not_there_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_CORE_PLUGINS", "acme-nowhere")
    try:
        assert any("acme-nowhere: it is allowed by name" in str(finding) for finding in refresh().findings)
    finally:
        monkeypatch.undo()
        refresh()


def test_the_option_reaches_processes_that_are_started(
    command: Callable[..., Ended], distribution: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_CORE_PLUGINS", "all")  # so that what the command sets is undone
    distribution("acme-losses", LOSSES + "half = acme_half:Half\n")
    distribution("acme-many", LOSSES + "".join(f"many_{n} = acme_half:Half\n" for n in range(50)))
    ended = command("list", "loss", "--plugins", "none")
    assert "not usable: loss/many_0, loss/many_1 and 48 more of acme-many 1.0. Third-party plugins" in ended.err
    assert "acme-losses 1.0." in ended.err
    assert "loss/half" not in ended.out
    assert os.environ["REGISTRY_CORE_PLUGINS"] == "none"
    assert "loss/half" in command("--plugins", "all", "list", "loss").out, "in front of the command, too"


def test_another_contract_is_listed_and_never_imported(
    distribution: Callable[..., Path], pipeline: Callable[..., Path], command: Callable[..., Ended]
) -> None:
    distribution(
        "acme-future",
        "[registry_core.v2.losses]\nfocal = acme_future:Focal\n",
        modules={"acme_future": "raise SystemExit"},
    )
    ended = command("list", "loss")
    assert ended.code == 0
    assert "not usable: loss/focal of acme-future 1.0. It is made for contract v2" in ended.err
    (problem,) = problems(pipeline(loss="focal"))
    assert "made for contract v2, and this registry-core has contract v1. Upgrade registry-core." in problem
    facts = json.loads(command("plugins", "--json").out)
    (future,) = [each for each in facts if each["name"] == "acme-future"]
    assert future["states"] == ["1 made for a contract other than v1"]


def test_versioned_names_and_deprecations(
    distribution: Callable[..., Path], pipeline: Callable[..., Path], command: Callable[..., Ended], tmp_path: Path
) -> None:
    points = LOSSES + "smooth = acme_smooth:Old\nsmooth.v2 = acme_smooth:New\n"
    distribution("acme", points, modules={"acme_smooth": DECLARED})
    old = pipeline(name="old", loss={"smooth": {"label_smoothing": 0.2}})
    ended = command("validate", old)
    assert ended.code == 0
    assert ended.err.startswith(f"{old}:1:")
    assert "loss: The loss 'smooth' is deprecated. Use 'smooth.v2'." in ended.err
    assert json.loads(command("validate", old, "--json").out)[0]["severity"] == "warning"
    assert "Deprecated: use loss/smooth.v2." in command("show", "loss/smooth").out
    assert "is deprecated" in command("train", old, "--out", tmp_path / "run").err
    new = pipeline(name="new", loss={"smooth.v2": {"label_smoothing": 0.2}})
    assert "deprecated" not in command("validate", new).err
    spec = registry_core.load(new, ["loss.smooth.v2.label_smoothing=0.3"]).spec
    assert spec.loss.label_smoothing == 0.3
    other = registry_core.load(old, ["loss.smooth.v2.label_smoothing=0.4"]).spec
    assert other.loss.name == "smooth.v2"


LOCAL = f'''{PLAIN}
def darken(image, factor: float = 0.5):
    """Darken an image."""
    return image.point(lambda value: int(value * factor))


REGISTRY_CORE = {{"loss/half": Half, "transform/darken": darken}}
'''


def core(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from registry_core.cli.main import main; main()", *map(str, arguments)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)


def test_a_local_module_adds_components(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "my_parts.py").write_text(LOCAL)
    listed = core(tmp_path, "list", "loss", "--word", "half", "-p", "my_parts")
    assert listed.stdout == "loss/half  my_parts (-p)  Half of the cross entropy.\n"
    assert "factor" in core(tmp_path, "show", "transform/darken", "-p", "my_parts").stdout
    path = pipeline(loss="half", data__train__transforms=[{"darken": {"factor": 0.9}}, "to_tensor"], data__workers=1)
    done = core(tmp_path, "train", path, "-p", "my_parts", "--out", "run")
    assert done.returncode == 0, done.stderr
    plugins = json.loads((tmp_path / "run" / "environment.json").read_text())["plugins"]
    assert plugins["my_parts"]["components"] == ["transform/darken", "loss/half"]
    assert len(plugins["my_parts"]["files"]["my_parts.py"]) == 64
    without = core(tmp_path, "train", "--resume", "run")
    assert without.returncode == 5
    assert "Add -p my_parts to the command." in without.stderr
    assert core(tmp_path, "train", "--resume", "run", "-p", "my_parts").returncode == 0
    unknown = core(tmp_path, "validate", path)
    assert unknown.returncode == 2
    assert "The loss 'half' is unknown." in unknown.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("", "has no table REGISTRY_CORE"),
        ("REGISTRY_CORE = {'los/half': int}", "Did you mean 'loss'"),
        ("REGISTRY_CORE = {'loss/Half': int}", "'Half' is not a snake_case name"),
        ("REGISTRY_CORE = {'loss/half': lambda a, b: 0}", "without a name"),
    ],
)
def test_what_is_wrong_with_a_local_module_is_said(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "my_parts.py").write_text(text)
    done = core(tmp_path, "list", "-p", "my_parts")
    assert done.returncode == 3
    assert message in done.stderr
    assert "'my_parts' (option -p)" in done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be imported from 'my_absent'" in core(tmp_path, "list", "-p", "my_absent").stderr
    assert "Name the module: -p my_parts" in core(tmp_path, "list", "-p", "./my_parts.py").stderr


def test_a_pipeline_file_cannot_name_a_module(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "my_parts.py").write_text("open('mark', 'w').close()\n" + LOCAL)
    for key in ("p", "plugins", "modules", "imports"):
        done = core(tmp_path, "validate", pipeline(**{key: ["my_parts"]}))
        assert f"The key '{key}' is unknown here" in done.stderr
    for name in ("my_parts:half", "my_parts:Half", "my_parts.Half"):
        assert core(tmp_path, "validate", pipeline(loss=name)).returncode == 2
    assert not (tmp_path / "mark").exists()


def test_a_component_that_exits_or_prints_when_it_is_used(
    distribution: Callable[..., Path], pipeline: Callable[..., Path], command: Callable[..., Ended]
) -> None:
    distribution(
        "acme",
        LOSSES + "exits = acme_exits:Loss\nprints = acme_prints:Half\n",
        modules={"acme_exits": "import sys\nsys.exit(0)", "acme_prints": "print('hello')\n" + PLAIN},
    )
    with pytest.raises(BrokenComponent, match=r"loss 'exits' of acme 1.0 cannot be imported.*SystemExit: 0"):
        registries.losses["exits"]
    ended = command("validate", pipeline(loss="exits", train={"epoch": 1}))
    assert ended.code == 3, "a broken component, not a mistake of the file"
    assert "SystemExit: 0" in ended.err
    assert "The key 'epoch' is unknown here" in ended.err, "all the rest is reported too"
    shown = command("show", "loss/prints", "--json")
    assert json.loads(shown.out)["summary"] == "Half of the cross entropy."
    assert "hello" in shown.err


def test_names_are_found_after_an_installation(distribution: Callable[..., Path]) -> None:
    assert "half" not in registries.losses
    distribution("acme-losses", LOSSES + "half = acme_half:Half\n", modules={"acme_half": PLAIN})
    assert installed().find("loss", "half").version == "1.0"
