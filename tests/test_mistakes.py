"""Mistakes in a pipeline: each is found before the run, with its place and a remedy, and all of them at once."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ended
from PIL import Image

from registry_core.errors import PipelineError
from registry_core.plan.make import make_plan
from registry_core.spec import load

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
    transforms: [to_tensor]
  batch_size: 64
model: {mlp: {size: 8, num_classes: 10}}
loss: cross_entropy
optim:
  optimizer: {sgd: {lr: 0.1, momentum: 0.9}}
  groups: [{parameters: 'nothing', lr: 0.01}]
  scheduler: {step: {step_size: 1}}
train: {epochs: 2}
metrics: [accuracy]
hooks: [{early_stopping: {monitor: val/loss}}]
"""

MISTAKES = [
    ("optimizer: {sgd", "optimizer: {sdg", "16:14", "Did you mean 'sgd'"),
    ("- to_tensor\n", "- to_tenser\n", "7:9", "Did you mean 'to_tensor'"),
    ("momentum: 0.9", "momentun: 0.9", "16:30", "Did you mean 'momentum'"),
    ("train: {epochs", "train: {epoch", "19:9", "Did you mean 'epochs'"),
    ("batch_size: 64", "batchsize: 64", "12:3", "Did you mean 'batch_size'"),
    ("hooks: [", "hook: [", "21:1", "Did you mean 'hooks'"),
    ("lr: 0.1, m", "lr: '0.1', m", "16:25", "without quotes"),
    ("lr: 0.1, m", "lr: true, m", "16:25", "Expected a number"),
    ("lr: 0.1, m", "lr: -0.1, m", "16:25", "greater than 0"),
    ("epochs: 2", "epochs: 2.5", "19:17", "whole number"),
    ("epochs: 2", "epochs: 0", "19:17", "at least 1"),
    ("size: 8, padding: 1", "size: [8], padding: 1", "6:30", "height, width"),
    ("size: 8, padding: 1", "padding: 1", "6:10", "needs the parameter 'size'"),
    ("loss: cross_entropy", "loss: {cross_entropy: {reduction: avg}}", "14:35", "'mean'"),
    ("loss: cross_entropy", "loss: {multi_margin: {p: true}}", "14:26", "'true' is not one of 1 or 2"),
    ("loss: cross_entropy", "loss: kl_div", "14:7", "Add one_hot"),
    ("loss: cross_entropy", "loss: {triplet_margin_with_distance: {distance: invert}}", "14:49", "cosine_distance"),
    ("scheduler: {step: {step_size: 1}}", "scheduler: {lambda: {lr_lambda: invert}}", "18:35", "power_decay"),
    (
        "scheduler: {step: {step_size: 1}}",
        "scheduler: {multiplicative: {lr_lambda: [power_decay: {base: 0.9}, p_distance]}}",
        "18:43",
        "for distances; name one for learning rates",
    ),
    (
        "scheduler: {step: {step_size: 1}}",
        "scheduler: {cyclic: {base_lr: 0.2, max_lr: 0.1, step_size_up: 2}}",
        "18:23",
        "base_lr must not be above max_lr",
    ),
    ("- to_tensor\n", "- {lambda: {function: p_distance}}\n", "7:29", "name one for images"),
    ("model: {mlp: {size: 8", "model: {torchvision_model: {arch: resnet", "13:35", "not one of the 80 there are"),
    ("loss: cross_entropy", "loss: [cross_entropy]", "14:7", "Expected a loss"),
    ("loss: cross_entropy", "loss: accuracy", "14:7", "'accuracy' is a metric"),
    ("loss: cross_entropy\n", "", "1:1", "'loss' is missing"),
    ("version: 1", "version: 2", "1:10", "not one of 1"),
    ("size: 8, padding: 1", "size: 12, padding: 1", "6:9", "does not fit"),
    ("transforms: [to_tensor]", "transforms: [to_tensor, to_tensor]", "11:29", "second to_tensor"),
    ("transforms: [to_tensor]", "transforms: []", "11:17", "to_tensor"),
    ("      - to_tensor\n", "", "7:9", "Put to_tensor before"),
    ("mean: [0.3], std: [0.4]", "mean: [0.3, 0.3, 0.3], std: [0.4, 0.4, 0.4]", "8:9", "channel"),
    ("mean: [0.3], std: [0.4]", "mean: [0.3], std: [0]", "8:41", "greater than 0"),
    ("num_classes: 10", "num_classes: 100", "13:8", "num_classes to 10"),
    ("mlp: {size: 8", "mlp: {size: 8, in_channels: 3", "13:8", "in_channels"),
    ("mlp: {size: 8", "mlp: {size: 28", "13:8", "8"),
    ("step_size: 1", "step_size: 30", "18:33", "epochs"),
    ("monitor: val/loss", "monitor: val/los", "21:36", "Did you mean 'val/loss'"),
    ("{parameters: 'nothing', lr", "{parameters: '(', lr", "17:25", "regular expression"),
    ("'nothing', lr: 0.01", "'nothing', lrr: 0.01", "17:36", "Did you mean 'lr'"),
    ("'nothing', lr: 0.01", "'nothing', lr: -1", "17:40", "greater than 0"),
    ("metrics: [accuracy]", "metrics: [accuracy, accuracy]", "20:21", "Another metric"),
    ("batch_size: 64", "batch_size: 2000\n  drop_last: true", "12:15", "smaller batch_size"),
    ("train: {epochs: 2}", "train: {epochs: 2, device: cpu, precision: fp16}", "19:8", "bf16"),
    ("train: {epochs: 2}", "train: {epochs: 2, clip: {}}", "19:26", "norm"),
    ("train: {epochs: 2}", "train: {epochs: 2, log_every: often}", "19:31", "'1 epoch'"),
]


