"""Files of a run directory that are damaged: a resumed run goes on without what is lost, and shows no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ended

import registry_core


@pytest.fixture
def run(pipeline: Callable[..., Path], tmp_path: Path) -> Path:
    """A run that stopped after one of two epochs."""
    path = pipeline(train={"epochs": 1, "device": "cpu"})
    return registry_core.train(registry_core.load(path), tmp_path / "run").directory


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xff\xfe",
        b"[1]\n",
        b"3\n",
        b'{"step": "x"}\n',
        b'{"epoch": 1}\n',
        b'{"step": 6, "val/loss": "x"}\n',
        b"null",
    ],
)
@pytest.mark.parametrize("name", ["metrics.jsonl", "environment.json", "summary.json"])
def test_a_run_with_a_damaged_file_goes_on(
    run: Path, pipeline: Callable[..., Path], command: Callable[..., Ended], name: str, damaged: bytes
) -> None:
    (run / name).write_bytes(damaged)
    longer = pipeline(name="longer", train={"epochs": 2, "device": "cpu"})
    ended = command("train", longer, "--resume", run)
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    summary = json.loads((run / "summary.json").read_text())
    assert summary["steps"] == 12
    assert summary["metrics"]["val/loss"]["last"] > 0


def test_plugins_that_are_no_mapping_are_not_read(run: Path, command: Callable[..., Ended]) -> None:
    for plugins in ([], {"registry-core": 3}, "x"):
        (run / "environment.json").write_text(json.dumps({"plugins": plugins}))
        assert command("eval", run).code == 0
