"""Runs start from the weights of a file: what fits is loaded, what does not is told, mistakes are found early."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Ended, sentences
from safetensors.torch import save_file
from torch import nn

import registry_core
from registry_core.diagnostics import PipelineError

NET = {"net": {"in_channels": 1, "size": 8, "padding": 2, "num_classes": 10}}
HEAD = [r"fc3\..*"]


class Net(nn.Module):
    """The network of ``model: net``, written by hand, for any number of classes."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5, padding=2)
        self.fc1 = nn.Linear(16 * 2 * 2, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)


@pytest.fixture
def start(pipeline: Callable[..., Path]) -> Callable[..., Any]:
    """The torch objects of a run that starts from a `finetune` section."""

    def built(finetune: dict[str, Any], **changes: Any) -> Any:
        from registry_core.assembly.pipeline import assemble
        from registry_core.planning.make import make_plan

        return assemble(make_plan(registry_core.load(pipeline(model=NET, finetune=finetune, **changes))))

    return built


def weights(classes: int = 10, seed: int = 5) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return {name: value.clone() for name, value in Net(classes).state_dict().items()}


def by_hand(tensors: dict[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
    """The state that the pipeline's model has after plain torch loaded what fits: keep the keys that fit, update."""
    torch.manual_seed(seed)
    model = Net()
    own = model.state_dict()
    own.update({name: value for name, value in tensors.items() if name in own and value.shape == own[name].shape})
    model.load_state_dict(own)
    return model.state_dict()


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return list(left) == list(right) and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.covers("section/finetune", reference="torch.nn.Module.load_state_dict of the keys that fit")
@pytest.mark.parametrize("form", ["safetensors", "pt", "entry", "renamed", "legacy"])
def test_what_fits_is_loaded(start: Callable[..., Any], tmp_path: Path, form: str) -> None:
    """finetune: a head of 7 classes stays out, all else has the file's bits."""
    tensors = weights(classes=7)
    path = tmp_path / f"weights.{form}"
    section: dict[str, Any] = {"weights": str(path), "strict": HEAD}
    if form == "safetensors":
        save_file(tensors, path)
    elif form == "renamed":
        save_file({f"backbone.{name.replace('conv', 'c')}": value for name, value in tensors.items()}, path)
        section["rename"] = [{"match": r"backbone\.(.*)", "to": r"\1"}, {"match": r"c(\d.*)", "to": r"conv\1"}]
    elif form == "entry":
        torch.save({"epoch": 3, "state_dict": tensors, "optimizer": {"state": {}}}, path)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=form == "pt")
    pipeline = start(section)
    assert same(pipeline.model.state_dict(), by_hand(tensors))
    assert not same(pipeline.model.state_dict(), by_hand({}))
    assert sorted(pipeline.weights.names("wrong shape")) == ["fc3.bias", "fc3.weight"]
    assert len(pipeline.weights.names("loaded")) == 8
    assert ("state_dict" in str(pipeline.weights)) == (form == "entry")


def test_weights_go_over_the_init_rules(start: Callable[..., Any], tmp_path: Path) -> None:
    save_file(weights(classes=7), tmp_path / "w.safetensors")
    rules = [{"parameters": ".*", "init": {"constant": {"value": 0.5}}}]
    pipeline = start({"weights": str(tmp_path / "w.safetensors"), "strict": HEAD}, init=rules)
    state = pipeline.model.state_dict()
    assert torch.equal(state["conv1.weight"], weights(classes=7)["conv1.weight"])
    assert torch.equal(state["fc3.weight"], torch.full((10, 84), 0.5))
    assert pipeline.init_report["conv1.weight"] == "finetune: w.safetensors"
    assert pipeline.init_report["fc3.weight"] == "init[0]: constant"


def test_one_of_several_entries(start: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"model": weights(seed=1), "model_ema": weights(seed=2)}, path)
    with pytest.raises(PipelineError, match=r"holds 2 sets of weights\. Choose one with `entry`: model, model_ema"):
        start({"weights": str(path)})
    assert same(start({"weights": str(path), "entry": "model_ema"}).model.state_dict(), weights(seed=2))
    with pytest.raises(PipelineError, match=r"no set of weights 'emma'\. It has: model, model_ema"):
        start({"weights": str(path), "entry": "emma"})


