"""Runs that skip faulty samples: repeatable, listed, and measured on the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faulty_images import FAULTY, LISTED, pipeline_of, write_folders, write_index

import registry_core
from registry_core.diagnostics import DataError
from registry_core.engine.trained import evaluate


@pytest.fixture
def spec(tmp_path: Path) -> dict[str, Any]:
    """A pipeline on faulty data."""
    return pipeline_of(write_folders(tmp_path / "train", FAULTY), write_index(tmp_path / "val", LISTED))


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Any]:
    """Train a pipeline in a folder of its own."""

    def start(name: str, spec: dict[str, Any], *overrides: str) -> Any:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(spec))
        return registry_core.train(registry_core.load(path, overrides), tmp_path / name)

    return start


def weights(result: Any) -> list[bytes]:
    """The bits of the trained weights."""
    return [value.numpy().tobytes() for value in result.pipeline.model.state_dict().values()]


def listed(result: Any) -> list[dict[str, Any]]:
    """The samples in skipped.jsonl."""
    return [json.loads(line) for line in (result.directory / "skipped.jsonl").read_text().splitlines()]


@pytest.mark.covers("section/data", reference="a run without loader processes and rewrites")
def test_runs_are_the_same_for_any_number_of_workers(spec: dict[str, Any], train: Callable[..., Any]) -> None:
    one = train("one", spec)
    others = [
        train("two", spec, "data.workers=2"),
        train("three", spec, "data.workers=1", "data.rewrites.batch_trailing_transforms=false"),
    ]
    for other in others:
        assert weights(other) == weights(one)
        assert listed(other) == listed(one)
        assert (other.directory / "metrics.jsonl").read_bytes() == (one.directory / "metrics.jsonl").read_bytes()
    assert {(each["section"], each["index"]) for each in listed(one)} == {
        *(("train", index) for index in FAULTY),
        *(("val", index) for index in LISTED),
    }
    assert len(listed(one)) == 10, "each once, not once an epoch"
    assert one.summary["skipped_samples"] == {"train": 5, "val": 5}


PREEMPTED = """
import os
import signal

from registry_core.components import hookimpl


class Preempted:
    def __init__(self, after: int = 0):
        self.after = after

    @hookimpl
    def step_ended(self, step):
        if step.position.step == self.after:
            os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_resumes_after_any_step_as_if_it_had_not_been_interrupted(
    spec: dict[str, Any], train: Callable[..., Any], distribution: Callable[..., Path], tmp_path: Path, workers: int
) -> None:
    distribution(
        "acme",
        "[registry_core.v1.hooks]\npreempted = parts_preempted:Preempted\n",
        modules={"parts_preempted": PREEMPTED},
    )
    spec["data"]["workers"] = workers
    whole = train("whole", spec)
    assert whole.position.step == 18
    for step in (1, 4, 8, 9, 10, 13):
        stopped = train(f"at-{step}", spec, f"hooks=[{{preempted: {{after: {step}}}}}]")
        assert stopped.position.step == step
        file = stopped.directory / "skipped.jsonl"
        if file.exists():
            file.write_text(file.read_text() + '{"index": "met after the checkpoint, before a kill"}\n')
        result = registry_core.resume(stopped.directory, registry_core.load(tmp_path / "whole.json"))
        assert result.summary["guarantee"] == "exact"
        assert weights(result) == weights(whole)
        assert listed(result) == listed(whole)
        assert result.summary["skipped_samples"] == whole.summary["skipped_samples"]
        assert (result.directory / "metrics.jsonl").read_bytes() == (whole.directory / "metrics.jsonl").read_bytes()


def test_an_evaluation_is_that_of_the_other_samples(
    spec: dict[str, Any], train: Callable[..., Any], tmp_path: Path
) -> None:
    result = train("run", spec, "data.batch_size=3")
    index = tmp_path / "val" / "index.txt"
    lines = index.read_text().splitlines()
    kept = [lines[0], *(line for number, line in enumerate(lines[1:]) if number not in LISTED)]
    found = evaluate(result.directory)
    assert (found["samples"], found["skipped_samples"]) == (24, 5)
    index.write_text("\n".join(kept) + "\n")
    wanted = evaluate(result.directory)
    assert (wanted["samples"], wanted.get("skipped_samples")) == (19, None)
    assert found["val/accuracy"] == wanted["val/accuracy"]
    assert found["val/loss"] == pytest.approx(wanted["val/loss"], rel=1e-6)
    assert found["val/loss"] == pytest.approx(result.metrics["val/loss"], rel=1e-12)


def test_an_evaluation_of_training_data_counts_no_sample_twice(
    spec: dict[str, Any], train: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    result = train("run", spec)
    capsys.readouterr()
    found = evaluate(result.directory, section="train")
    assert (found["samples"], found["skipped_samples"]) == (36, 5)
    told = capsys.readouterr().err
    assert all(f"data.train[{index}] is skipped: " in told for index in FAULTY), "there is no list to look them up in"


def test_more_than_may_be_skipped_ends_the_run_with_a_list(
    spec: dict[str, Any], train: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"More than 4 of 24 samples of data\.val are faulty") as ended:
        train("run", spec, "data.max_skipped=4", "data.train.dataset.image_folder.root=" + str(_whole(tmp_path)))
    assert ended.value.keys == ("data", "val")
    assert len((tmp_path / "run" / "skipped.jsonl").read_text().splitlines()) == 5


def _whole(tmp_path: Path) -> Path:
    return write_folders(tmp_path / "whole", {})


def test_a_run_that_a_faulty_sample_ended_goes_on_without_it(train: Callable[..., Any], tmp_path: Path) -> None:
    """As if it had skipped from the start: until then, it met no faulty sample."""
    spec = pipeline_of(write_folders(tmp_path / "train", {8: "truncated"}))
    spec["hooks"] = [{"checkpoint": {"every": "1 step"}}]
    whole = train("whole", spec)
    assert listed(whole)[0]["index"] == 8
    with pytest.raises(DataError, match="runcated"):
        train("stopped", spec, "data.on_error=stop", "data.max_skipped=null")
    assert list((tmp_path / "stopped" / "checkpoints").glob("step-*")), "it is not in the first batch"
    result = registry_core.resume(tmp_path / "stopped", registry_core.load(tmp_path / "whole.json"))
    assert result.summary["resumed_from_step"] > 0
    assert result.summary["guarantee"] == "exact"
    assert weights(result) == weights(whole)
    assert listed(result) == listed(whole)


def test_hooks_that_show_samples_do_not_fail(spec: dict[str, Any], train: Callable[..., Any]) -> None:
    spec["hooks"] = [{"tensorboard_images": {"section": "val", "count": 8}}]
    assert train("run", spec, "train.epochs=1").summary["hook_errors"] == []


def test_the_command_says_what_it_skipped(command: Callable[..., Any], spec: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(spec))
    plan = command("plan", path)
    assert "faulty samples of train: skipped, up to 5 samples, each replaced by the next one" in plan.out
    ended = command("train", path, "--out", tmp_path / "run")
    assert ended.code == 0
    assert f"skipped samples: 5 of 36 of data.train, 5 of 24 of data.val; listed in {tmp_path / 'run'}" in ended.out
    assert ended.err.count("is skipped: ") == 3
    assert ended.err.count("More samples are skipped, and listed in ") == 1
    assert command("validate", path, "--deep").code == 0
    assert "skipped_samples: 5\n" in command("eval", tmp_path / "run").out
