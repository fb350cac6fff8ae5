"""What users type wrongly never shows a traceback: each command says what is wrong, and ends with a documented code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Ended

LONG = "x" * 300
FILES = {"text.txt": b"hello\n", "bytes.yaml": bytes(range(256)), "empty.yaml": b"", "list.yaml": b"- 1\n"}
PATHS = [*FILES, "missing", "folder", "loop", "text.txt/inside", LONG, f"folder/{LONG}", "", "half\udcff", "odd run"]
"""Paths of which none is what a command wants."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files that no command can use, and one pipeline that is right."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "odd run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "odd run" / "pipeline.json").write_text("[]")
    (tmp_path / "odd run" / "manifest.json").write_text("[1]")
    (tmp_path / "right.yaml").write_bytes((ROOT / "examples" / "digits.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # so that the path of before comes back, to which the option -p adds
    return tmp_path


def _commands(path: str) -> Iterator[list[str]]:
    for command in ("train", "validate", "plan", "sample", "index", "eval", "show", "schema", "check", "explain", "-p"):
        yield [command, path]
    for command in ("verify", "reproduce"):
        yield [command, path]
    yield ["list", "--dist", path]
    yield ["upgrade", "--check", path]
    yield ["validate", "--fix", "--yes", path]
    yield ["train", "--resume", path]
    yield ["predict", path, path]
    yield ["new-plugin", path, "--out", "folder"]
    yield ["new-plugin", "acme-losses", "--out", path]
    yield ["-p", path, "list"]
    yield ["show", f"loss/{path}"]
    data = "data.train.dataset"
    for key in ("model=", "finetune.weights=", f"{data}.mnist.root=", f"{data}.image_index.index=", ""):
        yield ["validate", "right.yaml", "--set", f"{key}{path}"]
    yield ["validate", "right.yaml", "--set", f"{path}=1"]
    yield ["index", "folder", "--out", path]
    yield ["whiten", path, "--out", "matrix.safetensors"]


@pytest.mark.parametrize("path", PATHS, ids=ascii)
def test_a_path_that_is_not_what_is_wanted(path: str, here: Path, command: Callable[..., Ended]) -> None:
    for arguments in _commands(path):
        ended = command(*arguments)
        assert 0 <= ended.code <= 5, arguments
        assert ended.code == 0 or ended.err or ended.out, arguments
        assert "Traceback" not in ended.err


@pytest.mark.parametrize("out", ["folder", "missing/matrix.safetensors", "text.txt/inside", LONG])
def test_a_matrix_that_cannot_be_written_is_refused_before_the_data_are_read(
    out: str, here: Path, command: Callable[..., Ended]
) -> None:
    ended = command("whiten", "right.yaml", "--out", out)
    assert ended.code == 2
    assert "--out" in ended.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_what_is_no_ordinary_file_is_not_replaced(here: Path, command: Callable[..., Ended]) -> None:
    os.mkfifo(here / "pipe")
    ended = command("whiten", "right.yaml", "--out", "pipe")
    assert ended.code == 2
    assert "'pipe' is not a regular file" in ended.err
    assert (here / "pipe").is_fifo()


def test_an_epoch_beyond_what_random_numbers_count(here: Path, command: Callable[..., Ended]) -> None:
    ended = command("sample", "right.yaml", "--epoch", 10**20)
    assert ended.code == 2
    assert "--epoch" in ended.err


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no device that is always full")
def test_a_full_disk_behind_standard_output() -> None:
    command = [sys.executable, "-m", "registry_core", "list"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == 5
    assert done.stderr.splitlines()[0].startswith("Reading or writing failed: No space left on device.")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="the shell of POSIX closes standard output")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_standard_output_that_is_closed(closed: str) -> None:
    script = f"{sys.executable} -m registry_core list {closed}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert done.stderr == ""
