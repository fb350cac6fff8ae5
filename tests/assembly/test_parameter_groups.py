"""Which parameter learns how fast: groups by name and by module, and rates that decay from layer to layer."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from conftest import Ended
from torch import nn

import registry_core
from registry_core.assembly.model.layers import layers_of
from registry_core.assembly.optim.parameters import group_parameters
from registry_core.config.groups import Group, LayerDecay
from registry_core.diagnostics import PipelineError

NET = {"net": {"in_channels": 1, "size": 8, "padding": 2, "num_classes": 10}}


def options(result: Any, option: str) -> dict[str, Any]:
    """An option of each parameter, as torch's optimizer has it."""
    names = {id(parameter): name for name, parameter in result.pipeline.model.named_parameters()}
    groups = result.pipeline.optimizer.param_groups
    return {names[id(parameter)]: group[option] for group in groups for parameter in group["params"]}


@pytest.mark.covers("section/groups", reference="groups listed by hand")
@pytest.mark.covers("section/groups", reference="a table written by hand")
def test_groups_by_module_and_by_name(run: Callable[..., Any]) -> None:
    groups: list[dict[str, Any]] = [
        {"modules": "Conv2d", "lr": 0.01},
        {"modules": ["Linear", "Conv2d"], "parameters": r".*\.bias", "weight_decay": 0.0},
    ]
    result = run(model=NET, optim={"optimizer": {"adamw": {"lr": 0.1, "weight_decay": 0.5}}, "groups": groups})
    expected = {
        "conv1.weight": (0.01, 0.5),
        "conv1.bias": (0.1, 0.0),
        "conv2.weight": (0.01, 0.5),
        "conv2.bias": (0.1, 0.0),
    }
    for layer in ("fc1", "fc2", "fc3"):
        expected |= {f"{layer}.weight": (0.1, 0.5), f"{layer}.bias": (0.1, 0.0)}
    lrs, decays = options(result, "lr"), options(result, "weight_decay")
    assert {name: (lrs[name], decays[name]) for name in lrs} == expected


def test_no_decay_for_norms_and_biases() -> None:
    """The line of docs/finetuning.md, against a list written by hand."""
    model = torchvision.models.resnet18()
    wanted = {n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    expected = {f"{norm}.{part}" for norm in wanted for part in ("weight", "bias")} | {"fc.bias"}
    groups = (Group(modules="_NormBase", weight_decay=0.0), Group(parameters=r".*\.bias", weight_decay=0.0))
    found = group_parameters(model, groups)
    assert {name for group in found[1:] for name in group.names} == expected
    assert sum(len(group.names) for group in found) == len(list(model.parameters()))


def test_a_module_stands_for_all_parameters_inside_of_it() -> None:
    found = group_parameters(torchvision.models.resnet18(), (Group(modules="BasicBlock", lr=0.1),))
    assert set(found[1].names) == {
        name for name, _ in torchvision.models.resnet18().named_parameters() if name.startswith("layer")
    }


def test_modules_of_no_such_class() -> None:
    with pytest.raises(PipelineError, match=r"groups\[0\]\.modules: No module .* of class BatchNorm9d\. .* Linear"):
        group_parameters(nn.Linear(2, 2), (Group(modules="BatchNorm9d", lr=0.1),))


@pytest.mark.covers("section/groups", reference="the formula of layer-wise decay")
@pytest.mark.covers("section/groups", reference="the formula lr * factor ** (N - n)")
def test_layer_decay_by_its_formula(run: Callable[..., Any]) -> None:
    groups = [{"parameters": r"fc3\..*", "lr": 1.0}, {"parameters": r".*\.bias", "momentum": 0.0}]
    optim = {"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9}}, "groups": groups, "layer_decay": {"factor": 0.5}}
    result = run(model=NET, optim=optim)
    expected = {}
    for number, layer in enumerate(("conv1", "conv2", "fc1", "fc2", "fc3"), 1):
        rate = 0.1 * 0.5 ** (5 - number)
        expected |= {f"{layer}.weight": rate, f"{layer}.bias": rate}
    expected["fc3.weight"] = 1.0  # the group's own rate; its bias is of the later group, with the optimizer's
    assert options(result, "lr") == pytest.approx(expected)
    assert {n: m for n, m in options(result, "momentum").items() if m == 0} == {
        f"{layer}.bias": 0.0 for layer in ("conv1", "conv2", "fc1", "fc2", "fc3")
    }


def test_a_schedule_keeps_the_ratio_of_layers(run: Callable[..., Any]) -> None:
    """After two epochs of gamma 0.1 each rate is a hundredth of its first."""
    optim = {
        "optimizer": {"sgd": {"lr": 0.1}},
        "layer_decay": {"factor": 0.5},
        "scheduler": {"exponential": {"gamma": 0.1}},
    }
    result = run(model=NET, optim=optim, train={"epochs": 2})
    assert options(result, "lr")["conv1.bias"] == pytest.approx(0.1 * 0.5**4 * 0.01)
    assert options(result, "lr")["fc3.bias"] == pytest.approx(0.1 * 0.01)


def test_a_schedule_that_would_level_the_rates(run: Callable[..., Any]) -> None:
    optim: dict[str, Any] = {"optimizer": {"sgd": {"lr": 0.1}}, "groups": [{"modules": "Conv2d", "lr": 0.01}]}
    with pytest.raises(PipelineError, match=r"'one_cycle' sets one rate for all .*, but a group has the rate 0\.01\."):
        run(model=NET, optim={**optim, "scheduler": {"one_cycle": {"max_lr": 0.4, "cycle_momentum": False}}})
    schedule = {"one_cycle": {"max_lr": [0.4, 0.04], "cycle_momentum": False, "pct_start": 0.5}}
    result = run(model=NET, optim={**optim, "scheduler": schedule}, train={"max_steps": 3})
    assert [group["max_lr"] for group in result.pipeline.optimizer.param_groups] == [0.4, 0.04]


def names(model: nn.Module, patterns: tuple[str, ...] | None = None) -> list[str]:
    layers = layers_of(model, patterns)
    found = [name for layer in layers for name in layer.parameters]
    assert sorted(found) == sorted(name for name, _ in model.named_parameters())
    return [layer.name for layer in layers]


def test_layers_of_known_models() -> None:
    """The layers that the models' own definitions name; norms belong to what they follow."""
    blocks = [f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)]
    assert names(torchvision.models.resnet18()) == ["conv1", *blocks, "fc"]
    with torch.device("meta"):
        vit = torchvision.models.vit_b_16()
        efficientnet = torchvision.models.efficientnet_b0()
    layers = [f"encoder.layers.encoder_layer_{n}" for n in range(12)]
    assert names(vit) == ["conv_proj", *layers, "heads.head"]
    of = {name: layer.name for layer in layers_of(vit, None) for name in layer.parameters}
    assert of["class_token"] == of["encoder.pos_embedding"] == "conv_proj"
    assert of["encoder.ln.weight"] == "encoder.layers.encoder_layer_11"
    assert names(efficientnet) == [*[f"features.{n}" for n in range(9)], "classifier.1"]


def test_layers_by_pattern_count_numbers_in_their_order() -> None:
    model = nn.ModuleDict({"blocks": nn.ModuleList(nn.Linear(1, 1) for _ in range(11)), "head": nn.Linear(1, 1)})
    found = names(model, (r"blocks\.(\d+)\..*", r"head\..*"))
    assert found == [rf"blocks\.(\d+)\..* ({n})" for n in range(11)] + [r"head\..*"]


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ((r"0\..*",), r"No pattern matches 1\.weight, 1\.bias"),
        ((r".*", r"stem\..*"), r"layers\[1\]: 'stem\\\..*' matches no parameter"),
    ],
)
def test_patterns_that_leave_something_out(patterns: tuple[str, ...], message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        layers_of(nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)), patterns)


