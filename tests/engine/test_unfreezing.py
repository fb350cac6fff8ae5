"""Frozen parameters stay as they are; let go part way, a run has the bits of plain torch with add_param_group."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from randomness_references import order
from test_finetune import NET
from torch import nn

import registry_core
from registry_core.diagnostics import PipelineError

MODULE = '''
import os
import signal

from torch import nn

from registry_core.components import hookimpl


class Normed(nn.Module):
    """Two convolutions with batch norms, the second of them without parameters."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.norm1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 4, 3)
        self.norm2 = nn.BatchNorm2d(4, affine=False)
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        x = self.norm1(self.conv1(x)).relu()
        return self.head(self.norm2(self.conv2(x)).relu().flatten(1))


class Preempted:
    def __init__(self, after: int = 0):
        self.after = after

    @hookimpl
    def step_ended(self, step):
        if step.position.step == self.after:
            os.kill(os.getpid(), signal.SIGTERM)
'''


@pytest.fixture
def run(pipeline: Callable[..., Path], tmp_path: Path, distribution: Callable[..., Path]) -> Callable[..., Any]:
    points = "[registry_core.v1.models]\nnormed = acme:Normed\n[registry_core.v1.hooks]\npreempted = acme:Preempted\n"
    distribution("acme", points, modules={"acme": MODULE})

    def train(out: str, *overrides: str, **changes: Any) -> Any:
        path = pipeline(**changes)
        return registry_core.train(registry_core.load(path, overrides), tmp_path / out)

    return train


def first_values(seed: int = 0) -> nn.Module:
    """``model: normed`` as the seed leaves it."""
    import acme  # type: ignore[import-not-found]  # written by the fixture

    torch.manual_seed(seed)
    model: nn.Module = acme.Normed()
    return model


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return list(left) == list(right) and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.covers("section/finetune", reference="the bits before training")
@pytest.mark.parametrize("statistics", [True, False])
def test_what_is_frozen_does_not_change(run: Callable[..., Any], statistics: bool) -> None:
    """Not by decay, momentum or averaging; batch norms keep their statistics, unless asked not to."""
    freeze = [r"(conv|norm)1\..*", r"norm2\.running_mean"]
    result = run(
        "run",
        model="normed",
        finetune={"freeze": freeze, "freeze_statistics": statistics},
        optim={"optimizer": {"adamw": {"lr": 0.01, "weight_decay": 0.1}}},
        train={"epochs": 2, "ema": {"decay": 0.5}, "clip": {"norm": 1.0}},
    )
    before = first_values().state_dict()
    kept = ["conv1.weight", "conv1.bias", "norm1.weight", "norm1.bias"]
    numbers = ["running_mean", "running_var", "num_batches_tracked"]
    if statistics:
        kept += [f"{norm}.{name}" for norm in ("norm1", "norm2") for name in numbers]
    for state in (result.pipeline.model.state_dict(), result.pipeline.averaged.module.state_dict()):
        assert [name for name in before if torch.equal(state[name], before[name])] == [n for n in before if n in kept]
    trained = {id(p) for group in result.pipeline.optimizer.param_groups for p in group["params"]}
    parameters = dict(result.pipeline.model.named_parameters())
    assert {name for name, p in parameters.items() if id(p) in trained} == {
        "conv2.weight",
        "conv2.bias",
        "head.weight",
        "head.bias",
    }


def samples() -> tuple[torch.Tensor, torch.Tensor]:
    """The digits of the split val, as scikit-learn has them."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    chosen = torch.arange(len(labels)) % 5 == 4
    pixels = (torch.from_numpy(images).long() * 255 // 16)[chosen].float().div(255)
    return pixels.reshape(-1, 1, 8, 8), torch.from_numpy(labels)[chosen].long()


OPTIMIZERS: dict[str, Any] = {
    "sgd": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}),
    "adam": (torch.optim.Adam, {"lr": 0.01, "weight_decay": 0.01}),
    "adamw": (torch.optim.AdamW, {"lr": 0.01, "amsgrad": True}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.01, "momentum": 0.5, "centered": True}),
}


def by_hand(name: str, clip: float | None, ema: float | None) -> tuple[nn.Module, nn.Module | None]:
    """Plain torch: six steps an epoch, conv2 is added after the first epoch, the rest after step 9 of 12."""
    inputs, targets = samples()
    model = first_values()
    model.requires_grad_(False)
    model.head.requires_grad_(True)  # type: ignore[operator]  # a layer
    make, options = OPTIMIZERS[name]
    optimizer = make(list(model.head.parameters()), **options)  # type: ignore[union-attr]  # a layer
    rates, average = [options["lr"]], None
    if ema is not None:
        average = torch.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(ema)
        )
    step = 0
    for epoch in range(2):
        for indices in torch.from_numpy(order(0, epoch, len(targets))).split(64):
            for due, parts, lr in ((6, [model.conv2], 0.003), (9, [model.conv1, model.norm1], 0.001)):
                if step == due:
                    parameters = [p for part in parts for p in part.parameters()]  # type: ignore[union-attr]  # layers
                    for parameter in parameters:
                        parameter.requires_grad_(True)
                    optimizer.add_param_group({"params": parameters, "lr": lr})
                    rates.append(lr)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * 0.5**epoch  # what the schedule makes of each rate
            model.train()
            if step < 9:
                model.norm1.eval()  # type: ignore[operator]  # a layer
            if step < 6:
                model.norm2.eval()  # type: ignore[operator]  # a layer
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[indices]), targets[indices]).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], clip)
            optimizer.step()
            if average is not None:
                average.update_parameters(model)
            step += 1
    return model, average


UNFREEZE = [
    {"parameters": r"(conv|norm)1\..*", "after": "9 steps", "lr": 0.001},
    {"parameters": r"(conv|norm)2\..*", "after": "1 epoch", "lr": 0.003},
]


def settings(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "model": "normed",
        "finetune": {"freeze": [r"(conv|norm)\d\..*"], "unfreeze": UNFREEZE},
        "optim": {
            "optimizer": {name: OPTIMIZERS[name][1]},
            "scheduler": {"exponential": {"gamma": 0.5}},
        },
        "train": {"epochs": 2, "device": "cpu", **changes},
    }


@pytest.mark.covers("section/finetune", reference="torch.optim.Optimizer.add_param_group")
@pytest.mark.parametrize(
    ("name", "clip", "ema"),
    [("sgd", None, None), ("sgd", 0.1, 0.9), ("adam", None, 0.5), ("adamw", 0.1, None), ("rmsprop", None, None)],
)
def test_letting_go_is_add_param_group(
    run: Callable[..., Any], name: str, clip: float | None, ema: float | None
) -> None:
    """Bit for bit: weights, statistics and the optimizer's state of a loop that adds groups by hand."""
    result = run("run", **settings(name, clip=clip and {"norm": clip}, ema=ema and {"decay": ema}))
    model, average = by_hand(name, clip, ema)
    assert same(result.pipeline.model.state_dict(), model.state_dict())
    if average is not None:
        assert same(result.pipeline.averaged.state_dict(), average.state_dict())
    rates = {group["lr"] for group in result.pipeline.optimizer.param_groups}
    assert rates == {OPTIMIZERS[name][1]["lr"] * 0.25, 0.001 * 0.25, 0.003 * 0.25}


def test_a_run_resumes_before_and_after_letting_go(
    run: Callable[..., Any], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    changes = settings("adam", accumulate=2, ema={"decay": 0.5})
    changes["finetune"]["unfreeze"] = [{**UNFREEZE[0], "after": "4 steps"}, UNFREEZE[1]]
    changes["optim"]["scheduler"] = {"one_cycle": {"max_lr": [0.02, 0.001, 0.003]}}
    whole = run("whole", **changes)
    assert whole.position.step == 6
    path = pipeline(**changes)
    for step in range(1, 6):
        stopped = run(f"stopped-{step}", f"hooks=[{{preempted: {{after: {step}}}}}]", **changes)
        assert stopped.position.step == step
        resumed = registry_core.resume(tmp_path / f"stopped-{step}", registry_core.load(path))
        assert same(resumed.pipeline.model.state_dict(), whole.pipeline.model.state_dict()), step
        assert same(resumed.pipeline.averaged.state_dict(), whole.pipeline.averaged.state_dict()), step
    later = [{**rule, "after": "5 steps"} for rule in changes["finetune"]["unfreeze"]]
    still = run("still", **{**changes, "finetune": {**changes["finetune"], "unfreeze": later}})  # the control
    assert not same(still.pipeline.model.state_dict(), whole.pipeline.model.state_dict())


def test_options_come_from_group_and_rule(run: Callable[..., Any]) -> None:
    """A parameter in a group and under a rule has the options of both, those of the rule over those of the group."""
    changes = settings("sgd")
    changes["optim"]["groups"] = [{"parameters": r".*\.bias", "lr": 0.5, "weight_decay": 0.0}]
    pipeline = run("run", **changes).pipeline
    found = {
        (g.pattern, g.starts): (g.options.get("lr"), g.options.get("weight_decay"), g.names) for g in pipeline.groups
    }
    bias = r".*\.bias"
    assert found == {
        (None, ""): (None, None, ("head.weight",)),
        (None, "after 1 epoch"): (0.003, None, ("conv2.weight",)),
        (None, "after 9 steps"): (0.001, None, ("conv1.weight", "norm1.weight")),
        (bias, ""): (0.5, 0.0, ("head.bias",)),
        (bias, "after 1 epoch"): (0.003, 0.0, ("conv2.bias",)),
        (bias, "after 9 steps"): (0.001, 0.0, ("conv1.bias", "norm1.bias")),
    }


@pytest.mark.parametrize(
    ("finetune", "message"),
    [
        ({"freeze": [r"fc9\..*"]}, r"finetune\.freeze\[0\]: 'fc9.*' matches no parameter.*Did you mean 'fc3"),
        ({"freeze": [".*"]}, "Every parameter of the model is frozen at the start"),
        (
            {"freeze": [r"fc1\..*"], "unfreeze": [{"parameters": r"fc2\..*", "after": "1 step"}]},
            r"finetune\.unfreeze\[0\]\.parameters: .* matches no frozen parameter",
        ),
        (
            {"freeze": [r"fc1\..*"], "unfreeze": [{"parameters": r"fc1\..*", "after": "1 step", "momentun": 0.5}]},
            r"The optimizer 'sgd' has no parameter 'momentun'. Did you mean 'momentum'\?",
        ),
        ({"weights": "x", "unfreeze": [{"parameters": ".*", "after": "1 step"}]}, "`freeze` is empty"),
    ],
)
def test_mistakes(run: Callable[..., Any], finetune: dict[str, Any], message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        run("run", model=NET, finetune=finetune)


def test_a_run_that_ends_before_the_unfreezing_is_a_trial(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    finetune = {"freeze": [r"fc1\..*"], "unfreeze": [{"parameters": r"fc1\..*", "after": "2 epochs"}]}
    loaded = registry_core.load(pipeline(model=NET, finetune=finetune))
    (warning,) = (problem for problem in loaded.warnings if problem.code == "unfreeze")
    assert "Nothing is trained after 2 epochs: the run has 6 steps in 1 epoch." in str(warning)
    pipeline_of_run = registry_core.train(loaded, tmp_path / "trial").pipeline
    assert not any(value.requires_grad for value in pipeline_of_run.model.fc1.parameters())
