"""What the loop does between its steps, against plain torch and formulas."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import registry_core
from registry_core.assembly.model.first_values import initialise
from registry_core.assembly.optim.parameters import group_parameters
from registry_core.components.interval import Every
from registry_core.config.models import Group, InitRule
from registry_core.diagnostics import BrokenComponent, PipelineError, RunError
from registry_core.engine.checkpoint.state import gather, restore
from registry_core.engine.requirements import check_requirements
from registry_core.registry import registries


def rows(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]


def weights(result: Any) -> dict[str, torch.Tensor]:
    return dict(result.pipeline.model.state_dict())


@pytest.mark.parametrize(
    ("every", "due"),
    [
        (Every(1, "epoch"), [3, 6, 9]),
        (Every(2, "epoch"), [6]),
        (Every(2, "step"), [2, 4, 6, 8]),
        (Every(100, "step"), []),
    ],
)
def test_intervals(every: Every, due: list[int]) -> None:
    """Three steps an epoch, nine steps."""
    steps = range(1, 10)
    assert [s for s in steps if every.due(step=s, epochs_done=-(-s // 3) - (s % 3 > 0), epoch_ended=s % 3 == 0)] == due


def test_accumulated_batches_equal_one_large_batch(run: Callable[..., Any]) -> None:
    large = weights(run("data.batch_size=96", "train.epochs=2"))
    small = weights(run("data.batch_size=24", "train.accumulate=4", "train.epochs=2"))
    for name in large:
        torch.testing.assert_close(small[name], large[name], atol=1e-6, rtol=1e-5)


def test_the_average_of_the_weights_is_the_formula(run: Callable[..., Any], pipeline: Callable[..., Path]) -> None:
    decay = 0.8
    seen = [weights(run(f"train.max_steps={steps}")) for steps in (1, 2, 3)]
    result = run("train.max_steps=3", "train.ema={decay: 0.8}")
    expected = seen[0]["layers.1.weight"] if "layers.1.weight" in seen[0] else next(iter(seen[0].values()))
    name = next(key for key, value in seen[0].items() if value is expected)
    for after in seen[1:]:
        expected = decay * expected + (1 - decay) * after[name]
    torch.testing.assert_close(result.pipeline.averaged.module.state_dict()[name], expected)


@pytest.mark.parametrize("clip", [{"norm": 0.01}, {"value": 0.001}])
def test_gradients_are_clipped(run: Callable[..., Any], clip: dict[str, float]) -> None:
    """With plain gradient descent the largest possible step follows from the bound."""
    lr = 0.5
    optim = {"optimizer": {"sgd": {"lr": lr}}}
    before, after = weights(run("train.max_steps=1", optim=optim)), weights(run("train.max_steps=2", optim=optim))
    clipped = weights(run("train.max_steps=2", optim=optim, train={"epochs": 1, "clip": clip}))
    start = weights(run("train.max_steps=1", optim=optim, train={"epochs": 1, "clip": clip}))
    moved = torch.cat([(clipped[name] - start[name]).flatten() for name in clipped])
    free = torch.cat([(after[name] - before[name]).flatten() for name in after])
    if "norm" in clip:
        assert moved.norm() <= lr * clip["norm"] * 1.01 < free.norm()
    else:
        assert moved.abs().max() <= lr * clip["value"] * 1.01 < free.abs().max()


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch 2.11 warns of itself when it compiles
@pytest.mark.parametrize(
    ("option", "model"),
    [
        ("train.precision=bf16", {"net": {"in_channels": 1, "size": 8, "padding": 2, "num_classes": 10}}),
        ("train.channels_last=true", {"net": {"in_channels": 1, "size": 8, "padding": 2, "num_classes": 10}}),
        ("train.compile=true", {"mlp": {"size": 8, "hidden": [16], "num_classes": 10}}),  # small: it compiles for long
    ],
)
def test_other_ways_to_compute_give_nearly_the_same(
    run: Callable[..., Any], option: str, model: dict[str, Any]
) -> None:
    plain, other = (run("train.device=cpu", "train.max_steps=4", *more, model=model) for more in ((), (option,)))
    tolerance = 3e-2 if "precision" in option else 1e-4
    for name, value in weights(plain).items():
        torch.testing.assert_close(weights(other)[name], value, atol=tolerance, rtol=tolerance)
    assert rows(other)[-1]["val/loss"] == pytest.approx(rows(plain)[-1]["val/loss"], rel=tolerance)


def test_bf16_really_computes_in_bf16(run: Callable[..., Any]) -> None:
    plain, other = weights(run("train.max_steps=4")), weights(run("train.max_steps=4", "train.precision=bf16"))
    assert any(not torch.equal(plain[name], other[name]) for name in plain)
    assert {value.dtype for value in other.values()} == {torch.float32}


def test_steps_end_where_max_steps_says(run: Callable[..., Any]) -> None:
    result = run("train.max_steps=8", "train.epochs=5")
    assert result.position.step == 8
    assert rows(result)[-1]["step"] == 8
    assert "val/accuracy" in rows(result)[-1]


def test_evaluation_and_logging_by_steps(run: Callable[..., Any]) -> None:
    result = run(train={"epochs": 1, "evaluate_every": "4 steps", "log_every": "3 steps"})
    found = {row["step"]: "val/loss" in row for row in rows(result)}
    assert found == {3: False, 4: True, 6: True}
    assert "val/loss" not in rows(run(train={"epochs": 1, "evaluate_every": None}))[-1]


def test_the_evaluation_is_the_mean_over_all_samples(run: Callable[..., Any]) -> None:
    """Against plain torch on the whole validation set at once; 359 images make six batches, the last one of 39."""
    result = run("train.epochs=2")
    images, labels = load_digits(return_X_y=True)
    chosen = np.arange(len(labels)) % 5 == 4
    pixels = torch.from_numpy((images[chosen].astype(np.int64) * 255 // 16).astype(np.float32)).view(-1, 1, 8, 8) / 255
    targets = torch.from_numpy(labels[chosen])
    network = result.pipeline.model.eval()
    with torch.no_grad():
        output = network(pixels)
    assert result.metrics["val/loss"] == pytest.approx(nn.functional.cross_entropy(output, targets).item(), rel=1e-6)
    assert result.metrics["val/accuracy"] == pytest.approx((output.argmax(1) == targets).float().mean().item())


def test_state_is_put_back_as_it_was(run: Callable[..., Any]) -> None:
    """Momentum keeps the memory order of its weights, and the scaler its scale."""
    model = {"net": {"in_channels": 1, "size": 8, "padding": 2, "num_classes": 10}}
    pipeline = run("train.channels_last=true", "train.max_steps=2", model=model).pipeline
    parts, state = gather(pipeline, torch.amp.GradScaler("cpu", init_scale=8.0))
    for moments in state["optimizer"]["state"].values():  # as they come out of a file
        moments["momentum_buffer"] = moments["momentum_buffer"].contiguous()
    scaler = torch.amp.GradScaler("cpu")
    restore(pipeline, scaler, parts, state)
    assert scaler.get_scale() == 8.0
    strides = [
        (parameter.stride(), moments["momentum_buffer"].stride())
        for parameter, moments in pipeline.optimizer.state.items()
    ]
    assert all(own == of_momentum for own, of_momentum in strides)
    assert any(parameter.ndim == 4 and not parameter.is_contiguous() for parameter in pipeline.optimizer.state)


def test_the_learning_rate_is_that_of_torch(run: Callable[..., Any]) -> None:
    optim = {"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9}}, "scheduler": {"one_cycle": {"max_lr": 0.4}}}
    result = run(optim=optim, train={"epochs": 2, "log_every": "1 step"})
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.4, total_steps=12)
    expected = []
    for _ in range(12):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(expected) < 12:
            scheduler.step()
    assert [row["lr"] for row in rows(result)] == pytest.approx(expected)


def test_a_plateau_lowers_the_rate(run: Callable[..., Any]) -> None:
    scheduler = {"reduce_on_plateau": {"monitor": "val/accuracy", "patience": 0, "threshold": 10.0, "factor": 0.1}}
    result = run(optim={"optimizer": {"sgd": {"lr": 0.1}}, "scheduler": scheduler}, train={"epochs": 4})
    assert [row["lr"] for row in rows(result)] == pytest.approx([0.1, 0.1, 0.01, 0.001])


def test_groups_have_their_own_options(run: Callable[..., Any]) -> None:
    groups = [{"parameters": r".*\.weight", "lr": 0.05}, {"parameters": r".*\.bias", "lr": 0.0, "momentum": 0.0}]
    groups = [groups[0], {"parameters": r".*\.bias", "lr": 0.01, "momentum": 0.0}]
    result = run(optim={"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9}}, "groups": groups})
    found = [(group["lr"], group["momentum"]) for group in result.pipeline.optimizer.param_groups]
    assert found == [(0.05, 0.9), (0.01, 0.0)]
    counted = sum(len(group["params"]) for group in result.pipeline.optimizer.param_groups)
    assert counted == len(list(result.pipeline.model.parameters()))


def model() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


def test_groups_hold_every_parameter_once_and_the_last_match_wins() -> None:
    found = group_parameters(model(), (Group(parameters=".*"), Group(parameters=r"3\..*", lr=0.1)))
    assert [group.names for group in found] == [("0.weight", "0.bias", "1.weight", "1.bias"), ("3.weight", "3.bias")]
    with pytest.raises(
        PipelineError,
        match=r"groups\[0\]: .* is empty: .* optim\.groups\[1\], match all",
    ):
        group_parameters(model(), (Group(parameters=r"3\..*"), Group(parameters=".*")))


def test_init_rules_in_order_later_wins() -> None:
    constant = registries.inits["constant"]
    rules = (
        InitRule(modules=("Conv2d", "Linear"), weight=constant(value=1.0), bias=constant(value=0.0)),
        InitRule(parameters=r"3\.weight", init=constant(value=2.0)),
        InitRule(names="1", weight=constant(value=5.0)),
    )
    net = model()
    report = initialise(net, rules)
    values = {name: parameter.unique().tolist() for name, parameter in net.named_parameters()}
    assert values == {
        "0.weight": [1.0], "0.bias": [0.0], "1.weight": [5.0], "1.bias": [0.0], "3.weight": [2.0], "3.bias": [0.0],
    }  # fmt: skip
    assert report["3.weight"].startswith("init[1]")
    assert report["1.bias"] == "the model's own"
    with pytest.raises(PipelineError, match=r"init\[0\].*Conv3d"):
        initialise(net, (InitRule(modules="Conv3d", weight=constant(value=1.0)),))


@pytest.mark.parametrize(
    "rule",
    [{}, {"modules": "Linear"}, {"parameters": ".*"}, {"modules": "Linear", "parameters": ".*", "init": "normal"}],
)
def test_rules_that_are_not_one(pipeline: Callable[..., Path], rule: dict[str, Any]) -> None:
    with pytest.raises(PipelineError, match="rule"):
        registry_core.load(pipeline(init=[rule]))


def test_a_loss_that_is_not_finite_ends_the_run(run: Callable[..., Any]) -> None:
    with pytest.raises(RunError, match=r"The loss of step 2 is (nan|inf).*Lower the learning rate"):
        run(optim={"optimizer": {"sgd": {"lr": 1e30}}}, train={"epochs": 3})


def test_a_model_and_loss_that_do_not_fit_give_one_message(
    run: Callable[..., Any], distribution: Callable[..., Path]
) -> None:
    text = "def product(output, target):\n    return output @ target.float()\n"
    distribution("acme", "[registry_core.v1.losses]\nproduct = acme_bad:product\n", modules={"acme_bad": text})
    with pytest.raises(
        PipelineError, match=r"loss: The loss 'product' of acme 1.0, called with output .*size mismatch"
    ):
        run(loss="product")


def test_whatever_components_raise_in_a_run_is_one_message(
    run: Callable[..., Any], distribution: Callable[..., Path]
) -> None:
    text = (
        "from torchmetrics import Metric\n"
        "def leaves(output, target):\n    raise SystemExit('enough')\n"
        "class Full(Metric):\n    def update(self, output, target): ...\n"
        "    def compute(self):\n        raise OSError('disk full')\n"
    )
    points = "[registry_core.v1.losses]\nleaves = acme_odd:leaves\n[registry_core.v1.metrics]\nfull = acme_odd:Full\n"
    distribution("acme", points, modules={"acme_odd": text})
    with pytest.raises(
        PipelineError, match=r"The loss 'leaves' of acme 1.0, .* failed .* data.train: SystemExit: enough"
    ):
        run(loss="leaves")
    with pytest.raises(
        PipelineError, match=r"The metric 'full' of acme 1.0 failed on a batch of data.val: OSError: disk full"
    ):
        run(metrics=["full"])


def test_optimizers_that_need_a_closure(run: Callable[..., Any], distribution: Callable[..., Path]) -> None:
    text = (
        "from typing import ClassVar\nfrom registry_core.components import Optimizer\n"
        "class Lbfgs(Optimizer):\n    '''L-BFGS.'''\n    target: ClassVar = 'torch.optim:LBFGS'\n"
        "    needs_closure: ClassVar = True\n    lr: float = 1.0\n    max_iter: int = 5\n"
    )
    distribution("acme", "[registry_core.v1.optimizers]\nacme_lbfgs = acme_lbfgs:Lbfgs\n", modules={"acme_lbfgs": text})
    result = run(optim={"optimizer": {"acme_lbfgs": {"lr": 0.5}}}, data__batch_size=360, train={"epochs": 3})
    losses = [row["train/loss"] for row in rows(result)]
    assert losses[-1] < losses[0] / 2


def test_what_is_built_must_be_of_its_kind(run: Callable[..., Any], distribution: Callable[..., Path]) -> None:
    text = "class NoModule: ...\ndef no_steps(params): return 3\n"
    text += "class Fails:\n    def __init__(self): raise OSError('gone')\n"
    points = (
        "[registry_core.v1.models]\nno_module = acme_odd:NoModule\nfails = acme_odd:Fails\n"
        "[registry_core.v1.optimizers]\nno_steps = acme_odd:no_steps\n"
    )
    distribution("acme", points, modules={"acme_odd": text})
    with pytest.raises(BrokenComponent, match=r"model 'no_module' of acme 1.0 built an object of type 'NoModule'"):
        run(model="no_module")
    with pytest.raises(BrokenComponent, match="optimizer 'no_steps'"):
        run(optim={"optimizer": "no_steps"})
    with pytest.raises(BrokenComponent, match="OSError: gone"):
        run(model="fails")


def test_settings_of_torch_are_put_back(run: Callable[..., Any]) -> None:
    assert not torch.are_deterministic_algorithms_enabled()
    run()
    assert not torch.are_deterministic_algorithms_enabled()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_ctrl_c_stops_at_a_step_and_says_how_to_go_on(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    path = pipeline(train={"epochs": 5000, "evaluate_every": None}, hooks=["jsonl"], data__workers=1)
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "registry_core", "train", str(path), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while process.poll() is None and not (out / "metrics.jsonl").exists():
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert f"registry-core train --resume {out}" in printed
    assert "Traceback" not in errors


def test_a_component_alone() -> None:
    loss = registries.losses["cross_entropy"](label_smoothing=0.1).build()
    output, target = torch.randn(5, 4), torch.tensor([0, 1, 2, 3, 0])
    assert torch.equal(loss(output, target), nn.functional.cross_entropy(output, target, label_smoothing=0.1))


@pytest.mark.parametrize("name", registry_core.__all__)
def test_the_public_names_exist(name: str) -> None:
    assert getattr(registry_core, name) is not None


def test_there_are_no_other_public_names() -> None:
    assert dir(registry_core) == sorted(registry_core.__all__)
    with pytest.raises(AttributeError):
        registry_core.nothing  # noqa: B018  # the access is the test


def test_requirements_that_a_later_install_broke(distribution: Callable[..., Path]) -> None:
    folder = distribution("acme", "[registry_core.v1.losses]\n")
    lines = "Requires-Dist: torch>=99\nRequires-Dist: no-such-package>=1\nRequires-Dist: numpy>=1\n"
    lines += "Requires-Dist: pytest>=999; extra == 'test'\n"
    with (folder / "acme-1.0.dist-info" / "METADATA").open("a") as metadata:
        metadata.write(lines)
    with pytest.raises(
        RunError, match=r"torch is .*, not >=99, no-such-package is not installed.*pip install 'torch>=99'"
    ):
        check_requirements("acme")
    check_requirements()


def test_a_loss_that_sums_is_reported_by_the_sample(run: Callable[..., Any]) -> None:
    """Accumulated batches add up to the large batch, and rows hold the mean over the samples all the same."""
    loss = {"cross_entropy": {"reduction": "sum"}}
    optim = {"optimizer": {"sgd": {"lr": 1e-4}}}
    large = run("data.batch_size=120", loss=loss, optim=optim)
    small = run("data.batch_size=30", "train.accumulate=4", loss=loss, optim=optim)
    for name, value in weights(large).items():
        torch.testing.assert_close(weights(small)[name], value, atol=1e-6, rtol=1e-5)
    mean = run("data.batch_size=120", loss="cross_entropy", optim={"optimizer": {"sgd": {"lr": 120e-4}}})
    for metric in ("train/loss", "val/loss"):
        assert small.metrics[metric] == pytest.approx(mean.metrics[metric], rel=1e-2)
