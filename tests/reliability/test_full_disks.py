"""A disk that fills, fails or vanishes ends a run with a sentence; when there is space again, the run goes on."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from reliability.forked import Ended, Forked, command
from reliability.full_disks import train_disturbed, train_with_fault, train_with_small_files
from reliability.outcome import losses, outcome
from reliability.scratch import scratch
from reliability.small_runs import small_run, write_small_run
from reliability.trials import Score, generator, trials

_CODES = (3, 4, 5)
"""A hook could not write its last lines, a checkpoint could not be written, or the run cannot go on."""


def is_said(ended: Ended) -> bool:
    """True for a documented exit code and a sentence, without a traceback."""
    return ended.code in _CODES and bool(re.search(r"[A-Z'].*\.$", ended.out, re.MULTILINE)) and not _traceback(ended)


def _traceback(ended: Ended) -> bool:
    return "Traceback" in ended.out


def went_on(folder: Path, path: Path, out: Path, expected: dict[str, Any]) -> object:
    """The parts in which a run that goes on, or starts if it was not yet one, differs from an undisturbed one."""
    arguments = ["--resume", out] if (out / "pipeline.json").exists() else [path, "--out", out]
    ended = Forked(folder, command, "train", *arguments).end()
    return losses(expected, outcome(out)) if ended.code == 0 else ended.out


def undisturbed(folder: Path, path: Path) -> dict[str, Any]:
    """The outcome of an undisturbed run."""
    ended = Forked(folder, command, "train", path, "--out", "whole").end()
    assert ended.code == 0, ended.out
    return outcome(folder / "whole")


@pytest.mark.parametrize("action", ["full from then on", "ENOSPC", "EIO"])
def test_a_disk_that_fills_at_any_stage_of_a_run(action: str) -> None:
    promise = "a disk that fills or fails ends a run with a sentence, and the resumed run is the same in all parts"
    random = generator("full disks", action)
    with Score(f"full disks: {action}", promise) as score, scratch() as folder:
        path = write_small_run(folder, epochs=2)
        expected = undisturbed(folder, path)
        out = folder / "run"
        ended = Forked(folder, train_with_fault, out, "EIO", 0, "train", path, "--out", out).end()
        operations = int((folder / "count").read_text())
        assert operations > 300, ended.out
        shutil.rmtree(out)
        for at in sorted(random.sample(range(1, operations + 1), trials(8, 150))):
            ended = Forked(folder, train_with_fault, out, action, at, "train", path, "--out", out).end()
            # Where a read fails that is only a check, the run goes on, and so does one that cannot remove a checkpoint.
            holds = is_said(ended) or (ended.code == 0 and not _traceback(ended))
            wrong = went_on(folder, path, out, expected) if ended.code != 0 else losses(expected, outcome(out))
            score.trial(holds and not wrong, (at, ended.code, ended.out[-400:], wrong))
            shutil.rmtree(out)


def test_a_limit_of_the_size_of_files() -> None:
    promise = "a file that may not grow ends a run with a sentence, and the resumed run is the same in all parts"
    sizes = [2_000, 2_500, 3_000, 4_000, 5_000, 6_000, 8_000, 10_000, 12_000, 15_000, 20_000]
    with Score("limits of file sizes", promise) as score, scratch() as folder:
        path = write_small_run(folder, epochs=2)
        expected = undisturbed(folder, path)
        largest = max(each.stat().st_size for each in (folder / "whole").rglob("*"))
        for size in [each for each in sizes if each < largest][:: trials(2, 1)]:
            out = folder / "run"
            ended = Forked(folder, train_with_small_files, size, "train", path, "--out", out).end()
            told = (out / "pipeline.json").exists() or "start the run again" in ended.out
            wrong = went_on(folder, path, out, expected)
            score.trial(is_said(ended) and told and not wrong, (size, ended.code, ended.out[-400:], wrong))
            shutil.rmtree(out)


@pytest.mark.parametrize("what", ["renamed", "removed", "metrics.jsonl full", "steps.jsonl full"])
def test_a_run_directory_that_changes_under_a_run(what: str) -> None:
    with scratch() as folder:
        path = write_small_run(folder, epochs=6)
        out = folder / "run"
        ended = Forked(folder, train_disturbed, out, what, "train", path, "--out", out).end()
        assert is_said(ended), ended
        assert what != "removed" or not out.exists()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A folder that is a file system of its own; skipped where that is not possible."""
    disk = folder / "disk"
    disk.mkdir()
    command_line = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if (
        os.name != "posix"
        or os.geteuid() != 0
        or subprocess.run(command_line, capture_output=True, check=False).returncode
    ):
        pytest.skip("this user may not mount a file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_real_disk_that_fills() -> None:
    with scratch() as folder, small_disk(folder, "256k") as disk:
        path = write_small_run(folder, epochs=6)
        expected = undisturbed(folder, path)
        filler = disk / "filler"
        filler.write_bytes(b"x" * 60_000)
        out = disk / "run"
        ended = Forked(folder, command, "train", path, "--out", out).end()
        assert is_said(ended), ended
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        assert not went_on(folder, path, out, expected)


def test_too_little_shared_memory(tmp_path: Path) -> None:
    """Loader processes hand their batches over in /dev/shm, which in containers has 64 MB."""
    enlarge = [{"resize": {"size": 512}}, "to_tensor"]
    spec = small_run(workers=2, epochs=1)
    spec["data"]["train"]["transforms"] = spec["data"]["val"]["transforms"] = enlarge
    spec["data"]["batch_size"] = 72
    spec["model"]["sequential"]["input"] = [1, 512, 512]
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(spec))
    train = [sys.executable, "-m", "registry_core", "train", str(path), "--out", str(tmp_path / "run")]
    private = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"', "sh"]
    if os.geteuid() != 0 or subprocess.run([*private, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    done = subprocess.run([*private, *train], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 5), done.stderr
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert "shared memory" in done.stderr or "/dev/shm" in done.stderr  # a part of a message
