"""Plugins that raise what is no Exception, hang, print or use the names of others are named, and contained."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Ended, changed, distributions
from wild_modules import ENTRY_POINTS, MODULES

from registry_core.catalog import built_ins, own
from registry_core.catalog.catalog import own_distribution
from registry_core.diagnostics import BrokenComponent

DATA = {"data__train__transforms": [], "data__val": None}
STAGES: dict[str, dict[str, Any]] = {
    **{name: {"loss": name} for name in ("wild_import", "wild_body", "wild_subclass", "wild_signature")},
    **{name: {"loss": name} for name in ("valid", "check", "warns", "build", "call")},
    **{name: {"data__train__dataset": name, **DATA} for name in ("facts", "item", "length")},
    **{name: {"data__train__transforms": [name, "to_tensor"]} for name in ("infer", "transform")},
    **{name: {"model": name} for name in ("forward", "output")},
    **{name: {"hooks": [name]} for name in ("event", "ask", "state")},
    "measure": {"metrics": ["measure"]},
    "optimizer": {"optim__optimizer": "optimizer"},
    "scheduler": {"optim__scheduler": "scheduler"},
    "init": {"init": [{"modules": ["Linear"], "weight": "init"}]},
    "order": {"data__train__sampler": "order"},
}
SOME = ("wild_import", "valid", "build", "call", "item", "length", "event", "ask", "state", "measure")


@pytest.fixture(scope="module", autouse=True)
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with distributions(tmp_path_factory.mktemp("wild")) as make:
        make("acme-wild", ENTRY_POINTS, modules=MODULES)
        yield


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        *((stage, "Escape") for stage in STAGES),
        *(
            (s, kind)
            for s in SOME
            for kind in ("KeyboardInterrupt", "GeneratorExit", "SystemExit", "Unshown", "EOFError")
        ),
    ],
)
def test_whatever_is_raised_is_named(
    command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, kind: str
) -> None:
    monkeypatch.setenv("WILD", kind)
    (tmp_path / "pipeline.json").write_text(json.dumps(changed(train={"epochs": 1}, **STAGES[stage])))
    ended = command("train", tmp_path / "pipeline.json", "--out", tmp_path / "run")
    assert ended.code in (2, 3)
    assert "Traceback" not in ended.err
    told = [line for line in ended.err.splitlines() if kind in line]
    assert len(told) == 1, ended.err
    assert "acme-wild 1.0" in told[0]
    assert stage in told[0] or stage in ("length", "order")


def other(folder: Path, site: Path) -> Callable[..., subprocess.Popen[str]]:
    """Run commands in other processes that find the distributions of a folder."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    path = os.pathsep.join([str(site), *filter(None, [kept.get("PYTHONPATH")])])

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "registry_core", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, **pipes, text=True, cwd=folder, env={**kept, "PYTHONPATH": path})  # type: ignore[call-overload, no-any-return]  # the options of Popen in a mapping

    return start


def install(
    site: Path, name: str, entry_points: str, modules: dict[str, str] | None = None, version: str = "1.0"
) -> None:
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)
    for module, text in (modules or {}).items():
        (site / f"{module}.py").write_text(text)


LOSSES = "[registry_core.v1.losses]\n"
LOSS = "def Loss(output, target):\n    'A loss.'\n    return (output - target).abs().mean()\n"
NOISE = """
import ctypes, os, sys
print("printed by Python")
sys.__stdout__.write("written past it\\n")
os.write(1, b"written to the descriptor\\n")
os.system("echo printed by a program")
try:
    ctypes.CDLL(None).puts(b"kept by the C library")
except OSError:
    pass
"""


@pytest.mark.parametrize(
    "arguments", [["show", "loss/loud", "--json"], ["schema", "loss/loud"], ["doctor", "loss/loud", "--json"]]
)
def test_what_an_import_prints_does_not_reach_json(tmp_path: Path, arguments: list[str]) -> None:
    install(tmp_path / "site", "acme-loud", f"{LOSSES}loud = loud:Loss\n", {"loud": NOISE + LOSS})
    out, err = other(tmp_path, tmp_path / "site")(*arguments).communicate()
    assert json.loads(out)
    if arguments[0] == "show":
        for words in ("printed by Python", "written past it", "to the descriptor", "by a program", "by the C library"):
            assert words in err