@pytest.mark.parametrize("ema", [False, True])
def test_the_checkpoint_of_a_run(
    start: Callable[..., Any], pipeline: Callable[..., Path], tmp_path: Path, ema: bool
) -> None:
    """A run directory, a checkpoint and the file in it are the same; averaged weights go before the trained ones."""
    train = {"epochs": 1, "ema": {"decay": 0.5} if ema else None}
    trained = registry_core.train(registry_core.load(pipeline(model=NET, train=train)), tmp_path / "run").pipeline
    expected = trained.averaged.module.state_dict() if ema else trained.model.state_dict()
    (checkpoint,) = (tmp_path / "run" / "checkpoints").glob("step-*")
    file = checkpoint / ("averaged.safetensors" if ema else "model.safetensors")
    for path in (tmp_path / "run", checkpoint, file, checkpoint.parent / "latest"):
        assert same(start({"weights": str(path)}).model.state_dict(), expected), path
    with file.open("r+b") as damaged:
        damaged.seek(-4, 2)
        damaged.write(b"\1\2\3\4")
    with pytest.raises(registry_core.diagnostics.CheckpointError, match="is damaged"):  # type: ignore[attr-defined]  # loaded above
        start({"weights": str(file)})


def test_a_file_of_a_distribution(start: Callable[..., Any], distribution: Callable[..., Path]) -> None:
    """A distribution's own list of files leads to it; nothing of it is imported."""
    site = distribution("acme-weights", "", modules={"acme_weights": "raise SystemExit('imported')"})
    (site / "acme_weights_data").mkdir()
    save_file(weights(), site / "acme_weights_data" / "net.safetensors")
    record = site / "acme_weights-1.0.dist-info" / "RECORD"
    record.write_text("acme_weights.py,,\nacme_weights_data/net.safetensors,,\n")
    section = {"distribution": "acme-weights", "file": "net.safetensors"}
    assert same(start({"weights": section}).model.state_dict(), weights())
    with pytest.raises(PipelineError, match=r"has no file 'nets\.safetensors'\. Did you mean 'acme_weights_data/net"):
        start({"weights": {**section, "file": "nets.safetensors"}})
    with pytest.raises(PipelineError, match=r"'acme-wheels' is not installed\. Run: pip install acme-wheels"):
        start({"weights": {**section, "distribution": "acme-wheels"}})


def test_strict_names_everything_that_does_not_fit(start: Callable[..., Any], tmp_path: Path) -> None:
    tensors = weights(classes=7)
    del tensors["conv1.bias"]
    save_file({**tensors, "extra.weight": torch.zeros(2, 3)}, tmp_path / "w.safetensors")
    section: dict[str, Any] = {"weights": str(tmp_path / "w.safetensors")}
    with pytest.raises(PipelineError) as failed:
        start(section)
    text = re.sub(" +", " ", str(failed.value))
    for line in (
        "missing conv1.bias model 6",
        "wrong shape fc3.weight model 10 x 84, file 7 x 84",
        "wrong shape fc3.bias model 10, file 7",
        "unexpected extra.weight file 2 x 3",
        r"strict: ['conv1\..*', 'fc3\..*', 'extra\..*']",
    ):
        assert line in text, text
    with pytest.raises(PipelineError) as failed:
        start({**section, "strict": [*HEAD, r"extra\..*"]})
    assert "conv1.bias" in str(failed.value)
    assert "fc3.weight" not in str(failed.value).partition("\n  missing")[2].partition("\n")[2]
    for strict in ([*HEAD, r"extra\..*", r"conv1\.bias"], False):
        assert same(start({**section, "strict": strict}).model.state_dict(), by_hand(tensors))
    with pytest.raises(PipelineError, match=r"strict\[1\]: 'nothing' matches no name"):
        start({**section, "strict": [".*", "nothing"]})


