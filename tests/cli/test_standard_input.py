"""``-`` as FILE: the pipeline is read from standard input, once, with <stdin> as its place."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PIPELINE, Ended

TEXT = json.dumps(PIPELINE)


@pytest.fixture
def given(command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Ended]:
    """Run a command in an empty folder with a text on standard input."""
    monkeypatch.chdir(tmp_path)

    def run(text: str | bytes, *arguments: object) -> Ended:
        data = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        return command(*arguments)

    return run


@pytest.mark.parametrize("name", ["validate", "plan", "sample", "upgrade"])
def test_commands_read_standard_input(given: Callable[..., Ended], name: str) -> None:
    ended = given(TEXT, name, "-")
    assert (ended.code, bool(ended.out)) == (0, True), ended.err


def test_mistakes_have_their_place_and_their_line(given: Callable[..., Ended]) -> None:
    ended = given(
        "version: 1\n" + TEXT.replace('"sgd"', '"sdg"')[1:-1].replace('"version": 1, ', "{") + "}", "validate", "-"
    )
    assert ended.code == 2
    text = "version: 1\nloss: cross_entropi\n"
    ended = given(text, "validate", "-")
    assert "<stdin>:2:7: loss: The loss 'cross_entropi' is unknown." in ended.err
    assert "     2 | loss: cross_entropi\n       |       ^^^^^^^^^^^^^" in ended.err
    assert "--fix" not in ended.err


def test_it_is_read_once_for_several_looks(given: Callable[..., Ended]) -> None:
    ended = given(TEXT, "validate", "-", "-", "--set", "optim.optimizer.sgd.lr='1'", "--json")
    found = json.loads(ended.out)
    assert [(each["file"], each["code"]) for each in found] == [("--set optim.optimizer.sgd.lr='1'", "wrong-type")] * 2


def test_an_extended_file_is_relative_to_the_folder(given: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text(TEXT)
    assert given("extends: base.json\ntrain: {epochs: 2}\n", "validate", "-").out == "<stdin>: no problems.\n"
    (tmp_path / "base.json").write_text(TEXT.replace('"sgd"', '"sdg"'))
    assert "<stdin> extends this file." in given("extends: base.json\n", "validate", "-").err


def test_a_run_is_called_stdin(given: Callable[..., Ended], tmp_path: Path) -> None:
    ended = given(TEXT, "train", "-")
    assert ended.code == 0, ended.err
    assert (tmp_path / "runs" / "stdin-1" / "summary.json").exists()


def test_it_cannot_be_corrected_in_place(given: Callable[..., Ended]) -> None:
    ended = given(TEXT, "validate", "--fix", "-")
    assert ended.code == 2
    assert "--fix cannot correct standard input" in ended.err


def test_upgrade_writes_to_standard_output(given: Callable[..., Ended]) -> None:
    old = TEXT.replace('"version": 1, ', "")
    ended = given(old, "upgrade", "-")
    assert json.loads(ended.out) == PIPELINE
    assert "<stdin>: The file now has version 1." in ended.err
    assert given(ended.out, "upgrade", "-").out == ended.out
    assert given(old, "upgrade", "--check", "-").code == 1
    assert "registry-core upgrade -" in given(old, "validate", "-").err


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a: \xff", "not UTF-8"),
        (b"x" * 1_100_000, "larger than"),
        (b"", "The file is empty"),
        (b'{"version": 1, // one\n}', "JSON has no comments"),
    ],
)
def test_what_is_no_pipeline(given: Callable[..., Ended], data: bytes, words: str) -> None:
    ended = given(data, "validate", "-")
    assert ended.code == 2
    assert words in ended.err


def test_a_file_of_that_name_can_still_be_named(given: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "-").write_text(TEXT)
    assert given("nonsense", "validate", "./-").code == 0


def test_closed_standard_input(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "registry_core", "validate", "-"]
    ended = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *program], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert "Standard input" in ended.stderr


def test_what_is_no_file_is_told_and_not_read(command: Callable[..., Ended], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    for path in (tmp_path / "pipe", tmp_path / "socket", "/dev/zero", "/dev/full"):
        ended = command("validate", path)
        assert ended.code == 2
        assert "write - to read the pipeline from standard input" in ended.err
    assert "is a folder" in command("validate", tmp_path).err
