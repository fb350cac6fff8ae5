"""The easy door: plain classes and functions as entry points, their parameters read from the signature."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from registry_core.registry import registries
from registry_core.registry.describe import describe

MODULE = '''
import torch
from torch import nn


class Focal(nn.Module):
    """Down-weight easy samples."""

    def __init__(self, gamma: float = 2.0, reduction="mean", *, size: int | None = None):
        super().__init__()
        self.gamma, self.reduction = gamma, reduction

    def forward(self, output, target):
        loss = nn.functional.cross_entropy(output, target, reduction="none")
        return ((1 - (-loss).exp()) ** self.gamma * loss).mean()


def squared(output, target, scale: float = 1.0):
    return scale * (output - target).square().mean()


def darken(image, factor: float):
    return image.point(lambda value: int(value * factor))


class Halves(torch.optim.SGD):
    def __init__(self, params, lr: float = 0.5):
        super().__init__(params, lr=lr)


def open_ended(tensor, std=0.1, **others):
    return tensor.fill_(std)
'''


@pytest.fixture
def acme(distribution: Callable[..., Path]) -> None:
    distribution(
        "acme",
        "[registry_core.v1.losses]\nfocal = acme_plain:Focal\nsquared = acme_plain:squared\n"
        "[registry_core.v1.transforms]\ndarken = acme_plain:darken\n"
        "[registry_core.v1.optimizers]\nhalves = acme_plain:Halves\n"
        "[registry_core.v1.inits]\nopen_ended = acme_plain:open_ended\n",
        modules={"acme_plain": MODULE},
    )


@pytest.mark.usefixtures("acme")
def test_a_class_is_declared_from_its_signature() -> None:
    described = describe(registries.losses, "focal")
    assert described.summary == "Down-weight easy samples."
    assert [(p.name, p.type, p.default) for p in described.parameters] == [
        ("gamma", "number", "default 2.0"),
        ("reduction", "text", "default mean"),
        ("size", "whole number or null", "default null"),
    ]
    module = registries.losses["focal"](gamma=0).build()
    output, target = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    torch.testing.assert_close(module(output, target), torch.nn.functional.cross_entropy(output, target))


@pytest.mark.usefixtures("acme")
def test_parameters_are_checked() -> None:
    with pytest.raises(ValidationError, match="gama"):
        registries.losses["focal"](gama=1.0)
    with pytest.raises(ValidationError, match="valid number"):
        registries.losses["focal"](gamma="2")
    with pytest.raises(ValidationError, match="factor"):
        registries.transforms["darken"]()


@pytest.mark.usefixtures("acme")
def test_functions_become_what_their_kind_needs() -> None:
    loss = registries.losses["squared"](scale=2.0).build()
    assert isinstance(loss, torch.nn.Module)
    assert loss(torch.tensor([3.0]), torch.tensor([1.0])) == 8
    optimizer = registries.optimizers["halves"]().build([torch.nn.Parameter(torch.zeros(1))])
    assert optimizer.param_groups[0]["lr"] == 0.5
    fill = registries.inits["open_ended"](std=3.0, anything="goes").arguments()
    assert fill == {"std": 3.0, "anything": "goes"}
