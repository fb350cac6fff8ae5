"""Losses, gradients, weights and metrics that are not finite: what they change, what is said, and what is kept."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import reseal
from registry_builtin.objects.early_stopping import EarlyStopping
from safetensors.torch import load_file, save_file
from torch import nn

import registry_core
from registry_core.assembly.finite import holding_nan, largest, not_finite
from registry_core.components import Row
from registry_core.diagnostics import CheckpointError, PipelineError, RunError
from registry_core.engine.trained import evaluate

PARTS = '''
import math

import torch
from torch import nn
from torchmetrics import Metric


class Spots:
    """Images of which one is not finite."""
    def __init__(self, bad: int = 5, value: float = math.nan):
        self.bad, self.value = bad, value
    def __len__(self):
        return 12
    def describe_sample(self, n):
        return f"spot {n}"
    def __getitem__(self, n):
        image = torch.arange(4.0).reshape(1, 2, 2) / (n + 1)
        if n == self.bad:
            image[0, 1, 1] = self.value
        return {"input": image, "target": n % 2}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.body = nn.Linear(4, 2)
        self.register_buffer("mask", torch.full((2,), -math.inf))  # not finite by design
    def forward(self, x):
        return self.body(self.norm(x.flatten(1)))


class Root(nn.Module):
    """A finite output whose gradient is not: the root of 0."""
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 2)
    def forward(self, x):
        return self.body(x.flatten(1)) + (self.body.weight * 0).sum().sqrt()


class Steep(Root):
    """Gradients that are finite, but whose squares exceed float32."""
    def forward(self, x):
        nothing = (self.body.weight - self.body.weight.detach()).sum() * 1e30
        return self.body(x.flatten(1)) + torch.stack([nothing, nothing * 0])


class Table(nn.Module):
    """A table with sparse gradients, which are not finite."""
    def __init__(self):
        super().__init__()
        self.rows = nn.Embedding(3, 2, sparse=True)
    def forward(self, x):
        row = self.rows(torch.ones(len(x), dtype=torch.long))
        return row + ((row - row.detach()) * 0).sqrt()


class NanFirst(Metric):
    higher_is_better = True
    values = [math.nan, 0.2, 0.4, math.inf, 0.3]
    def __init__(self):
        super().__init__()
        self.calls = 0
        self.add_state("n", torch.tensor(0))
    def update(self, output, target):
        self.n += len(target)
    def compute(self):
        self.calls += 1
        return torch.tensor(self.values[self.calls - 1])
'''
ENTRIES = """[registry_core.v1.datasets]
spots = parts_not_finite:Spots
[registry_core.v1.models]
spotted = parts_not_finite:Net
root = parts_not_finite:Root
steep = parts_not_finite:Steep
sparse_table = parts_not_finite:Table
[registry_core.v1.metrics]
nan_first = parts_not_finite:NanFirst
"""


@pytest.fixture(autouse=True)
def parts(distribution: Callable[..., Path]) -> None:
    distribution("acme", ENTRIES, modules={"parts_not_finite": PARTS})


def data(bad: int = 5, value: float = math.nan) -> dict[str, Any]:
    spots: Any = {"spots": {"bad": bad}} if math.isnan(value) else {"spots": {"bad": bad, "value": value}}
    return {"train": {"dataset": spots, "sampler": "sequential"}, "batch_size": 3}


SPOTTED: dict[str, Any] = {"data": data(), "model": "spotted", "metrics": []}


def test_the_largest_value_is_that_of_torch() -> None:
    tensors = [torch.randn(3, 4), torch.randn(5).bfloat16(), torch.randn(2, 2).double()]
    assert float(largest(tensors)) == pytest.approx(max(float(value.abs().max()) for value in tensors), rel=1e-6)
    for bad in (math.nan, math.inf, -math.inf):
        wrong = {"a": torch.ones(3), "b": torch.tensor([1.0, bad]), "c": torch.tensor([3])}
        assert list(not_finite(wrong)) == ["b"]
        assert holding_nan(wrong) == (["b"] if math.isnan(bad) else [])
    huge = {"a": torch.full((10,), 3e38)}  # its squares overflow
    assert list(not_finite(huge)) == []


@pytest.mark.parametrize("keys", [{}, {"train": {"accumulate": 2}}, {"train": {"clip": {"norm": 1.0}}}])
def test_the_step_of_a_loss_that_is_not_finite_changes_no_weight(run: Callable[..., Any], keys: dict[str, Any]) -> None:
    hooks = [{"checkpoint": {"every": "1 step", "keep": 20}}]
    with pytest.raises(RunError) as ended:
        run(**SPOTTED, hooks=hooks, **keys)
    step = 1 if keys.get("train", {}).get("accumulate") else 2
    message = f"The loss of step {step} is nan: sample 5 (spot 5) of data.train."
    assert str(ended.value).startswith(f"{message} The entry 'input' has values that are not finite.")
    assert (ended.value.keys, ended.value.code) == (("data", "train"), "not-finite")


def test_no_weight_changed(pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry_core.engine.optimizer_step import OptimizerStep

    seen: list[torch.Tensor] = []
    made = OptimizerStep.__call__

    def watched(self: OptimizerStep, *arguments: Any) -> Any:
        seen.append(self.pipeline.model.body.weight.detach().clone())
        try:
            return made(self, *arguments)
        finally:
            seen.append(self.pipeline.model.body.weight.detach().clone())

    monkeypatch.setattr(OptimizerStep, "__call__", watched)
    optim = {"optimizer": {"adamw": {"lr": 0.1, "weight_decay": 0.1}}}
    with pytest.raises(RunError):
        registry_core.train(registry_core.load(pipeline(**SPOTTED, optim=optim)), tmp_path / "run")
    assert not torch.equal(seen[0], seen[1])  # the first step
    assert torch.equal(seen[2], seen[3])  # that with the NaN


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_skipped_step_is_as_if_it_was_not(run: Callable[..., Any], precision: str, capsys: Any) -> None:
    optim = {"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}}}
    train = {"non_finite": "skip", "epochs": 2, "precision": precision}
    result = run(**SPOTTED, optim=optim, train=train)
    assert "The step is skipped." in capsys.readouterr().err
    assert result.position.step == 8
    assert result.summary["skipped_steps"] == 2
    found = result.pipeline.model.state_dict()

    network = _network()
    sgd = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        for start in (0, 6, 9):
            images = torch.stack([torch.arange(4.0) / (n + 1) for n in range(start, start + 3)])
            labels = torch.tensor([n % 2 for n in range(start, start + 3)])
            sgd.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                loss = nn.functional.cross_entropy(network(images), labels)
            loss.backward()
            sgd.step()
    for name, value in network.state_dict().items():
        mine = found[{"0": "norm", "1": "body"}[name[0]] + name[1:]]
        torch.testing.assert_close(mine, value, msg=name)


def test_the_command_counts_skipped_steps(
    command: Callable[..., Any], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    path = pipeline(**SPOTTED, train={"non_finite": "skip", "epochs": 5, "device": "cpu"})
    ended = command("train", path, "--out", tmp_path / "run")
    assert "\nskipped: 5 of 20 steps, where a value was not finite\n" in ended.out
    assert ended.err.count("The step is skipped.") == 3
    assert ended.err.count("More steps are skipped without a word.") == 1


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2))


@pytest.mark.parametrize("keys", [{"train": {"clip": {"norm": 1.0}}}, {"train": {"clip": {"value": 1.0}}}])
def test_clipped_gradients_are_read_before_the_step(
    run: Callable[..., Any], keys: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=r"The gradients of step 1 are not finite.*not the gradients of body\.weight"):
        run(**{**SPOTTED, "data": data(bad=-1), "model": "root"}, **keys)
    assert not list((tmp_path / "run-0").glob("checkpoints/step-*"))


def test_the_gradients_to_blame_are_named_with_a_cause(run: Callable[..., Any]) -> None:
    keys = {**SPOTTED, "data": data(bad=-1), "train": {"clip": {"norm": 1.0}}}
    with pytest.raises(RunError, match=r"they reach \d\.?\d*e\+29 in body\.weight, and their norm exceeds") as ended:
        run(**{**keys, "model": "steep"})
    assert ended.value.keys == ("train", "clip")
    assert "train.clip.value" in str(ended.value)
    run(**{**keys, "model": "steep", "train": {"clip": {"value": 1.0}, "max_steps": 1}})
    with pytest.raises(RunError, match=r"not the gradients of rows\.weight"):
        run(**{**keys, "model": "sparse_table"})


def test_other_gradients_are_found_before_anything_is_saved(run: Callable[..., Any], tmp_path: Path) -> None:
    hooks = [{"checkpoint": {"every": "2 steps"}}]
    with pytest.raises(RunError, match=r"The loss of step 2 is nan.*An earlier step made weights that are not finite"):
        run(**{**SPOTTED, "data": data(bad=-1), "model": "root"}, hooks=hooks)
    with pytest.raises(RunError, match=r"After step 1, weights are not finite: body\.weight\. They are not saved"):
        run(**{**SPOTTED, "data": data(bad=-1), "model": "root"}, hooks=[{"checkpoint": {"every": "1 step"}}])
    with pytest.raises(RunError, match=r"After step 1, weights are not finite"):
        run(**{**SPOTTED, "data": data(bad=-1), "model": "root"}, train={"log_every": "1 step"})
    assert not list(tmp_path.glob("run-*/checkpoints/step-*"))
    assert not [row for path in tmp_path.glob("run-*/metrics.jsonl") for row in path.read_text().splitlines()]


def test_a_run_that_diverges_keeps_its_last_good_checkpoint(run: Callable[..., Any], tmp_path: Path) -> None:
    hooks = [{"checkpoint": {"every": "1 step", "keep": 1}}]
    with pytest.raises(RunError, match="Lower the learning rate"):
        run(optim={"optimizer": {"sgd": {"lr": 1e20, "momentum": 0.9}}}, train={"epochs": 9}, hooks=hooks)
    (kept,) = (tmp_path / "run-0" / "checkpoints").glob("step-*")
    assert not list(not_finite(load_file(kept / "model.safetensors")))


def test_no_value_that_is_not_finite_is_the_best(run: Callable[..., Any]) -> None:
    result = run(
        metrics=["nan_first"],
        train={"epochs": 5},
        hooks=[
            {"checkpoint": {"keep": 1, "best": "val/nan_first"}},
            {"early_stopping": {"monitor": "val/nan_first", "patience": 2}},
        ],
    )
    rows = [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    assert [row["val/nan_first"] for row in rows] == [
        None,
        pytest.approx(0.2),
        pytest.approx(0.4),
        None,
        pytest.approx(0.3),
    ]
    best = (result.directory / "checkpoints" / "best").read_text()
    assert best == f"step-{rows[2]['step']:08}"
    summary = json.loads((result.directory / "summary.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert summary["metrics"]["val/nan_first"]["best_step"] == rows[2]["step"]


def test_metrics_that_are_never_finite_are_null(run: Callable[..., Any]) -> None:
    result = run(metrics=["nan_first"])
    summary = json.loads((result.directory / "summary.json").read_text())
    assert summary["metrics"]["val/nan_first"] == {"best": None, "best_step": None, "last": None}
    assert math.isnan(result.metrics["val/nan_first"])


def test_nan_says_nothing_about_improvement() -> None:
    hook = EarlyStopping("val/loss", patience=1, min_delta=0.0, better="lower")
    measured = [{"val/loss": value} for value in (math.nan, 2.0, math.nan, 1.0, math.inf)]
    rows = [Row(step, 1, values, True, values) for step, values in enumerate(measured)]
    assert [hook.should_stop(row) is None for row in rows] == [True, True, True, True, False]


def sealed(folder: Path, value: float) -> None:
    """Put a value into the weights of a checkpoint, and seal it anew."""
    tensors = load_file(folder / "model.safetensors")
    next(iter(tensors.values())).view(-1)[0] = value
    save_file(tensors, folder / "model.safetensors")
    reseal(folder)


def test_weights_that_hold_nan_are_refused(run: Callable[..., Any], pipeline: Callable[..., Path]) -> None:
    result = run()
    (folder,) = (result.directory / "checkpoints").glob("step-*")
    sealed(folder, math.nan)
    for use in (lambda: evaluate(result.directory), lambda: registry_core.resume(result.directory)):
        with pytest.raises(CheckpointError, match="hold NaN: "):
            use()
    with pytest.raises(PipelineError, match=r"hold NaN: .*\[weights\]"):
        run(finetune={"weights": str(folder / "model.safetensors")})


def test_eval_and_predict_refuse_what_is_not_finite(
    run: Callable[..., Any], command: Callable[..., Any], tmp_path: Path
) -> None:
    import PIL.Image

    result = run()
    (folder,) = (result.directory / "checkpoints").glob("step-*")
    tensors = load_file(folder / "model.safetensors")
    for tensor in tensors.values():
        tensor.fill_(3e38)  # finite, but no output of it is
    save_file(tensors, folder / "model.safetensors")
    reseal(folder)
    ended = command("eval", result.directory, "--json")
    assert ended.code == 5
    assert "The loss of data.val is not finite: sample" in ended.err
    assert "Traceback" not in ended.err
    image = tmp_path / "one.png"
    PIL.Image.new("L", (8, 8), 100).save(image)
    ended = command("predict", result.directory, image)
    assert ended.code == 5
    assert "is not finite" in ended.err


LINES = """
import torch