def test_nothing_that_fits_is_never_right(start: Callable[..., Any], tmp_path: Path) -> None:
    save_file({f"module.{name}": value for name, value in weights().items()}, tmp_path / "w.safetensors")
    with pytest.raises(PipelineError, match=r"Nothing in the file fits the model.*match: 'module\\\.\(\.\*\)'"):
        start({"weights": str(tmp_path / "w.safetensors"), "strict": False})


def test_whole_numbers_are_not_taken_for_fractions(start: Callable[..., Any], tmp_path: Path) -> None:
    tensors = weights() | {"fc1.weight": torch.zeros(120, 64, dtype=torch.int8)}
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(PipelineError, match=r"wrong type  fc1\.weight  model 120 x 64 float32, file 120 x 64 int8"):
        start({"weights": str(tmp_path / "w.safetensors")})


def test_half_precision_is_widened(start: Callable[..., Any], tmp_path: Path) -> None:
    save_file({name: value.half() for name, value in weights().items()}, tmp_path / "w.safetensors")
    state = start({"weights": str(tmp_path / "w.safetensors")}).model.state_dict()
    assert same(state, {name: value.half().float() for name, value in weights().items()})


class Evil:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('pickled code ran')",))


@pytest.mark.parametrize("content", [Evil(), {"state_dict": weights(), "hook": Evil()}, nn.Linear(1, 1)])
def test_pickled_code_is_refused(start: Callable[..., Any], tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(PipelineError, match=r"holds more than tensors .* could run code. Save the tensors again"):
        start({"weights": str(tmp_path / "w.pt")})


def test_mistakes_are_found_before_torch_is_needed(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    """Each is one sentence at the place in the file."""
    save_file(weights(), tmp_path / "w.safetensors")
    (tmp_path / "page.pt").write_text("<html>")
    whole = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-10])
    (tmp_path / "empty").mkdir()
    good = str(tmp_path / "w.safetensors")
    for section, place, message in (
        ({"weights": "gone.safetensors"}, "finetune.weights", "does not exist. Check the path"),
        ({"weights": str(tmp_path / "page.pt")}, "finetune.weights", "is not a weights file"),
        ({"weights": str(tmp_path / "cut.safetensors")}, "finetune.weights", "is damaged: it has"),
        ({"weights": str(tmp_path / "empty")}, "finetune.weights", "holds no weights"),
        ({"weights": good, "entry": "model"}, "finetune.entry", "has no entries"),
        (
            {"weights": good, "rename": [{"match": "a.*", "to": "b"}]},
            "finetune.rename[0]",
            "'a.*' matches no name in the file. There are: conv1.bias",
        ),
        (
            {"weights": good, "rename": [{"match": r"conv\d\.(.*)", "to": r"conv.\2"}]},
            "finetune.rename[0]",
            "`to` 'conv.\\\\2' does not fit",
        ),
        (
            {"weights": good, "rename": [{"match": r"conv\d\.(.*)", "to": r"conv.\1"}]},
            "finetune.rename[0]",
            "would both be called 'conv.bias'",
        ),
        ({"weights": good, "freze": [".*"]}, "finetune.freze", "Did you mean 'freeze' or"),
        ({"weights": good, "freeze": ["("]}, "finetune.freeze[0]", "is not a regular expression"),
        ({"strict": True}, "finetune", "needs `weights`, `freeze` or both"),
    ):
        ended = command("validate", pipeline(model=NET, finetune=section))
        assert ended.code == 2, section
        assert message in ended.err, ended.err
        assert re.match(rf".*pipeline\.json:1:\d+: {re.escape(place)}: ", ended.err), ended.err
        assert len(sentences(ended)) == 1, ended.err


