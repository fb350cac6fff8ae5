"""Optimizers take torch's steps, bit for bit, and those of their textbooks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from registry_builtin.optimizers.adam import Adam, AdamW
from registry_builtin.optimizers.adam_kin import Adamax, NAdam, RAdam, SparseAdam
from registry_builtin.optimizers.descent import ASGD, SGD, Rprop
from registry_builtin.optimizers.lbfgs import LBFGS
from registry_builtin.optimizers.muon import Muon
from registry_builtin.optimizers.scaled import Adadelta, Adafactor, Adagrad, RMSprop
from torch import Tensor, nn

from registry_core.components import Optimizer
from registry_core.engine.checkpoint.tensor_tree import put_together, take_apart
from registry_core.registry import registries


def dense() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))


def matrices() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 8, bias=False), nn.Tanh(), nn.Linear(8, 2, bias=False))


def sparse() -> nn.Module:
    return nn.EmbeddingBag(12, 2, mode="sum", sparse=True)


def problem(network: Callable[[], nn.Module]) -> tuple[nn.Module, Tensor, Tensor]:
    """A small regression."""
    torch.manual_seed(3)
    model = network()
    inputs = torch.randint(0, 12, (16, 3)) if network is sparse else torch.randn(16, 5)
    return model, inputs, torch.randn(16, 2)


def train(optimizer: Any, model: nn.Module, inputs: Tensor, targets: Tensor, steps: int) -> list[Tensor]:
    """The weights after each step."""

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        return loss

    after = []
    for _ in range(steps):
        if isinstance(optimizer, torch.optim.LBFGS):
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
        after.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    return after


Case = tuple[type[Optimizer], type[torch.optim.Optimizer], dict[str, Any], Callable[[], nn.Module]]
OPTIM = torch.optim
CASES: list[Case] = [
    (SGD, OPTIM.SGD, {}, dense),
    (SGD, OPTIM.SGD, {"lr": 0.1}, dense),
    (SGD, OPTIM.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.1}, dense),
    (SGD, OPTIM.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-2}, dense),
    (SGD, OPTIM.SGD, {"momentum": 0.9, "fused": True}, dense),
    (SGD, OPTIM.SGD, {"lr": 0.1, "momentum": 0.9}, sparse),
    (ASGD, OPTIM.ASGD, {}, dense),
    (ASGD, OPTIM.ASGD, {"lr": 0.1, "lambd": 0.01, "alpha": 0.5, "t0": 3.0, "weight_decay": 0.1}, dense),
    (Rprop, OPTIM.Rprop, {}, dense),
    (Rprop, OPTIM.Rprop, {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.2)}, dense),
    (Adagrad, OPTIM.Adagrad, {}, dense),
    (
        Adagrad,
        OPTIM.Adagrad,
        {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-5},
        dense,
    ),
    (Adagrad, OPTIM.Adagrad, {"fused": True}, dense),
    (Adagrad, OPTIM.Adagrad, {"lr": 0.1}, sparse),
    (Adadelta, OPTIM.Adadelta, {}, dense),
    (Adadelta, OPTIM.Adadelta, {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1}, dense),
    (RMSprop, OPTIM.RMSprop, {}, dense),
    (
        RMSprop,
        OPTIM.RMSprop,
        {"lr": 0.001, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1, "momentum": 0.5, "centered": True},
        dense,
    ),
    (Adam, OPTIM.Adam, {}, dense),
    (
        Adam,
        OPTIM.Adam,
        {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-6, "weight_decay": 0.1, "amsgrad": True},
        dense,
    ),
    (Adam, OPTIM.Adam, {"fused": True}, dense),
    (AdamW, OPTIM.AdamW, {}, dense),
    (AdamW, OPTIM.AdamW, {"weight_decay": 0.3, "amsgrad": True, "fused": True}, dense),
    (Adamax, OPTIM.Adamax, {}, dense),
    (Adamax, OPTIM.Adamax, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-6, "weight_decay": 0.1}, dense),
    (NAdam, OPTIM.NAdam, {}, dense),
    (
        NAdam,
        OPTIM.NAdam,
        {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1, "momentum_decay": 0.1, "decoupled_weight_decay": True},
        dense,
    ),
    (RAdam, OPTIM.RAdam, {}, dense),
    (RAdam, OPTIM.RAdam, {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1, "decoupled_weight_decay": True}, dense),
    (Adafactor, OPTIM.Adafactor, {}, dense),
    (
        Adafactor,
        OPTIM.Adafactor,
        {"lr": 0.1, "beta2_decay": -0.5, "eps": (1e-8, 1e-2), "d": 2.0, "weight_decay": 0.1},
        dense,
    ),
    (SparseAdam, OPTIM.SparseAdam, {}, sparse),
    (SparseAdam, OPTIM.SparseAdam, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-6}, sparse),
    (LBFGS, OPTIM.LBFGS, {}, dense),
    (LBFGS, OPTIM.LBFGS, {"lr": 0.5, "max_iter": 3, "max_eval": 5, "history_size": 2}, dense),
    (LBFGS, OPTIM.LBFGS, {"max_iter": 4, "line_search_fn": "strong_wolfe", "history_size": 3}, dense),
    (LBFGS, OPTIM.LBFGS, {"max_iter": 2, "tolerance_grad": 1e-2, "tolerance_change": 1e-4}, sparse),
    (Muon, OPTIM.Muon, {}, matrices),
    (
        Muon,
        OPTIM.Muon,
        {"lr": 0.02, "weight_decay": 0.0, "momentum": 0.8, "nesterov": False, "adjust_lr_fn": "match_rms_adamw"},
        matrices,
    ),
    (Muon, OPTIM.Muon, {"ns_coefficients": (3.0, -4.0, 2.0), "eps": 1e-5, "ns_steps": 3}, matrices),
]
NAMES = {
    declaration: name
    for name in registries.optimizers
    if (declaration := registries.optimizers[name]).__module__.startswith("registry_builtin")
}
PARAMETERS = [
    pytest.param(
        *case,
        marks=pytest.mark.covers(f"optimizer/{NAMES[case[0]]}", reference=f"torch.optim.{case[1].__name__}"),
        id=f"{NAMES[case[0]]}-{number}",
    )
    for number, case in enumerate(CASES)
]
NETWORKS = {case[0]: case[3] for case in CASES}


def test_every_optimizer_is_compared_with_torch() -> None:
    assert {case[0] for case in CASES} == set(NAMES)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize(("declaration", "plain", "arguments", "network"), PARAMETERS)
def test_the_steps_of_plain_torch(
    declaration: type[Optimizer], plain: Any, arguments: dict[str, Any], network: Callable[[], nn.Module]
) -> None:
    """The same bits after every one of 12 steps, and again when it climbs."""
    ways = [arguments, {**arguments, "maximize": True}] if "maximize" in declaration.model_fields else [arguments]
    for way in ways:
        model, *data = problem(network)
        found = train(declaration(**way).build(model.parameters()), model, *data, steps=12)
        model, *data = problem(network)
        expected = train(plain(model.parameters(), **way), model, *data, steps=12)
        for step, (a, b) in enumerate(zip(found, expected, strict=True)):
            assert torch.equal(a, b), f"step {step} with {way}"
    assert not torch.equal(found[0], found[-1])


@pytest.mark.parametrize("declaration", [d for d in NAMES if "foreach" in d.model_fields], ids=lambda d: NAMES[d])
def test_foreach_is_exact_where_the_declaration_says_so(declaration: type[Optimizer]) -> None:
    both = []
    for foreach in (False, True):
        model, *data = problem(dense)
        both.append(train(declaration(foreach=foreach).build(model.parameters()), model, *data, steps=12)[-1])
    if "same bits" in str(declaration.model_fields["foreach"].description):
        assert torch.equal(*both)
    torch.testing.assert_close(*both)


UNUSED = {"params", "capturable", "differentiable"}
ELSEWHERE = {"adam": {"decoupled_weight_decay"}, "lbfgs": {"maximize"}}
"""Parameters of newer versions of torch only, or of another optimizer of ours."""


@pytest.mark.parametrize(("declaration", "plain"), {case[0]: case[1] for case in CASES}.items(), ids=str)
def test_parameters_and_defaults_are_those_of_torch(declaration: type[Optimizer], plain: Any) -> None:
    theirs = {name: p.default for name, p in inspect.signature(plain).parameters.items() if name not in UNUSED}
    ours = {name: field.default for name, field in declaration.model_fields.items()}
    assert ours == {name: theirs[name] for name in ours}
    assert set(theirs) - set(ours) <= ELSEWHERE.get(NAMES[declaration], {"foreach"} if declaration is Muon else set())


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("declaration", NAMES, ids=NAMES.get)
def test_state_survives_a_checkpoint(declaration: type[Optimizer]) -> None:
    """Five steps, the state through the form of checkpoints into a new optimizer, five more: the bits of ten steps."""
    network = NETWORKS[declaration]
    model, *data = problem(network)
    expected = train(declaration().build(model.parameters()), model, *data, steps=10)[-1]
    model, *data = problem(network)
    first = declaration().build(model.parameters())
    train(first, model, *data, steps=5)
    saved = put_together(*take_apart(first.state_dict()))
    again = problem(network)[0]
    again.load_state_dict(model.state_dict())
    second = declaration().build(again.parameters())
    second.load_state_dict(saved)
    assert torch.equal(train(second, again, *data, steps=5)[-1], expected)


def adagrad_takes_more() -> bool:
    """Whether torch itself can go on after ``add_param_group``; in 2.11 the new parameters lack their state."""
    first, second = (nn.Parameter(torch.zeros(2)) for _ in range(2))
    optimizer = OPTIM.Adagrad([first])
    optimizer.add_param_group({"params": [second]})
    second.grad = torch.ones(2)
    try:
        optimizer.step()
    except KeyError:
        return False
    return True


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("declaration", [d for d in NAMES if d.supports_groups], ids=NAMES.get)
def test_parameters_can_be_added_part_way(declaration: type[Optimizer]) -> None:
    """A second part that is trained from the fourth step on, as plain torch does it."""
    plain = {case[0]: case[1] for case in CASES}[declaration]
    if declaration is Adagrad and not adagrad_takes_more():
        pytest.skip("this version of torch gives Adagrad a state only for the parameters that it starts with")
    after = []
    for make in (lambda parameters: declaration().build(parameters), plain):
        parts = [problem(NETWORKS[declaration]) for _ in range(2)]
        optimizer = make(parts[0][0].parameters())
        train(optimizer, *parts[0], steps=3)
        assert all(p.grad is not None for p in parts[0][0].parameters())
        optimizer.add_param_group({"params": list(parts[1][0].parameters()), "lr": 0.123})
        late = train(optimizer, *parts[1], steps=3)
        optimizer.zero_grad()
        assert all(p.grad is None for model, *_ in parts for p in model.parameters())
        after.append(torch.stack(late))
    assert torch.equal(*after)
    assert not torch.equal(after[0][0], after[0][-1])


@pytest.mark.parametrize(
    ("declaration", "plain", "parameters"),
    [
        (SGD, OPTIM.SGD, {"lr": -0.1}),
        (SGD, OPTIM.SGD, {"momentum": -0.1}),
        (SGD, OPTIM.SGD, {"weight_decay": -0.1}),
        (SGD, OPTIM.SGD, {"nesterov": True}),
        (SGD, OPTIM.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
        (SGD, OPTIM.SGD, {"fused": True, "foreach": True}),
        (ASGD, OPTIM.ASGD, {"weight_decay": -0.1}),
        (Rprop, OPTIM.Rprop, {"etas": (0.5, 0.9)}),
        (Rprop, OPTIM.Rprop, {"etas": (0.0, 1.2)}),
        (Rprop, OPTIM.Rprop, {"lr": -0.1}),
        (Adagrad, OPTIM.Adagrad, {"lr_decay": -0.1}),
        (Adagrad, OPTIM.Adagrad, {"weight_decay": -0.1}),
        (Adagrad, OPTIM.Adagrad, {"initial_accumulator_value": -0.1}),
        (Adagrad, OPTIM.Adagrad, {"eps": -0.1}),
        (Adagrad, OPTIM.Adagrad, {"fused": True, "foreach": True}),
        (Adadelta, OPTIM.Adadelta, {"rho": 1.1}),
        (Adadelta, OPTIM.Adadelta, {"eps": -0.1}),
        (Adadelta, OPTIM.Adadelta, {"weight_decay": -0.1}),
        (RMSprop, OPTIM.RMSprop, {"alpha": -0.1}),
        (RMSprop, OPTIM.RMSprop, {"momentum": -0.1}),
        (RMSprop, OPTIM.RMSprop, {"eps": -0.1}),
        (Adam, OPTIM.Adam, {"betas": (1.0, 0.999)}),
        (Adam, OPTIM.Adam, {"betas": (0.9, 1.0)}),
        (Adam, OPTIM.Adam, {"fused": True, "foreach": True}),
        (AdamW, OPTIM.AdamW, {"eps": -0.1}),
        (AdamW, OPTIM.AdamW, {"weight_decay": -0.1}),
        (AdamW, OPTIM.AdamW, {"fused": True, "foreach": True}),
        (Adamax, OPTIM.Adamax, {"betas": (0.9, 1.0)}),
        (Adamax, OPTIM.Adamax, {"weight_decay": -0.1}),
        (NAdam, OPTIM.NAdam, {"momentum_decay": -0.1}),
        (NAdam, OPTIM.NAdam, {"betas": (1.0, 0.9)}),
        (RAdam, OPTIM.RAdam, {"betas": (0.9, 1.0)}),
        (RAdam, OPTIM.RAdam, {"eps": -0.1}),
        (Adafactor, OPTIM.Adafactor, {"beta2_decay": 0.1}),
        (Adafactor, OPTIM.Adafactor, {"eps": (None, -0.1)}),
        (Adafactor, OPTIM.Adafactor, {"eps": (-0.1, 0.1)}),
        (Adafactor, OPTIM.Adafactor, {"d": 0.5}),
        (SparseAdam, OPTIM.SparseAdam, {"lr": 0.0}),
        (SparseAdam, OPTIM.SparseAdam, {"eps": 0.0}),
        (SparseAdam, OPTIM.SparseAdam, {"betas": (0.9, 1.0)}),
        (LBFGS, OPTIM.LBFGS, {"lr": -1.0}),
        (Muon, OPTIM.Muon, {"momentum": -0.1}),
        (Muon, OPTIM.Muon, {"adjust_lr_fn": "other"}),
    ],
)
def test_what_torch_refuses_is_refused_before(
    declaration: type[Optimizer], plain: Any, parameters: dict[str, Any]
) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        plain([nn.Parameter(torch.zeros(2, 2))], **parameters)
    with pytest.raises(ValidationError):
        declaration(**parameters)


@pytest.mark.parametrize(
    ("declaration", "parameters"),
    [
        (LBFGS, {"line_search_fn": "wolfe"}),
        (LBFGS, {"history_size": 0}),
        (Muon, {"ns_steps": 100}),
        (Muon, {"ns_coefficients": [1.0, 2.0]}),
        (Rprop, {"step_sizes": [1.0, 0.1]}),
        (ASGD, {"lambd": -0.1}),
        (ASGD, {"alpha": -0.1}),
    ],
)
def test_what_torch_finds_late_or_never_is_refused_before(
    declaration: type[Optimizer], parameters: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        declaration(**parameters)


def steps(optimizer: Optimizer, gradients: list[float], start: float = 1.0) -> float:
    weight = nn.Parameter(torch.tensor([start], dtype=torch.float64))
    built = optimizer.build([weight])
    for gradient in gradients:
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        built.step()
    return weight.item()


def test_textbook_sgd() -> None:
    assert steps(SGD(lr=0.1, weight_decay=0.5), [2.0]) == pytest.approx(1 - 0.1 * (2 + 0.5 * 1))
    # velocity: 2, then 0.9 * 2 + 1 = 2.8
    assert steps(SGD(lr=0.1, momentum=0.9), [2.0, 1.0]) == pytest.approx(1 - 0.1 * 2 - 0.1 * 2.8)
    # Nesterov's step is gradient + momentum * velocity
    expected = 1 - 0.1 * (2 + 0.9 * 2) - 0.1 * (1 + 0.9 * 2.8)
    assert steps(SGD(lr=0.1, momentum=0.9, nesterov=True), [2.0, 1.0]) == pytest.approx(expected)
    assert steps(SGD(lr=0.1, maximize=True), [2.0]) == pytest.approx(1.2)


def adam_step(gradients: list[float], lr: float, b1: float, b2: float, eps: float, decay: float = 0.0) -> float:
    weight, m, v = 1.0, 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        weight -= lr * decay * weight
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        weight -= lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)) ** 0.5 + eps)
    return weight


def test_textbook_adam_and_adamw() -> None:
    gradients = [2.0, -1.0, 0.5]
    expected = adam_step(gradients, 0.1, 0.8, 0.9, 1e-3)
    assert steps(Adam(lr=0.1, betas=(0.8, 0.9), eps=1e-3), gradients) == pytest.approx(expected, rel=1e-9)
    expected = adam_step(gradients, 0.1, 0.9, 0.999, 1e-8, decay=0.2)
    assert steps(AdamW(lr=0.1, weight_decay=0.2), gradients) == pytest.approx(expected, rel=1e-9)


def test_textbook_rmsprop() -> None:
    weight, square = 1.0, 0.0
    for gradient in (2.0, -1.0):
        square = 0.9 * square + 0.1 * gradient**2
        weight -= 0.1 * gradient / (square**0.5 + 1e-3)
    assert steps(RMSprop(lr=0.1, alpha=0.9, eps=1e-3), [2.0, -1.0]) == pytest.approx(weight, rel=1e-9)


def test_groups_override_options() -> None:
    first, second = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    built = SGD(lr=0.1).build([{"params": [first]}, {"params": [second], "lr": 0.01}])
    assert [group["lr"] for group in built.param_groups] == [0.1, 0.01]


@pytest.mark.parametrize("parameters", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_needs_momentum_without_dampening(parameters: dict[str, float]) -> None:
    with pytest.raises(
        ValidationError, match="`nesterov` requires momentum above 0 and dampening 0, but momentum is 0"
    ):
        SGD(nesterov=True, **parameters)


@pytest.mark.parametrize(
    ("declaration", "parameters"),
    [
        (SGD, {"lr": 0.0}),
        (SGD, {"lr": "0.1"}),
        (Adam, {"betas": [0.9, 1.0]}),
        (RMSprop, {"fused": True}),
        (AdamW, {"eps": -1.0}),
    ],
)
def test_wrong_parameters_are_refused(declaration: type[Optimizer], parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        declaration(**parameters)
