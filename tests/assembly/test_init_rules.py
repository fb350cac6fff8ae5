"""Rules of `init` in a pipeline: what they set, what a person can read of it, and rules that cannot work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT, Ended
from torch import nn

import registry_core
from registry_core.assembly.model.first_values import initialise
from registry_core.assembly.pipeline import build_model, seed_everything
from registry_core.config.models import InitRule
from registry_core.diagnostics import BrokenComponent, PipelineError
from registry_core.planning.make import make_plan
from registry_core.registry import registries


def scheme(name: str, **parameters: Any) -> Any:
    return registries.inits[name](**parameters).with_record(name, registries.inits.record(name))


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))


BY_LAYER_TYPE = (
    InitRule(modules="Conv2d", weight=scheme("xavier_normal"), bias=scheme("zeros")),
    InitRule(modules="BatchNorm2d", weight=scheme("ones"), bias=scheme("zeros")),
    InitRule(modules="Linear", weight=scheme("normal", std=0.01), bias=scheme("zeros")),
)


def initialize_weights(model: nn.Module) -> None:
    """First values by layer type, in plain torch."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
            nn.init.zeros_(module.bias)


@pytest.mark.covers("section/init", reference="torch.nn.init, called by layer type")
def test_rules_by_layer_type_give_the_values_of_plain_torch() -> None:
    """By module type: convolutions without bias, batch normalisation, and linear layers."""
    ours, plain = network(), network()
    for model in (ours, plain):
        nn.init.constant_(model[1].weight, 7.0)
    torch.manual_seed(4)
    report = initialise(ours, BY_LAYER_TYPE)
    torch.manual_seed(4)
    initialize_weights(plain)
    for name, expected in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[name], expected), name
    assert report == {
        "0.weight": "init[0]: xavier_normal",
        "1.weight": "init[1]: ones",
        "1.bias": "init[1]: zeros",
        "4.weight": "init[2]: normal",
        "4.bias": "init[2]: zeros",
    }


def test_a_rule_for_what_its_modules_do_not_have_is_an_error() -> None:
    with pytest.raises(PipelineError) as failed:
        initialise(network(), (InitRule(modules=("Conv2d", "ReLU"), bias=scheme("zeros")),))
    (problem,) = failed.value.problems
    assert (
        str(problem) == "init[0].bias: The modules that it matches have no bias: '0', '2'. Remove the rule. [init-rule]"
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            InitRule(modules="Linear", bias=scheme("xavier_uniform")),
            "The init scheme 'xavier_uniform' cannot fill '4.bias' of shape [5]: it needs at least 2 dimensions.",
        ),
        (
            InitRule(modules="Conv2d", weight=scheme("eye")),
            "The init scheme 'eye' cannot fill '0.weight' of shape [4, 1, 3, 3]: it needs 2 dimensions.",
        ),
        (
            InitRule(modules="Conv2d", weight=scheme("sparse", sparsity=0.1)),
            "The init scheme 'sparse' cannot fill '0.weight' of shape [4, 1, 3, 3]: it needs 2 dimensions.",
        ),
        (
            InitRule(parameters=r"4\.weight", init=scheme("dirac")),
            "The init scheme 'dirac' cannot fill '4.weight' of shape [5, 144]: it needs 3 to 5 dimensions.",
        ),
        (
            InitRule(modules="Conv2d", weight=scheme("dirac", groups=3)),
            "The init scheme 'dirac' cannot fill '0.weight' of shape [4, 1, 3, 3]: its 3 groups do not divide the "
            "4 output channels. Set groups to the number of groups of the convolution.",
        ),
    ],
)
def test_a_scheme_that_cannot_fill_a_parameter_names_both(rule: InitRule, message: str) -> None:
    with pytest.raises(PipelineError) as failed:
        initialise(network(), (InitRule(parameters=".*", init=scheme("zeros")), rule))
    (problem,) = failed.value.problems
    assert problem.path in {f"init[1].{key}" for key in ("weight", "bias", "init") if getattr(rule, key) is not None}
    assert f"{problem.message} {problem.remedy}".startswith(message)
    assert problem.remedy


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        ("ValueError('too flat')", PipelineError, r"'flat' cannot fill '0.weight' of shape \[4, 1, 3, 3\]: too flat\."),
        ("OSError('gone')", BrokenComponent, r"init 'flat' of acme 1.0 failed .* filled a parameter: OSError: gone"),
    ],
)
def test_a_foreign_scheme_that_fails(
    distribution: Callable[..., Path], error: str, expected: type[Exception], message: str
) -> None:
    text = f"def flat(tensor):\n    raise {error}\n"
    distribution("acme", "[registry_core.v1.inits]\nflat = acme_init:flat\n", modules={"acme_init": text})
    with pytest.raises(expected, match=message):
        initialise(network(), (InitRule(modules="Conv2d", weight=scheme("flat")),))


def test_a_shared_parameter_has_one_line() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    report = initialise(model, (InitRule(names="1", weight=scheme("ones")),))
    assert report == {"0.weight": "init[0]: ones", "0.bias": "the model's own", "1.bias": "the model's own"}