def test_the_factor_is_a_share() -> None:
    with pytest.raises(ValueError, match="less than or equal to 1"):
        LayerDecay(factor=1.5)


def test_every_parameter_is_in_the_tables(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    optim = {
        "optimizer": {"sgd": {"lr": 0.1}},
        "groups": [{"modules": "Linear", "lr": 0.01}],
        "layer_decay": {"factor": 0.5},
    }
    path = pipeline(model=NET, optim=optim)
    printed = command("plan", path, "--build").out
    assert re.search(r"^  1 +all others +conv2 +0\.0125 +2 +2,416$", printed, re.MULTILINE)
    assert re.search(r"^  4 +Linear +fc3 +0\.01 +2 +850$", printed, re.MULTILINE)
    registry_core.train(registry_core.load(path), tmp_path / "run")
    table = (tmp_path / "run" / "parameters.txt").read_text()
    assert re.search(r"^  1 +all others +conv2 +0\.0125 +2 +2,416$", table, re.MULTILINE)
    assert re.search(r"^  fc3\.weight +10 x 84 +4$", table, re.MULTILINE)


def test_a_general_group_may_be_refined_completely(run: Callable[..., Any]) -> None:
    """Two later groups take the biases together: the first one is left with nothing, and the others train."""
    groups: list[dict[str, Any]] = [
        {"parameters": r".*\.bias", "lr": 0.3},
        {"modules": "Conv2d", "lr": 0.02},
        {"modules": "Linear", "lr": 0.01},
    ]
    cycle = {"base_lr": [0.1, 0.2], "max_lr": 0.3, "cycle_momentum": False, "step_size_up": 2}
    optim = {"optimizer": "sgd", "groups": groups, "scheduler": {"cyclic": cycle}}
    result = run(model=NET, optim=optim)
    assert [group["initial_lr"] for group in result.pipeline.optimizer.param_groups] == [0.1, 0.2]
    with pytest.raises(PipelineError, match=r"groups\[0\]: The group is empty: later groups, optim.groups\[1\]"):
        run(model=NET, optim={"optimizer": "sgd", "groups": [groups[0], {"parameters": ".*", "lr": 0.02}]})
