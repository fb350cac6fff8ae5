"""Timm optimizers take the same steps as in timm, continue from a saved state, and report mistakes."""

# A test's name says what it shows.
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import timm.optim
import torch
from pipelines import same, written
from pydantic import ValidationError
from timm.optim import (  # type: ignore[attr-defined]  # timm re-exports them implicitly
    create_optimizer_v2,
    list_optimizers,
)

import registry_core
from registry_core import registries
from registry_core.components import CheckFailed, ParameterFacts

DATA = json.loads((Path(__file__).parent.parent / "registry_core_timm" / "data" / "optimizers.json").read_text())
OFFERED = sorted(set(DATA["optimizers"]) & set(list_optimizers()))
NEEDED = {"adafactor": {"lr": 0.01}, "cadafactor": {"lr": 0.01}, "sgdp": {"lr": 0.01}, "csgdp": {"lr": 0.01}}
"""Options without a default."""


def declared(name: str, **options: Any) -> Any:
    return registries.optimizers[f"timm_{name}"](**{**NEEDED.get(name, {}), **options})


def parameters() -> list[torch.nn.Parameter]:
    """Return a matrix, one large enough to be factored, a convolution kernel, and a vector."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((4, 3), (20, 18), (5, 3, 3, 3), (7,))
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def quadratic(own: list[torch.nn.Parameter]) -> torch.Tensor:
    return sum((((parameter - 0.1) ** 2).mean() for parameter in own), torch.zeros(()))


def step(optimizer: torch.optim.Optimizer, own: list[torch.nn.Parameter], count: int) -> float:
    """Take steps and return the loss after them."""
    for _ in range(count):
        optimizer.zero_grad()
        torch.autograd.backward(quadratic(own))
        optimizer.step()
    return quadratic(own).item()


def equal(left: list[torch.nn.Parameter], right: list[torch.nn.Parameter]) -> bool:
    return all(map(torch.equal, left, right))


def plain(state: Any) -> bool:
    """Return True if the state consists of tensors and plain data, as checkpoints require."""
    if isinstance(state, dict):
        return all(map(plain, state)) and all(map(plain, state.values()))
    if isinstance(state, (list, tuple)):
        return all(map(plain, state))
    return state is None or isinstance(state, (torch.Tensor, str, int, float, bool))


@pytest.mark.parametrize("name", OFFERED)
def test_it_steps_as_timm_does(name: str) -> None:
    """Compare with ``create_optimizer_v2``, with its defaults and with weight decay."""
    cases: tuple[dict[str, Any], ...] = ({}, {"weight_decay": 0.1})
    for options in cases:
        ours, theirs = parameters(), parameters()
        lr: dict[str, Any] = {**NEEDED.get(name, {}), **options}
        built = declared(name, **options).build(ours)
        reference = create_optimizer_v2(theirs, opt=name, **lr)
        assert type(built) is type(reference)
        assert built.defaults == reference.defaults
        step(built, ours, 4)
        step(reference, theirs, 4)
        assert equal(ours, theirs), options


@pytest.mark.parametrize("name", OFFERED)
def test_it_lowers_a_quadratic(name: str) -> None:
    own = parameters()
    lr = 1.0 if name in ("adadelta",) else 0.02
    before = quadratic(own).item()
    assert step(declared(name, lr=lr).build(own), own, 60) < 0.95 * before


@pytest.mark.parametrize("name", OFFERED)
def test_it_goes_on_from_a_saved_state(name: str) -> None:
    """It continues bit for bit, from tensors and plain data."""
    whole, parted = parameters(), parameters()
    uninterrupted = declared(name, weight_decay=0.01).build(whole)
    step(uninterrupted, whole, 7)
    first = declared(name, weight_decay=0.01).build(parted)
    step(first, parted, 3)
    saved = first.state_dict()
    assert plain(saved)
    saved = torch.utils._pytree.tree_map(lambda leaf: leaf.clone() if isinstance(leaf, torch.Tensor) else leaf, saved)
    again = declared(name, weight_decay=0.01).build(parted)
    again.load_state_dict(saved)
    step(again, parted, 4)
    assert equal(whole, parted)


@pytest.mark.parametrize("name", OFFERED)
def test_groups_have_options_of_their_own(name: str) -> None:
    """A group with another learning rate takes the same steps as a separate optimizer with that rate."""
    if name in ("lamb", "lambc", "lambcw", "lambw", "lambcd", "clamb", "clambw"):
        pytest.skip("LAMB clips the gradients of all groups together")
    if "corrected_weight_decay" in DATA["optimizers"][name]["set"]:
        pytest.skip("timm corrects weight decay by the learning rate of the optimizer, not of the group")
    own, apart = parameters(), parameters()
    declaration = declared(name, lr=0.01, weight_decay=0.01)
    together = declaration.build([{"params": own[:2]}, {"params": own[2:], "lr": 0.05}])
    assert [group["lr"] for group in together.param_groups] == [0.01, 0.05]
    step(together, own, 3)
    left = declaration.build(apart[:2])
    right = declared(name, lr=0.05, weight_decay=0.01).build(apart[2:])
    for _ in range(3):
        for optimizer in (left, right):
            optimizer.zero_grad()
        torch.autograd.backward(quadratic(apart))
        left.step()
        right.step()
    assert equal(own, apart)


def test_every_optimizer_of_the_data_has_a_learning_rate_above_0() -> None:
    for name in DATA["optimizers"]:
        fields = registries.optimizers[f"timm_{name}"].model_fields
        assert fields["lr"].metadata[0].gt == 0
        assert all(field.description and field.description.endswith(".") for field in fields.values()), name


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("lion", {"lr": 0.0}, "greater than 0"),
    ("lion", {"betas": [0.9]}, "Field required"),
    ("lion", {"betas": [0.9, 1.0]}, "less than 1"),
    ("lamb", {"weight_decay": -0.1}, "greater than or equal to 0"),
    ("adafactor", {}, "Field required"),
    ("sgdp", {}, "Field required"),
    ("sgd", {"momentum": 0.0}, "`nesterov` requires momentum above 0"),
    ("adamw", {"fused": True, "foreach": True}, "alternative implementations of a step"),
    ("mars", {"lion": True}, "Extra inputs"),
]


@pytest.mark.parametrize(("name", "options", "message"), MISTAKES)
def test_mistakes(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        registries.optimizers[f"timm_{name}"](**options)


def test_sparse_gradients_are_refused() -> None:
    sparse = [ParameterFacts("bag.weight", (10, 3), sparse=True)]
    with pytest.raises(CheckFailed, match=r"does not support sparse gradients, but 'bag\.weight' would have them"):
        declared("lion").check_parameters(sparse)
    with pytest.raises(CheckFailed, match="does not support sparse gradients with weight_decay"):
        declared("sgd", weight_decay=0.1).check_parameters(sparse)
    declared("sgd").check_parameters(sparse)
    declared("lion").check_parameters([ParameterFacts("weight", (10, 3), sparse=False)])


def test_an_option_that_groups_cannot_have() -> None:
    own = parameters()
    with pytest.raises(CheckFailed, match="'betas' of the optimizer 'timm_adafactor' applies to all parameters"):
        declared("adafactor").build([{"params": own[:2]}, {"params": own[2:], "betas": (0.9, 0.99)}])


def test_a_timm_that_lacks_an_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(timm.optim, "list_optimizers", lambda: ["adamw"])
    with pytest.raises(CheckFailed, match="has no optimizer 'lion'") as failed:
        declared("lion").build(parameters())
    assert failed.value.remedy == f"Run: pip install 'timm=={DATA['timm']}'"


def test_a_timm_that_lacks_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing option with its default is omitted; another value is refused."""

    class Older(torch.optim.SGD):
        def __init__(self, params: Any, lr: float, betas: Any, weight_decay: float) -> None:
            super().__init__(params, lr)

    monkeypatch.setattr(timm.optim, "get_optimizer_class", lambda name, bind_defaults: Older)
    declared("lion").build(parameters())
    with pytest.raises(CheckFailed, match="has no option 'caution' of the optimizer 'lion'"):
        declared("lion", caution=True).build(parameters())


PIPELINES = ("lion", "adafactorbv", "madgrad", "mars", "adan", "lamb", "laprop", "csgdw")


@pytest.mark.parametrize("name", PIPELINES)
def test_a_run_resumes_bit_for_bit(name: str, tmp_path: Path) -> None:
    optimizer = {f"timm_{name}": {"lr": 0.003, "weight_decay": 0.01}}
    path = written(tmp_path, optim__optimizer=optimizer, metrics=[], data__val=None)
    whole = registry_core.train(registry_core.load(path), tmp_path / "whole")
    registry_core.train(registry_core.load(path, ["train.max_steps=5"]), tmp_path / "parted")
    resumed = registry_core.resume(tmp_path / "parted", registry_core.load(path))
    assert (resumed.summary["guarantee"], resumed.position.step) == ("exact", whole.position.step)
    assert same(resumed.pipeline.model.state_dict(), whole.pipeline.model.state_dict())