@pytest.mark.parametrize(("old", "new", "where", "word"), MISTAKES, ids=[str(n) for n in range(len(MISTAKES))])
def test_one_mistake(pipeline: Callable[..., Path], old: str, new: str, where: str, word: str) -> None:
    assert GOOD.count(old) >= 1
    path = pipeline(GOOD.replace(old, new, 1))
    with pytest.raises(PipelineError) as refused:
        load(path)
    (problem,) = refused.value.problems
    assert str(problem.place) == f"{path}:{where}", str(problem)
    assert word in f"{problem.message} {problem.remedy}"


def test_the_pipeline_without_a_mistake_is_right(pipeline: Callable[..., Path]) -> None:
    assert load(pipeline(GOOD)).model.name == "mlp"


def test_a_plan_without_validation_says_so(pipeline: Callable[..., Path]) -> None:
    train = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]}
    (decision,) = [d for d in make_plan(load(pipeline(data={"train": train}))).decisions if d.about == "evaluation"]
    assert decision.choice == "none while training; metrics are measured by `registry-core eval` alone"


def test_all_mistakes_at_once(pipeline: Callable[..., Path]) -> None:
    text = GOOD
    chosen = [MISTAKES[n] for n in (1, 2, 3, 6, 12, 25, 28, 32)]
    for old, new, _, _ in chosen:
        text = text.replace(old, new, 1)
    with pytest.raises(PipelineError) as refused:
        load(pipeline(text))
    lines = [problem.place.line for problem in refused.value.problems if problem.place]
    assert lines == sorted(lines)
    assert len(lines) >= 6


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
    assert len(ended.err.strip().splitlines()) == 1, ended.err
    for word in words:
        assert word in ended.err


def test_a_missing_file(command: Callable[..., Ended], tmp_path: Path) -> None:
    one_message(command("train", tmp_path / "absent.yaml"), "absent.yaml", "does not exist")
    one_message(command("validate", tmp_path / "absent.yaml"), "absent.yaml", "does not exist")


def test_broken_yaml(command: Callable[..., Ended], pipeline: Callable[..., Path]) -> None:
    one_message(command("train", pipeline("data: [1,\nmodel: x\n")), "pipeline.yaml:3", "not valid YAML")


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
    assert load(pipeline(data=data, metrics=[])).model.outputs() == 10
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
    with pytest.raises(PipelineError, match="class numbers"):
        load(pipeline(loss=loss))


def test_more_steps_than_the_default_epoch(pipeline: Callable[..., Path]) -> None:
    with pytest.raises(
        PipelineError, match=r"train.max_steps: The run ends after 1 epoch, 6 steps.* Set epochs to 4\."
    ):
        load(pipeline(train={"max_steps": 20}))
    assert load(pipeline(train={"max_steps": 20, "epochs": 2})).train.max_steps == 20  # a bound, and meant as one
    assert load(pipeline(train={"max_steps": 6})).train.max_steps == 6


def test_embeddings_are_no_scores(pipeline: Callable[..., Path]) -> None:
    pairs = {"dataset": {"pairs": {"dataset": {"digits": {"split": "val"}}, "targets": "order"}}}
    section = {**pairs, "transforms": ["to_tensor"]}
    network = {"network": {"mlp": {"size": 8, "num_classes": 16}}}
    with pytest.raises(PipelineError, match="takes values, but the model emits embeddings"):
        load(pipeline(data__train=section, data__val=None, model={"pair": network}, loss="margin_ranking", metrics=[]))


def test_a_metric_has_no_weights_to_train(pipeline: Callable[..., Path]) -> None:
    loss = {"adaptive_log_softmax": {"in_features": 10, "n_classes": 10, "cutoffs": [5]}}
    with pytest.raises(PipelineError, match="has weights of its own"):
        load(pipeline(metrics=[{"mean_loss": {"loss": loss}}]))


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("loss: cross_entropy", "init:\n  - {modules: Absent, weight: zeros}\nloss: cross_entropy", ":15:5: init[0]: "),
        ("loss: cross_entropy", "finetune: {freeze: ['absent']}\nloss: cross_entropy", ":14:21: finetune.freeze[0]: "),
    ],
)
def test_mistakes_that_only_the_built_model_shows_have_a_place(
    command: Callable[..., Ended], pipeline: Callable[..., Path], old: str, new: str, where: str
) -> None:
    path = pipeline(GOOD.replace(old, new, 1))
    for ended in (command("plan", "--build", path), command("train", path)):
        assert ended.code == 2
        assert ended.err.startswith(f"{path}{where}"), ended.err