def test_what_an_import_prints_does_not_reach_a_pipe(tmp_path: Path) -> None:
    install(tmp_path / "site", "acme-loud", f"{LOSSES}loud = loud:Loss\n", {"loud": NOISE + LOSS})
    process = other(tmp_path, tmp_path / "site")("show", "loss/loud")
    out, err = process.communicate()
    assert process.returncode == 0
    assert out.startswith("loss/loud  (acme-loud 1.0, loud:Loss)\n")
    assert "printed" not in out
    assert "by the C library" not in out
    assert "printed by Python" in err


@pytest.mark.parametrize("status", [0, 7])
@pytest.mark.parametrize("command", ["validate", "train", "show", "schema"])
def test_an_import_that_exits_ends_no_command(tmp_path: Path, command: str, status: int) -> None:
    child = "import os\nif os.fork() == 0:\n    os._exit(0)\nassert os.waitstatus_to_exitcode(os.wait()[1]) == 0\n"
    modules = {"quits": f"{child}os._exit({status})\n"}
    install(tmp_path / "site", "acme-quits", f"{LOSSES}quits = quits:Loss\n", modules)
    (tmp_path / "pipeline.json").write_text(json.dumps(changed(loss="quits")))
    argument = "pipeline.json" if command in ("validate", "train") else "loss/quits"
    process = other(tmp_path, tmp_path / "site")(command, argument)
    _, err = process.communicate()
    assert process.returncode == 3
    assert (
        f"The loss 'quits' of acme-quits 1.0 cannot be imported from 'quits:Loss': SystemExit: os._exit({status})"
        in err
    )
    assert "Traceback" not in err


