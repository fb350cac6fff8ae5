"""Every optimizer is bit for bit that of the library, reduces a loss, and has a state that survives as plain data."""

# A test's name says what it shows.
from __future__ import annotations

import json
import math
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_optimizer.optimizer import OPTIMIZERS
from torch import nn

from registry_core.registry import registries

NAMES = sorted(name for name in registries.optimizers if name.startswith("pytorch_optimizer_"))

SHORT: dict[str, Any] = {
    "update_proj_gap": 5,
    "update_interval": 5,
    "precondition_frequency": 4,
    "preconditioning_compute_steps": 3,
    "start_preconditioning_step": 3,
    "lookahead_merge_time": 3,
    "k": 3,
    "warmup_steps": 3,
    "warmup_epoch": 4,
    "grad_accu_steps": 2,
    "num_iterations": 40,
    "memory_length": 6,
    "steps_before_using_centered": 3,
    "keep_num": 3,
    "beta1_warmup": 12,
    "t_alpha_beta3": 12.0,
    "t_max": 20,
    "rank": 3,
    "leading_basis": 2,
    "progressive_iter": 9,
    "threshold": 10,
}
"""Options that make rare events happen within a few steps."""

RATES = {"sara": 0.01, "nero": 0.05, "lbfgs": 0.1, "dadaptadagrad": 1.0}


def parameters_of(name: str) -> dict[str, Any]:
    declaration: Any = registries.optimizers[name]
    found = {key: value for key, value in SHORT.items() if key in declaration.model_fields}
    library_name = name.removeprefix("pytorch_optimizer_")
    if library_name in RATES:
        found["lr"] = RATES[library_name]
    if library_name == "sara":
        found["threshold"] = 10.0  # trains weights below the threshold
    return found


class LeastSquares:
    """A small network on fixed data, with matrices and, if the optimizer can train them, biases."""

    def __init__(self, name: str) -> None:
        declaration: Any = registries.optimizers[name]
        only_matrices = declaration.dimensions == (2, 2)
        generator = torch.Generator().manual_seed(0)
        torch.manual_seed(1)
        self.network = nn.Sequential(
            nn.Linear(12, 10, bias=not only_matrices), nn.Tanh(), nn.Linear(10, 3, bias=not only_matrices)
        )
        self.input = torch.randn(64, 12, generator=generator)
        teacher = nn.Sequential(nn.Linear(12, 10), nn.Tanh(), nn.Linear(10, 3))
        with torch.no_grad():
            for parameter in teacher.parameters():
                parameter.normal_(generator=generator).mul_(0.5)
            self.target = teacher(self.input)
        self.needs_closure = declaration.needs_closure
        weights = list(self.network.parameters())
        self.parameters: list[Any] = weights
        if "use_muon" in declaration.group_keys:
            self.parameters = [
                {"params": [weight for weight in weights if weight.ndim == 2]},
                {"params": [weight for weight in weights if weight.ndim < 2], "use_muon": False},
            ]

    def loss(self) -> torch.Tensor:
        difference: torch.Tensor = self.network(self.input) - self.target
        return (difference**2).mean()

    def train(self, optimizer: torch.optim.Optimizer, steps: int) -> None:
        for _ in range(steps):

            def closure() -> Any:
                optimizer.zero_grad()
                loss = self.loss()
                torch.autograd.backward(loss)
                return loss.detach()

            if self.needs_closure:
                optimizer.step(closure)
            else:
                closure()
                optimizer.step()

    def weights(self) -> list[torch.Tensor]:
        return [weight.detach().clone() for weight in self.network.parameters()]