def test_the_report_is_printed_and_kept(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    save_file({**weights(classes=7), "extra": torch.zeros(())}, tmp_path / "w.safetensors")
    path = pipeline(model=NET, finetune={"weights": str(tmp_path / "w.safetensors"), "strict": False})
    head = f"weights from {tmp_path / 'w.safetensors'}: 8 loaded, 1 unexpected, 2 wrong shape"
    printed = command("plan", path, "--build").out
    assert head in printed
    assert re.search(r"^  wrong shape +fc3\.weight +10 x 84 +7 x 84$", printed, re.MULTILINE)
    assert "conv1.weight  6 x" not in printed
    ended = command("train", path, "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    assert ended.out.count(head) == 1
    table = (tmp_path / "run" / "weights.txt").read_text()
    assert head in table
    assert re.search(r"^  loaded +conv1\.weight +6 x 1 x 5 x 5 +6 x 1 x 5 x 5$", table, re.MULTILINE)
    assert re.search(r"^  unexpected +extra +- +one number$", table, re.MULTILINE)
    facts = json.loads(command("plan", path, "--build", "--json").out)["weights"]
    assert facts["unexpected"] == ["extra"]
    assert facts["sha256"] in table


def test_a_run_goes_on_without_the_file_it_started_from(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    save_file(weights(), tmp_path / "w.safetensors")
    path = pipeline(model=NET, finetune={"weights": str(tmp_path / "w.safetensors")}, train={"max_steps": 2})
    assert command("train", path, "--out", tmp_path / "run").code == 0
    (tmp_path / "w.safetensors").unlink()
    assert command("eval", tmp_path / "run").code == 0
    assert command("train", "--resume", tmp_path / "run").code == 0
    assert command("train", path).code == 2


PARITY = """
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits


class Parity:
    def __init__(self, split: str = "train"):
        images, labels = load_digits(return_X_y=True)
        chosen = (np.arange(len(labels)) % 5 == 4) == (split == "val")
        self.images = (images[chosen] * 255 // 16).astype(np.uint8).reshape(-1, 8, 8)
        self.targets = [int(label) % 2 for label in labels[chosen]]

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        return Image.fromarray(self.images[index]), self.targets[index]
"""


@pytest.mark.covers("section/finetune", reference="the same run from random first values")
def test_pretrained_beats_random(
    pipeline: Callable[..., Path], tmp_path: Path, distribution: Callable[..., Path]
) -> None:
    """Ten classes first, then even or odd with a new head: after the same few steps the pretrained run is better."""
    distribution("acme", "[registry_core.v1.datasets]\nparity = acme_parity:Parity\n", modules={"acme_parity": PARITY})
    steps = ["to_tensor", {"normalize": {"mean": [0.3], "std": [0.38]}}]

    def data(name: str) -> dict[str, Any]:
        sections = {part: {"dataset": {name: {"split": part}}, "transforms": steps} for part in ("train", "val")}
        return {**sections, "batch_size": 32}

    optim = {"optimizer": {"adamw": {"lr": 0.003}}}
    first = pipeline(data=data("digits"), model=NET, optim=optim, train={"epochs": 5})
    registry_core.train(registry_core.load(first), tmp_path / "first")
    two = {"net": {**NET["net"], "num_classes": 2}}
    section = {"weights": str(tmp_path / "first"), "strict": HEAD}
    found = {}
    for name, finetune in (("pretrained", section), ("random", None)):
        path = pipeline(data=data("parity"), model=two, optim=optim, finetune=finetune, train={"max_steps": 10})
        found[name] = registry_core.train(registry_core.load(path), tmp_path / name).metrics["val/accuracy"]
    assert found["pretrained"] > found["random"] + 0.1, found
