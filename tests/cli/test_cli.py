"""The commands, as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Ended, sentences
from example_files import EXAMPLES, overrides_of
from PIL import Image
from sklearn.datasets import load_digits

from registry_core.catalog import KINDS, installed
from registry_core.cli.main import COMMANDS
from registry_core.engine.trained import TrainedModel


@pytest.mark.parametrize("name", [name for names in COMMANDS.values() for name in names])
def test_every_command_has_help_with_an_example(command: Callable[..., Ended], name: str) -> None:
    ended = command(name, "--help")
    assert ended.code == 0
    assert f"Example: registry-core {name}" in ended.out.replace("\n", " ")


def test_the_help_says_in_one_line_what_each_command_does(command: Callable[..., Ended]) -> None:
    out = command("--help").out
    for name in (name for names in COMMANDS.values() for name in names):
        (line,) = [line for line in out.splitlines() if line.startswith(f"  {name} ")]
        assert line.removeprefix(f"  {name}").strip()[:1].isupper(), line
        assert "None" not in line


def test_the_help_documents_the_exit_codes(command: Callable[..., Ended]) -> None:
    out = command("--help").out
    for code in ("0", "2", "3", "4", "5", "130, 143"):
        assert f"\n    {code}" in out or f"\n  {code}" in out, out


def test_list_as_json(command: Callable[..., Ended]) -> None:
    found = json.loads(command("list", "--json").out)
    assert {"kind", "name", "distribution", "version", "target"} <= set(found[0])
    assert len(found) == len(installed().records)
    assert {one["kind"] for one in found} <= set(KINDS)
    losses = json.loads(command("list", "loss", "--json").out)
    assert {"cross_entropy", "mse", "l1", "bce_with_logits"} <= {one["name"] for one in losses}


def test_show(command: Callable[..., Ended]) -> None:
    out = command("show", "loss/cross_entropy").out
    assert "label_smoothing" in out
    assert ">= 0, <= 1" in out
    facts = json.loads(command("show", "optimizer/sgd", "--json").out)
    assert {"lr", "momentum", "nesterov"} <= {parameter["name"] for parameter in facts["parameters"]}


def test_every_component_can_be_shown(command: Callable[..., Ended]) -> None:
    for record in installed().records:
        ended = command("show", f"{record.kind}/{record.name}")
        assert ended.code == 0
        assert record.name in ended.out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["show", "loss/cross_entropi"], "Did you mean 'cross_entropy'"),
        (["show", "los/mse"], "Did you mean 'loss'"),
        (["show", "mse"], "KIND/NAME"),
        (["train"], "Name a pipeline FILE"),
        (["trian"], "No such command"),
        (["list", "losses"], "losses"),
        (["eval", "absent"], "neither a run directory nor a checkpoint"),
        (["predict", "absent", "x.png"], "neither a run directory nor a checkpoint"),
        (["train", "--resume", "absent"], "not a run directory"),
        (["index", "absent"], "absent"),
    ],
)
def test_mistakes_on_the_command_line(command: Callable[..., Ended], arguments: list[str], word: str) -> None:
    ended = command(*arguments)
    assert ended.code in (2, 4, 5)
    assert word in ended.err
    assert "Traceback" not in ended.err


def test_validate_says_where_and_what(command: Callable[..., Ended], pipeline: Callable[..., Path]) -> None:
    good, bad = pipeline(name="good"), pipeline(name="bad", loss="cross_entropi", train={"epoch": 3})
    ended = command("validate", good, bad)
    assert ended.code == 2
    assert f"{good}: no problems." in ended.out
    assert len(sentences(ended)) == 2
    assert ended.err.endswith(f"registry-core validate --fix {good} {bad} corrects 2 of 2.\n")
    found = json.loads(command("validate", bad, "--json").out)
    assert {problem["path"] for problem in found} == {"loss", "train.epoch"}
    assert all((problem["line"] == 1 and problem["remedy"]) or problem["message"] for problem in found)
    assert command("validate", good).code == 0


def test_plan(command: Callable[..., Ended], pipeline: Callable[..., Path]) -> None:
    path = pipeline(train={"epochs": 2})
    out = command("plan", path).out
    assert "359 samples" in out or "360 samples" in out
    facts = json.loads(command("plan", path, "--json", "--build").out)
    assert facts["total_steps"] == 12
    operations = {
        operation["name"]: (stage["unit"], operation)
        for stage in facts["sections"]["train"]["stages"]
        for operation in stage["operations"]
    }
    image = {"form": "float", "channels": 1, "height": 8, "width": 8, "low": 0.0, "high": 1.0}
    transform = {"action": "transform", "name": "to_tensor", **image, "batch_form": True}
    assert operations["to_tensor"] == ("batch", transform)
    assert sum(group["numbers"] for group in facts["parameter_groups"]) == 64 * 16 + 16 + 16 * 10 + 10


@pytest.fixture
def trained(command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path) -> Path:
    hooks = [{"checkpoint": {"best": "val/accuracy"}}]
    path = pipeline(
        data__train={"dataset": {"digits": {"split": "train"}}, "transforms": ["to_tensor"]},
        train={"epochs": 8, "ema": {"decay": 0.5}},
        hooks=hooks,
    )
    assert command("train", path, "--out", tmp_path / "run").code == 0
    return tmp_path / "run"


def test_eval_measures_what_the_run_measured(command: Callable[..., Ended], trained: Path) -> None:
    last = json.loads((trained / "metrics.jsonl").read_text().splitlines()[-1])
    found = json.loads(command("eval", trained, "--json").out)
    assert found["val/accuracy"] == last["val/accuracy"]
    assert found["val/loss"] == last["val/loss"]
    best = json.loads((trained / "summary.json").read_text())["metrics"]["val/accuracy"]
    found = json.loads(command("eval", trained, "--best", "--json").out)
    assert found["val/accuracy"] == best["best"]
    checkpoint = trained / "checkpoints" / (trained / "checkpoints" / "latest").read_text()
    assert json.loads(command("eval", checkpoint, "--data", "train", "--json").out)["samples"] > 1400
    assert command("eval", trained, "--data", "test").code == 5


def test_predict_names_the_digit(command: Callable[..., Ended], trained: Path, tmp_path: Path) -> None:
    images, labels = load_digits(return_X_y=True)
    paths = []
    for index in range(4, 54, 5):
        paths.append(tmp_path / f"{index}.png")
        Image.fromarray((images[index].reshape(8, 8) * 255 // 16).astype(np.uint8)).save(paths[-1])
    found = json.loads(command("predict", trained, *paths, "--top", "3", "--json").out)
    right = [one["classes"][0]["class"] == labels[index] for one, index in zip(found, range(4, 54, 5), strict=True)]
    assert sum(right) >= 8
    assert [len(one["classes"]) for one in found] == [3] * 10
    (tmp_path / "bad.png").write_bytes(b"not an image")
    ended = command("predict", trained, tmp_path / "bad.png")
    assert ended.code == 2
    assert "bad.png" in ended.err
    Image.new("L", (9, 7)).save(tmp_path / "large.png")
    ended = command("predict", trained, tmp_path / "large.png")
    assert ended.code == 5
    assert (
        "large.png' does not fit: The model 'mlp' expects images of 8 x 8 pixels, but the images are 7 x 9" in ended.err
    )


def test_predict_turns_images_as_their_tags_say(command: Callable[..., Ended], trained: Path, tmp_path: Path) -> None:
    digit = Image.fromarray((load_digits().images[4] * 255 // 16).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 3
    digit.save(tmp_path / "upright.png")
    digit.transpose(Image.Transpose.ROTATE_180).save(tmp_path / "turned.png", exif=exif)
    paths = (tmp_path / "upright.png", tmp_path / "turned.png")
    upright, turned = json.loads(command("predict", trained, *paths, "--top", "10", "--json").out)
    assert turned["classes"] == upright["classes"]


def test_predict_reads_files_as_the_data_set_of_the_run(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (8, 8), dtype=np.uint16)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(deep).save(tmp_path / "deep.png", exif=exif)
    (tmp_path / "index.txt").write_text("deep.png 0\ndeep.png 1\n")
    dataset = {"index": str(tmp_path / "index.txt"), "mode": "L16", "orientation": "stored", "classes": 10}
    section = {"dataset": {"image_index": dataset}, "transforms": [], "batch_transforms": []}
    changes = {"data__train": section, "data__val": section, "data__batch_size": 2, "train__max_steps": 1}
    ended = command("train", pipeline(**changes), "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    ended = command("predict", tmp_path / "run", tmp_path / "deep.png", "--top", "10", "--json")
    assert ended.code == 0, ended.err
    found = {one["class"]: one["probability"] for one in json.loads(ended.out)[0]["classes"]}
    logits = TrainedModel.open(tmp_path / "run").model(torch.from_numpy(deep / np.float32(65535))[None, None])
    assert [found[n] for n in range(10)] == pytest.approx(logits[0].softmax(-1).tolist(), abs=1e-6)


def of_forms(command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path, **changes: Any) -> Ended:
    """Predict for a black image with a run of two steps."""
    Image.new("L", (8, 8)).save(tmp_path / "black.png")
    assert command("train", pipeline(train__max_steps=2, **changes), "--out", tmp_path / "run").code == 0
    return command("predict", tmp_path / "run", tmp_path / "black.png", "--top", "10", "--json")


def test_predict_gives_each_of_several_classes_its_own_probability(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    dataset = {"multi_label": {"dataset": "digits", "cells": 1, "shift": 0, "length": 64}}
    section = {"dataset": dataset, "transforms": ["to_tensor"]}
    changes = {"data__train": section, "data__val": section, "loss": "bce_with_logits", "metrics": []}
    ended = of_forms(command, pipeline, tmp_path, **changes)
    (predicted,) = json.loads(ended.out)
    model = TrainedModel.open(tmp_path / "run").model
    logits = model(torch.zeros(1, 1, 8, 8))[0].detach()
    found = {one["class"]: one["probability"] for one in predicted["classes"]}
    assert [found[label] for label in range(10)] == pytest.approx((1 / (1 + torch.exp(-logits))).tolist(), abs=1e-6)


def test_predict_refuses_what_is_no_class(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    section = {"dataset": {"rotated": {"dataset": "digits", "unit": "sin_cos"}}, "transforms": ["to_tensor"]}
    model = {"mlp": {"size": 8, "num_classes": 2}}
    changes = {"data__train": section, "data__val": section, "loss": "mse", "metrics": [], "model": model}
    ended = of_forms(command, pipeline, tmp_path, **changes)
    assert ended.code == 5
    assert "The model was trained on values, not on classes of images." in ended.err


def test_the_run_directory(trained: Path) -> None:
    environment = json.loads((trained / "environment.json").read_text())
    assert environment["torch"] == torch.__version__
    plugin = environment["plugins"]["registry-core"]
    assert {"dataset/digits", "model/mlp", "optimizer/sgd"} <= set(plugin["components"])
    assert len(plugin["sha256"]) == 64
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    epochs = [row for row in rows if "val/loss" in row]
    assert [row["epoch"] for row in epochs] == list(range(1, 9))
    assert set(rows[0]) == {"step", "epoch", "train/loss", "val/loss", "val/accuracy", "lr"}
    summary = json.loads((trained / "summary.json").read_text())
    assert summary["steps"] == rows[-1]["step"]
    assert summary["metrics"]["val/loss"]["best"] == min(row["val/loss"] for row in epochs)
    assert summary["metrics"]["val/accuracy"]["last"] == rows[-1]["val/accuracy"]
    assert summary["images"] == 8 * 1437 or summary["images"] == 8 * 1438
    assert summary["images_per_second"] > 0


def test_the_resolved_spec_is_a_pipeline_that_trains_the_same(
    command: Callable[..., Ended], trained: Path, tmp_path: Path
) -> None:
    assert command("train", trained / "pipeline.json", "--out", tmp_path / "again").code == 0
    assert (tmp_path / "again" / "metrics.jsonl").read_text() == (trained / "metrics.jsonl").read_text()
    assert json.loads((tmp_path / "again" / "pipeline.json").read_text()) == json.loads(
        (trained / "pipeline.json").read_text()
    )


def test_index_and_train_on_it(command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path) -> None:
    images, labels = load_digits(return_X_y=True)
    for number in range(60):
        folder = tmp_path / "photos" / f"digit {labels[number]}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((images[number].reshape(8, 8) * 15).astype(np.uint8)).save(folder / f"{number}.png")
    ended = command("index", tmp_path / "photos")
    assert ended.code == 0
    assert "digit 3" in ended.out
    index = {"image_index": {"index": str(tmp_path / "photos" / "index.txt"), "mode": "L"}}
    folder_data = {"image_folder": {"root": str(tmp_path / "photos"), "mode": "L"}}
    for number, dataset in enumerate((index, folder_data)):
        path = pipeline(data={"train": {"dataset": dataset, "transforms": ["to_tensor"]}, "batch_size": 20}, metrics=[])
        assert command("train", path, "--out", tmp_path / f"run-{number}").code == 0
    weights = [
        (tmp_path / f"run-{n}" / "checkpoints" / "step-00000003" / "model.safetensors").read_bytes() for n in (0, 1)
    ]
    assert weights[0] == weights[1]


def test_default_run_directories_count_up(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pipeline()
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        assert f"runs/pipeline-{number}" in command("train", path).out


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_right(command: Callable[..., Ended], example: Path, mnist: Path | None) -> None:
    options = [part for override in overrides_of(example, mnist) for part in ("--set", override)]
    ended = command("validate", example, *options)
    assert ended.code == 0, ended.err
