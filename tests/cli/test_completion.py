"""What a real bash completes: commands, options, kinds, component names and pipeline files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ended

from registry_core.catalog import KINDS, installed


@pytest.fixture
def complete(tmp_path: Path) -> Callable[..., list[str]]:
    """What bash offers behind words, the last of which is not finished."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "registry-core"
    program.write_text(f"#!{sys.executable}\nfrom registry_core.cli.main import main\nmain()\n")
    program.chmod(0o755)
    folder = tmp_path / "work"
    (folder / "examples").mkdir(parents=True)
    for name in ("examples/one.yaml", "examples/two.json", "examples/notes.txt", "three.yml"):
        (folder / name).write_text("")
    environment = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}

    def run(*words: str) -> list[str]:
        script = (
            'eval "$(registry-core completion bash)"\nCOMP_WORDS=("$@")\nCOMP_CWORD=$(($# - 1))\n'
            '_registry_core_completion registry-core\nprintf "%s\\n" "${COMPREPLY[@]}"'
        )
        command = ["bash", "-c", script, "bash", "registry-core", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


def test_commands_and_options(complete: Callable[..., list[str]]) -> None:
    assert {"schema", "search", "show"} >= set(complete("s")) - {"sample"}
    assert complete("doc") == ["doctor"]
    assert "--strict" in complete("doctor", "--")
    assert complete("completion", "f") == ["fish"]


def test_kinds_and_components(complete: Callable[..., list[str]]) -> None:
    assert complete("list", "opt") == ["optimizer"]
    assert set(complete("show", "")) == {f"{kind}/" for kind in KINDS}
    losses = {record.full_name for record in installed().of_kind("loss")}
    assert set(complete("show", "loss/")) == set(complete("show", "lo")) == losses
    assert complete("show", "loss/cross") == ["loss/cross_entropy"]
    assert complete("check", "registry-c") == ["registry-core"]
    assert complete("schema", "no_kind/") == []


def test_codes_of_mistakes(complete: Callable[..., list[str]]) -> None:
    assert complete("explain", "transform-") == ["transform-effect", "transform-input", "transform-place"]
    assert "unknown-key" in complete("explain", "")


def test_pipeline_files(complete: Callable[..., list[str]]) -> None:
    assert set(complete("train", "")) == {"examples/", "three.yml"}
    assert set(complete("validate", "exa")) == {"examples/one.yaml", "examples/two.json"}
    assert complete("plan", "examples/o") == ["examples/one.yaml"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(command: Callable[..., Ended], shell: str) -> None:
    ended = command("completion", shell)
    assert ended.code == 0
    assert "_REGISTRY_CORE_COMPLETE" in ended.out
    assert command("completion", "tcsh").code == 2
