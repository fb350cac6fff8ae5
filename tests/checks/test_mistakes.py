"""Mistakes in a pipeline and its data: all at once, before the run or in it. Those of single files: tests/mistakes."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ended, sentences
from PIL import Image

from registry_core.diagnostics import PipelineError
from registry_core.loaded import load
from registry_core.planning.make import make_plan

GOOD = """\
version: 1
data:
  train:
    dataset: {digits: {split: train}}
    transforms:
      - {random_crop: {size: 8, padding: 1}}
      - to_tensor
      - {normalize: {mean: [0.3], std: [0.4]}}
  val:
    dataset: {digits: {split: val}}
    transforms: [to_tensor, {normalize: {mean: [0.3], std: [0.4]}}]
  batch_size: 64
model: {mlp: {size: 8, num_classes: 10}}
loss: cross_entropy
optim:
  optimizer: {sgd: {lr: 0.1, momentum: 0.9}}
  groups: [{parameters: '.*.bias', lr: 0.01}]
  scheduler: {step: {step_size: 1}}
train: {epochs: 2}
metrics: [accuracy]
hooks: [{early_stopping: {monitor: val/loss}}]
"""


def test_the_pipeline_without_a_mistake_is_right(pipeline: Callable[..., Path]) -> None:
    assert load(pipeline(GOOD)).spec.model.name == "mlp"


def test_a_plan_without_validation_says_so(pipeline: Callable[..., Path]) -> None:
    train = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]}
    (decision,) = [d for d in make_plan(load(pipeline(data={"train": train}))).decisions if d.about == "evaluation"]
    assert decision.choice == "none while training; metrics are measured by `registry-core eval` alone"


def test_all_mistakes_at_once(pipeline: Callable[..., Path]) -> None:
    text = GOOD
    for old, new in {
        "- to_tensor\n": "- to_tenser\n",
        "optimizer: {sgd": "optimizer: {sdg",
        "train: {epochs": "train: {epoch",
        "batch_size: 64": "batch_size: '64'",
        "num_classes: 10": "num_classes: 100",
        "transforms: [to_tensor,": "transforms: [to_tensor, to_tensor,",
        "monitor: val/loss": "monitor: val/los",
    }.items():
        text = text.replace(old, new, 1)
    with pytest.raises(PipelineError) as refused:
        load(pipeline(text))
    assert [problem.place.line for problem in refused.value.problems if problem.place] == [7, 11, 12, 13, 16, 19, 21]


def idx(folder: Path, labels: list[int], name: str = "train") -> None:
    """MNIST files of a few small images."""
    images = np.zeros((len(labels), 28, 28), np.uint8)
    with gzip.open(folder / f"{name}-images-idx3-ubyte.gz", "wb") as file:
        file.write(struct.pack(">IIII", 2051, len(labels), 28, 28) + images.tobytes())
    with gzip.open(folder / f"{name}-labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">II", 2049, len(labels)) + bytes(labels))


def indexed(folder: Path, lines: list[str], **parameters: Any) -> dict[str, Any]:
    """An image_index data set of a small image ``good.png`` and the lines given."""
    Image.new("L", (8, 8), 100).save(folder / "good.png")
    (folder / "index.txt").write_text("\n".join(lines) + "\n")
    dataset = {"image_index": {"index": str(folder / "index.txt"), "mode": "L", "classes": 10, **parameters}}
    return {"train": {"dataset": dataset, "transforms": ["to_tensor"]}, "batch_size": 2}


def train(command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path, **changes: Any) -> Ended:
    return command("train", pipeline(**changes), "--out", tmp_path / "run")


def one_message(ended: Ended, *words: str) -> None:
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err
    assert len(sentences(ended)) == 1, ended.err
    for word in words:
        assert word in ended.err


def test_a_missing_file(command: Callable[..., Ended], tmp_path: Path) -> None:
    one_message(command("train", tmp_path / "absent.yaml"), "absent.yaml", "does not exist")
    one_message(command("validate", tmp_path / "absent.yaml"), "absent.yaml", "does not exist")


def test_broken_yaml(command: Callable[..., Ended], pipeline: Callable[..., Path]) -> None:
    one_message(
        command("train", pipeline("data: [1,\nmodel: x\n")), "pipeline.yaml:1:7", "not valid YAML", "Close this ["
    )


def test_an_index_whose_image_is_missing(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    ended = train(command, pipeline, tmp_path, data=indexed(tmp_path, ["good.png 1", "gone.png 2"]))
    one_message(ended, "gone.png", "2")


def test_a_label_outside_the_classes(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    ended = train(command, pipeline, tmp_path, data=indexed(tmp_path, ["good.png 1", "good.png 12"]))
    one_message(ended, "12", "index.txt:2")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_does_not_decode(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path, workers: int
) -> None:
    data = indexed(tmp_path, ["good.png 1", "bad.png 2"])
    (tmp_path / "bad.png").write_bytes((tmp_path / "good.png").read_bytes()[:50])
    ended = train(command, pipeline, tmp_path, data={**data, "workers": workers})
    one_message(ended, "bad.png", "decode")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_label_that_only_the_run_sees(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path, workers: int
) -> None:
    idx(tmp_path, [0, 1, 2, 11])
    section = {"dataset": {"mnist": {"root": str(tmp_path)}}, "transforms": ["to_tensor"]}
    data = {"train": section, "workers": workers}
    ended = train(command, pipeline, tmp_path, data=data, model={"mlp": {"size": 28, "num_classes": 10}})
    one_message(ended, "label 11", "0 to 9")


def test_a_label_beyond_the_outputs_of_the_model(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    data = indexed(tmp_path, ["good.png 1", "good.png 7"], classes=None)
    assert load(pipeline(data=data, metrics=[])).spec.model.num_outputs() == 10
    with pytest.raises(PipelineError, match=r"5 outputs, but data.train has the label 7.*num_classes to 8"):
        load(pipeline(data=data, metrics=[], model={"mlp": {"size": 8, "num_classes": 5}}))


@pytest.mark.parametrize("workers", [0, 1])
def test_images_of_several_sizes(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path, workers: int
) -> None:
    data = indexed(tmp_path, ["good.png 1", "large.png 2"])
    Image.new("L", (9, 9)).save(tmp_path / "large.png")
    one_message(train(command, pipeline, tmp_path, data={**data, "workers": workers}), "do not make a batch", "resize")


def test_data_that_are_not_there(command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path) -> None:
    for dataset in (
        {"mnist": {"root": "absent"}},
        {"image_folder": {"root": "absent"}},
        {"image_index": {"index": "absent"}},
    ):
        data = {"train": {"dataset": dataset, "transforms": ["to_tensor"]}}
        one_message(train(command, pipeline, tmp_path, data=data), "absent")


def test_a_folder_that_is_taken(command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("precious")
    ended = train(command, pipeline, tmp_path)
    assert ended.code == 5
    assert "not empty" in ended.err
    assert "--resume" in ended.err


def test_rules_that_match_nothing(command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path) -> None:
    rules = [{"modules": "Conv9d", "weight": "xavier_normal"}]
    one_message(train(command, pipeline, tmp_path, init=rules), "init[0]", "Conv9d")
    groups = {"optimizer": "sgd", "groups": [{"parameters": "backbone.*", "lr": 0.1}]}
    one_message(train(command, pipeline, tmp_path, optim=groups), "optim.groups[0]", "backbone")


@pytest.mark.parametrize("loss", ["mse", "l1", "bce_with_logits"])
def test_a_loss_that_wants_other_targets(pipeline: Callable[..., Path], loss: str) -> None:
    with pytest.raises(PipelineError, match="class indices"):
        load(pipeline(loss=loss))


def test_more_steps_than_the_default_epoch(pipeline: Callable[..., Path]) -> None:
    with pytest.raises(
        PipelineError, match=r"train.max_steps: The run ends after 1 epoch, 6 steps.* Set epochs to 4\."
    ):
        load(pipeline(train={"max_steps": 20}))
    assert load(pipeline(train={"max_steps": 20, "epochs": 2})).spec.train.max_steps == 20  # a bound, and meant as one
    assert load(pipeline(train={"max_steps": 6})).spec.train.max_steps == 6


def test_embeddings_are_no_scores(pipeline: Callable[..., Path]) -> None:
    pairs = {"dataset": {"pairs": {"dataset": {"digits": {"split": "val"}}, "targets": "order"}}}
    section = {**pairs, "transforms": ["to_tensor"]}
    network = {"network": {"mlp": {"size": 8, "num_classes": 16}}}
    with pytest.raises(PipelineError, match="expects values, but the model emits embeddings"):
        load(pipeline(data__train=section, data__val=None, model={"pair": network}, loss="margin_ranking", metrics=[]))


def test_a_metric_has_no_weights_to_train(pipeline: Callable[..., Path]) -> None:
    loss = {"adaptive_log_softmax": {"in_features": 10, "n_classes": 10, "cutoffs": [5]}}
    with pytest.raises(PipelineError, match="has trained parameters"):
        load(pipeline(metrics=[{"mean_loss": {"loss": loss}}]))


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("loss:", "init:\n  - {modules: Absent, weight: zeros}\nloss:", ":15:15: init[0].modules: "),
        ("loss:", "finetune: {freeze: ['absent']}\nloss:", ":14:21: finetune.freeze[0]: "),
    ],
)
def test_mistakes_that_only_the_built_model_shows_have_a_place(
    command: Callable[..., Ended],
    pipeline: Callable[..., Path],
    distribution: Callable[..., Path],
    old: str,
    new: str,
    where: str,
) -> None:
    text = "from torch import nn\n\n\nclass Plain(nn.Sequential):\n    def __init__(self):\n"
    text += "        super().__init__(nn.Flatten(), nn.Linear(64, 10))\n"
    distribution("acme", "[registry_core.v1.models]\nplain = acme_model:Plain\n", modules={"acme_model": text})
    path = pipeline(GOOD.replace(old, new, 1).replace("model: {mlp: {size: 8, num_classes: 10}}", "model: plain"))
    assert command("validate", path).code == 0
    for ended in (command("plan", "--build", path), command("train", path)):
        assert ended.code == 2
        assert ended.err.startswith(f"{path}{where}"), ended.err
