"""`validate --data`: every planted fault is listed with section, number, file and reason, and nothing else is."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Ended
from pets import write_pets
from planted_faults import ARRAYS, ENTRY_POINTS, Planted, plant


@pytest.fixture
def planted(distribution: Callable[..., Path], tmp_path: Path) -> Planted:
    distribution("acme-arrays", ENTRY_POINTS, modules={"acme_arrays": ARRAYS})
    made = plant(tmp_path / "data")
    (tmp_path / "pipeline.json").write_text(json.dumps(made.pipeline()))
    return made


def test_all_of_fifty_faults_are_listed(planted: Planted, command: Callable[..., Ended], tmp_path: Path) -> None:
    assert len(planted.faults) == 50
    ended = command("validate", tmp_path / "pipeline.json", "--data", "--json")
    assert ended.code == 2
    (report,) = json.loads(ended.out)["data"].values()
    found: dict[tuple[str, int | None, str], dict[str, str]] = {}
    for one in report["faults"]:
        found.setdefault((one["section"], one["index"], one["path"]), {})[one["kind"]] = one["message"]
    assert found.pop(("train", None, "")) == {"empty_class": "No sample has the class 5 ('fly')."}
    assert found.keys() == planted.faults.keys()
    for key, (kind, word) in planted.faults.items():
        assert word in found[key][kind], key
    for name, classes in (("train", "01234"), ("val", "012345"), ("test", "012345")):
        assert list(report["sections"][name]["classes"]) == list(classes), name
    assert {name: one["samples"] for name, one in report["sections"].items()} == {"train": 600, "val": 360, "test": 40}


def test_the_first_fault_is_told_at_once(planted: Planted, tmp_path: Path) -> None:
    """In a process of its own, as users start it: the first of each kind as it is found, within 10 s of CPU time."""
    site = tmp_path / "site-acme-arrays-1.0"
    code = "from registry_core.cli.main import main; main()"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    environment["PYTHONPATH"] = os.pathsep.join([str(site), *sys.path])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = ["validate", str(tmp_path / "pipeline.json"), "--data"]
    ended = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10
    assert ended.returncode == 2
    lines = ended.stderr.splitlines()
    first_words = ("fly", "decoded", "label 6", "infinite")
    kinds = [lines.index(next(line for line in lines if word in line)) for word in first_words]
    assert kinds == sorted(kinds)
    assert kinds[-1] < lines.index(next(line for line in lines if line.startswith("read 1,000 samples in ")))
    out = ended.stdout
    assert "error: samples that cannot be read: 28\n" in out
    assert "  and 23 more\n" in out
    assert "error: values that are not finite: 6\n" in out
    assert "data.train: 600 samples of image_folder, 24 of which cannot be read\n" in out


def test_what_a_right_pipeline_has(command: Callable[..., Ended], pipeline: Callable[..., Path]) -> None:
    ended = command("validate", pipeline(), "--data")
    assert ended.code == 0
    assert "data.train: 359 samples of digits\n  images: L; 8 x 8\n  classes: 10 of 10 occur" in ended.out
    assert "remark: images of one section that are also in another: 359\n" in ended.out
    assert "data.val[4]: It is the same image as data.train[4].\n  and 354 more\n0 errors, 359 remarks\n" in ended.out


def test_data_are_not_read_if_the_file_is_wrong(command: Callable[..., Ended], pipeline: Callable[..., Path]) -> None:
    ended = command("validate", pipeline(loss="cross_entropi"), "--data")
    assert ended.code == 2
    assert "The data were not read. Correct the file first." in ended.err
    assert "Did you mean 'cross_entropy'?" in ended.err


def test_the_report_in_the_docs_is_real(
    command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pets(tmp_path)
    monkeypatch.chdir(tmp_path)
    ended = command("validate", "pets.yaml", "--data")
    page = (ROOT / "docs" / "data.md").read_text()
    shown = page.partition("$ registry-core validate pets.yaml --data\n")[2].partition("```")[0]
    assert ended.out.replace(str(tmp_path), "/data") == shown
    assert ended.code == 2