def test_a_run_writes_which_rule_set_what(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    rules = [
        {"modules": "Linear", "weight": {"xavier_uniform": {"gain": {"nonlinearity": "relu"}}}},
        {"parameters": r"3\.weight", "init": {"orthogonal": {"gain": 0.5}}},
    ]
    path = pipeline(init=rules, train={"max_steps": 1})
    result = registry_core.train(registry_core.load(path), tmp_path / "run")
    assert (result.directory / "init.txt").read_text() == (
        "1.weight  [16, 64]  init[0]: xavier_uniform\n"
        "1.bias    [16]      the model's own\n"
        "3.weight  [10, 16]  init[1]: orthogonal\n"
        "3.bias    [10]      the model's own\n"
        "2 of 4 parameters were set by a rule of `init`.\n"
        "No rule set: 1.bias, 3.bias\n"
    )
    again = registry_core.train(registry_core.load(result.directory / "pipeline.json"), tmp_path / "again")
    for name, value in result.pipeline.model.state_dict().items():
        assert torch.equal(again.pipeline.model.state_dict()[name], value), name


def test_the_command_says_what_is_wrong(command: Callable[..., Ended], pipeline: Callable[..., Path]) -> None:
    path = pipeline(init=[{"modules": "Linear", "weight": "zeros"}, {"parameters": ".*", "init": "eye"}])
    ended = command("plan", path, "--build")
    assert ended.code == 2
    what = "cannot fill '1.bias' of shape [16], nor 1 other that the rule matches: it needs 2 dimensions."
    assert f"init[1].init: The init scheme 'eye' {what}" in ended.err
    wrong = pipeline(init=[{"modules": "Linear", "weight": {"xavier_normal": {"gain": {"nonlinearity": "leaky"}}}}])
    ended = command("validate", wrong)
    assert ended.code == 2
    assert "init[0].weight.xavier_normal.gain: 'leaky' is not a nonlinearity" in ended.err


def test_the_example_starts_as_the_notes_do(tmp_path: Path) -> None:
    """examples/initialize_weights.yaml: the values of plain torch on the same model, and a report of them."""
    spec = registry_core.load(
        ROOT / "examples" / "initialize_weights.yaml", ["train.device=cpu", "train.max_steps=1"]
    ).spec
    model, _ = build_seeded(spec)
    torch.manual_seed(0)
    plain = spec.model.build()
    initialize_weights(plain)
    assert {type(module).__name__ for module in plain.modules()} >= {"Conv2d", "BatchNorm2d", "Linear"}
    for name, expected in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], expected), name
    assert model.fc1.weight.std().item() == pytest.approx(0.01, rel=0.02)
    result = registry_core.train(spec, tmp_path / "run")
    report = (result.directory / "init.txt").read_text().splitlines()
    assert report[0].split() == ["conv1.weight", "[16,", "1,", "3,", "3]", "init[0]:", "xavier_normal"]
    assert report[-1] == "12 of 12 parameters were set by a rule of `init`."


def build_seeded(spec: Any) -> tuple[Any, dict[str, str]]:
    seed_everything(spec.seed)
    return build_model(make_plan(spec), torch.device("cpu"))


def test_every_scheme_in_a_pipeline(tmp_path: Path) -> None:
    """tests/pipelines/inits.yaml: the values of torch.nn.init in the same order, and a loss that falls."""
    spec = registry_core.load(ROOT / "tests" / "pipelines" / "inits.yaml", ["train.log_every=1 step"]).spec
    used = {scheme.name for rule in spec.init for scheme in (rule.weight, rule.bias, rule.init) if scheme is not None}
    names = registries.inits
    assert used == {name for name in names if names.record(name).distribution == "registry-core"}
    model, _ = build_seeded(spec)
    torch.manual_seed(3)
    plain: Any = spec.model.build()
    init = nn.init
    for layer in (plain.conv1, plain.bn1, plain.conv2, plain.bn2, plain.fc1, plain.fc2, plain.fc3, plain.fc6):
        init.zeros_(layer.bias)
    init.zeros_(plain.fc4.bias)
    init.zeros_(plain.fc5.bias)
    init.kaiming_normal_(plain.conv1.weight, mode="fan_out", nonlinearity="relu")
    init.uniform_(plain.conv1.bias, -0.1, 0.1)
    init.ones_(plain.bn1.weight)
    init.dirac_(plain.conv2.weight)
    init.constant_(plain.bn2.weight, 0.9)
    init.normal_(plain.bn2.bias, std=0.01)
    init.xavier_uniform_(plain.fc1.weight, init.calculate_gain("tanh"))
    init.trunc_normal_(plain.fc1.bias, std=0.02, a=-0.04, b=0.04)
    init.eye_(plain.fc2.weight)
    init.orthogonal_(plain.fc3.weight, init.calculate_gain("leaky_relu", 0.2))
    init.kaiming_uniform_(plain.fc4.weight, a=0.2)
    init.sparse_(plain.fc5.weight, 0.8, std=0.3)
    init.xavier_normal_(plain.fc6.weight)
    for name, expected in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], expected), name
    result = registry_core.train(spec, tmp_path / "run")
    losses = [json.loads(line)["train/loss"] for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    assert sum(losses[-23:]) / 23 < losses[0] / 2  # the last of three epochs