@pytest.fixture
def hanging(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    module = f"import registry_core.components.quiet_import as q, time\ntime.sleep(600)\n{LOSS}"
    early = "import registry_core.components.quiet_import as q\nq.PATIENCE = 0.2\n"
    install(tmp_path / "site", "acme-slow", f"{LOSSES}slow = slow:Loss\n", {"slow": module, "early": early})
    (tmp_path / "pipeline.json").write_text(json.dumps(changed(loss="slow")))
    (tmp_path / "early_table.py").write_text(f"{early}REGISTRY_CORE = {{}}\n")
    return other(tmp_path, tmp_path / "site")


def test_an_import_that_hangs_is_named_and_can_be_interrupted(hanging: Callable[..., subprocess.Popen[str]]) -> None:
    process = hanging("validate", "-p", "early_table", "pipeline.json")
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")  # on a slow machine, others are named before it
    line = next((line for line in lines if "'slow'" in line), "")
    assert line == "The loss 'slow' of acme-slow 1.0: its module 'slow' is still being imported after 0.2 seconds.\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_an_import_that_nobody_named_is_stopped(hanging: Callable[..., subprocess.Popen[str]]) -> None:
    started = time.monotonic()
    out, _ = hanging("doctor", "loss/slow", "--timeout", "1").communicate(timeout=120)
    assert "loss/slow of acme-slow 1.0" in out
    assert "did not end within 1 seconds" in out
    assert time.monotonic() - started < 120


@pytest.mark.parametrize("name", ["registry-core", "Registry_Core", "registry.core"])
def test_a_distribution_that_calls_itself_registry_core_cannot_win(tmp_path: Path, name: str) -> None:
    marked = f"import pathlib\npathlib.Path({str(tmp_path / 'mark')!r}).touch()\n{LOSS}"
    points = f"{LOSSES}mse = evil:Loss\nevil = evil:Loss\n"
    install(tmp_path / "site", name, points, {"evil": marked}, version="99.0")
    (tmp_path / "pipeline.json").write_text(json.dumps(changed(loss="cross_entropy")))
    run = other(tmp_path, tmp_path / "site")
    listed, told = run("list", "loss", "--json").communicate()
    origins = {row["name"]: (row["distribution"], row["version"]) for row in json.loads(listed)}
    assert origins["mse"] == ("registry-core", own_distribution().version)
    assert "evil" not in origins
    for arguments in (("validate", "pipeline.json"), ("doctor", "loss/mse", "--strict")):
        process = run(*arguments)
        process.communicate()
        assert process.returncode == 0
    _, told = run("list", "loss").communicate()
    assert "registry-core: another distribution of this name (99.0, in " in told
    assert run("--version").communicate()[0] == f"registry-core, version {own_distribution().version}\n"
    assert not (tmp_path / "mark").exists()


def test_a_component_of_registry_core_is_in_its_own_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even the distribution that seems to have brought this package cannot register other code."""
    with distributions(tmp_path) as make:
        folder = make(
            "registry-core", f"{LOSSES}evil = evil:Loss\nworse = registry_builtin_evil:Loss\n", version="99.0"
        )
        monkeypatch.setattr(own, "HOME", folder)
        from registry_core.catalog import installed, refresh

        refresh()
        names = {record.name for record in installed().of_kind("loss")}
        said = [str(finding) for finding in installed().findings]
    assert "evil" not in names
    assert "worse" not in names
    assert "registry-core: its loss 'evil' has the target 'evil:Loss', which is none of registry-core." in said


def test_a_module_with_the_name_of_the_built_ins_is_refused(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    mark = f"import pathlib\npathlib.Path({str(tmp_path / 'mark')!r}).touch()\n"
    (site / "registry_builtin").mkdir()
    (site / "registry_builtin" / "__init__.py").write_text(mark)
    (tmp_path / "pipeline.json").write_text(json.dumps(changed()))
    process = other(tmp_path, site)("validate", "pipeline.json")
    _, err = process.communicate()
    assert process.returncode == 3
    assert f"The module 'registry_builtin' is found at '{site / 'registry_builtin'}', but that of registry-core" in err
    assert "Traceback" not in err
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("evil --index-url https://example.org", "1.0", "is not that of a distribution"),
        ("evil\x1b[2J", "1.0", "its name 'evil\\x1b[2j' is not that of a distribution"),
        ("this session", "1.0", "is not that of a distribution"),
        ("acme", "(-p)", "the version '(-p)' of acme is not one"),
        ("acme", "1.0\x1b]0;title\x07", "the version '1.0\\x1b]0;title\\x07' of acme is not one"),
    ],
)
def test_distributions_with_impossible_names_are_refused(
    command: Callable[..., Ended], tmp_path: Path, name: str, version: str, words: str
) -> None:
    with distributions(tmp_path) as make:
        folder = make("plain", f"{LOSSES}focal = focal:Loss\n")
        metadata = folder / "plain-1.0.dist-info" / "METADATA"
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        from registry_core.catalog import refresh

        refresh()
        ended = command("list", "loss")
    assert words in ended.err
    assert "loss/focal" not in ended.out


def test_of_two_copies_the_first_counts(command: Callable[..., Ended], tmp_path: Path) -> None:
    with distributions(tmp_path) as make:
        make("acme", f"{LOSSES}later = acme:Loss\n", version="1.0")
        make("acme", f"{LOSSES}first = acme:Loss\n", version="2.0")  # it is put before the other
        ended = command("list", "loss")
    assert "loss/first" in ended.out
    assert "loss/later" not in ended.out
    assert "acme: a second copy of it (1.0, in " in ended.err


def test_the_built_ins_here_are_accepted() -> None:
    built_ins.refuse_other_built_ins.cache_clear()
    built_ins.refuse_other_built_ins()


def test_the_place_of_the_built_ins_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = SimpleNamespace(submodule_search_locations=[str(tmp_path / "registry_builtin")], origin=None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: other)
    built_ins.refuse_other_built_ins.cache_clear()
    with pytest.raises(BrokenComponent, match="but that of registry-core is at"):
        built_ins.refuse_other_built_ins()
    built_ins.refuse_other_built_ins.cache_clear()