def library(name: str, problem: LeastSquares) -> torch.optim.Optimizer:
    """Build the optimizer of the library with the options that differ from its defaults."""
    given = parameters_of(name)
    groups = problem.parameters
    declaration: Any = registries.optimizers[name]
    if "use_muon" in declaration.group_keys:
        groups = [{"use_muon": True, **group} for group in groups]
    elif "rank" in declaration.group_keys:
        keys = {"rank": 3, "update_proj_gap": 5, "scale": 1.0, "projection_type": "std"}
        groups, given = [{"params": groups, **keys}], {key: given[key] for key in given if key not in keys}
    made: Any = OPTIMIZERS[name.removeprefix("pytorch_optimizer_")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built: torch.optim.Optimizer = made(groups, **given)
    return built


def seeded() -> None:
    torch.manual_seed(7)
    random.seed(7)
    np.random.seed(7)


def generators() -> Callable[[], None]:
    """Save the state of all global generators, as checkpoints do, and return a function that restores it."""
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()

    def back() -> None:
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        np.random.set_state(states[2])

    return back


def through_json(value: Any) -> Any:
    """Convert a state as a checkpoint does: to JSON and contiguous tensors, and back."""
    tensors: list[torch.Tensor] = []

    def structure(item: Any) -> Any:
        if isinstance(item, torch.Tensor):
            tensors.append(item.detach().clone(memory_format=torch.contiguous_format))
            return {"tensor": len(tensors) - 1}
        if isinstance(item, dict):
            return {"items": [[structure(key), structure(each)] for key, each in item.items()]}
        if type(item) is tuple:
            return {"tuple": [structure(each) for each in item]}
        if type(item) is list:
            return [structure(each) for each in item]
        assert item is None or isinstance(item, (str, int, float, bool)), f"{type(item)} is not plain data"
        return item

    def back(item: Any) -> Any:
        if isinstance(item, list):
            return [back(each) for each in item]
        if not isinstance(item, dict):
            return item
        if "tensor" in item:
            return tensors[item["tensor"]]
        if "tuple" in item:
            return tuple(back(each) for each in item["tuple"])
        return {back(key): back(each) for key, each in item["items"]}

    return back(json.loads(json.dumps(structure(value))))


def same(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    return all(torch.equal(*pair) for pair in zip(left, right, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_librarys_lowers_the_loss_and_goes_on_from_plain_state(name: str) -> None:
    declared: Any = registries.optimizers[name](**parameters_of(name))
    ours, theirs, resumed = LeastSquares(name), LeastSquares(name), LeastSquares(name)
    before = ours.loss().item()

    seeded()
    optimizer = declared.build(ours.parameters)
    ours.train(optimizer, 7)
    seeded()
    theirs.train(library(name, theirs), 7)
    assert same(ours.weights(), theirs.weights())

    seeded()
    back = generators()
    state = through_json(optimizer.state_dict())
    resumed.network.load_state_dict(ours.network.state_dict())
    ours.train(optimizer, 23)
    after = ours.loss().item()
    assert math.isfinite(after)
    assert after < before

    second = declared.build(resumed.parameters)
    second.load_state_dict(state)
    back()
    resumed.train(second, 23)
    assert same(ours.weights(), resumed.weights())
    assert repr(through_json(second.state_dict())) == repr(through_json(optimizer.state_dict()))


@pytest.mark.parametrize("name", ["pytorch_optimizer_muon", "pytorch_optimizer_adamuon", "pytorch_optimizer_normuon"])
def test_groups_that_adamw_trains_take_its_options(name: str) -> None:
    matrix, bias = nn.Parameter(torch.ones(3, 3)), nn.Parameter(torch.ones(3))
    declared: Any = registries.optimizers[name](adamw_lr=0.02, adamw_wd=0.3)
    groups = [{"params": [matrix]}, {"params": [bias], "use_muon": False, "adamw_betas": (0.5, 0.6)}]
    first, second = declared.build(groups).param_groups
    assert (first["use_muon"], first["lr"], first["weight_decay"]) == (True, 0.02, 0.0)
    assert (second["use_muon"], second["lr"], second["betas"], second["weight_decay"]) == (False, 0.02, (0.5, 0.6), 0.3)


def test_a_group_without_rank_is_not_projected() -> None:
    first, second = nn.Parameter(torch.rand(6, 5)), nn.Parameter(torch.rand(6, 5))
    declared: Any = registries.optimizers["pytorch_optimizer_galore"](rank=2)
    optimizer = declared.build([{"params": [first]}, {"params": [second], "rank": None}])
    torch.autograd.backward(first.sum() + second.sum())
    optimizer.step()
    assert "projector" in optimizer.state[first]
    assert "projector" not in optimizer.state[second]


def test_an_unbounded_growth_is_infinite_in_groups_too() -> None:
    declared: Any = registries.optimizers["pytorch_optimizer_prodigy"](growth_rate=2.0)
    groups = [{"params": [nn.Parameter(torch.ones(2))]}, {"params": [nn.Parameter(torch.ones(2))], "growth_rate": None}]
    assert [group["growth_rate"] for group in declared.build(groups).param_groups] == [2.0, math.inf]