class Lines:
    def __len__(self):
        return 4
    def __getitem__(self, n):
        labels = torch.tensor([1, 1, 1, 1] if n == 2 else [1, 2, 1, 2])
        return {"input": torch.rand(1, 4, 5), "target": labels, "target_length": 4}

class Reads(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Linear(4, 3)
    def forward(self, x):
        return self.body(x.squeeze(1).transpose(1, 2))
"""


def test_labels_that_do_not_fit_into_the_time_steps_are_named(
    run: Callable[..., Any], distribution: Callable[..., Path]
) -> None:
    entries = "[registry_core.v1.datasets]\nrows = parts_of_lines:Lines\n"
    entries += "[registry_core.v1.models]\nreads = parts_of_lines:Reads\n"
    distribution("beta", entries, modules={"parts_of_lines": LINES})
    section = {"dataset": "rows", "sampler": "sequential"}
    with pytest.raises(RunError) as ended:
        run(data={"train": section, "batch_size": 4}, model="reads", loss="ctc", metrics=[])
    assert str(ended.value) == (
        "The loss of step 1 is inf: sample 2 of data.train. The model emits 5 time steps, but the labels need up to 7: "
        "one each, and one more between two equal labels. Use wider images or shorter targets, or set "
        "zero_infinity: true."
    )


def test_a_guard_does_not_change_results(run: Callable[..., Any]) -> None:
    stop, skip = (run(train={"non_finite": policy, "epochs": 2}) for policy in ("stop", "skip"))
    for name, value in stop.pipeline.model.state_dict().items():
        assert torch.equal(value, skip.pipeline.model.state_dict()[name])
    shutil.rmtree(stop.directory)
