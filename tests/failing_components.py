"""Plain components that are well declared and fail at work, each in another way; and two that do not fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from registry_core.components import hookimpl


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body: Any = nn.Linear(64, 10)
        self.spare: Any = nn.Linear(3, 2)


class Unused(_Network):
    """Works, without its part ``spare``, and prints."""

    def forward(self, x: Tensor) -> Any:
        print("look at me")
        return self.body(x.flatten(1))


class Mismatch(_Network):
    def forward(self, x: Tensor) -> Any:
        return self.spare(self.body(x.flatten(1)))


class Attribute(_Network):
    def forward(self, x: Tensor) -> Any:
        return self.boddy(x)


class Leaves(_Network):
    def forward(self, x: Tensor) -> Any:
        raise SystemExit("enough")


class Inplace(_Network):
    def forward(self, x: Tensor) -> Any:
        y = torch.sigmoid(self.body(x.flatten(1)))
        y += 1  # the backward pass of sigmoid needs what it gave
        return y


class Root(_Network):
    """Its loss is finite, and the gradient of one part is not."""

    def forward(self, x: Tensor) -> Any:
        return self.body(x.flatten(1)) + (0 * self.spare.weight).sqrt().sum()


class Looks(_Network):
    """Works where tensors have values."""

    def forward(self, x: Tensor) -> Any:
        y = self.body(x.flatten(1))
        return y if y.mean().item() > 0 else -y


class Rates(_Network):
    """Is built where tensors have values."""

    def __init__(self) -> None:
        super().__init__()
        self.rates = [rate.item() for rate in torch.linspace(0, 1, 3)]

    def forward(self, x: Tensor) -> Any:
        return self.body(x.flatten(1))


class Unbuilt(nn.Module):
    def __init__(self) -> None:
        raise OSError("gone")


def product(output: Tensor, target: Tensor) -> Tensor:
    """Takes outputs and targets of other shapes."""
    return output @ target.float()


def counted(output: Tensor, target: Tensor) -> Tensor:
    """Cannot be differentiated."""
    return (output.argmax(1) == target).float().mean()


def nothing(output: Tensor, target: Tensor) -> Tensor:
    """Is not a number."""
    return output.sum() * float("nan")


class _OneWay(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise OSError("no way back")


def one_way(output: Tensor, target: Tensor) -> Any:
    """Fails in the backward pass."""
    apply: Any = _OneWay.apply
    return apply(output).sum()


def reads(tensor: Tensor) -> None:
    """First values that follow from those that are there."""
    tensor.fill_(float(tensor.sum()))


class Full(Metric):
    def update(self, output: Tensor, target: Tensor) -> None:
        raise OSError("disk full")

    def compute(self) -> float:
        return 0.0


class Stuck(torch.optim.SGD):
    def step(self, closure: Any = None) -> Any:
        raise OSError("stuck")


class Gone:
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        raise OSError("no such file")


def spoil(image: Any) -> Any:
    """Fail on any image."""
    raise OSError("spoilt")


class Watch:
    """Leaves a file when a run starts."""

    def __init__(self, file: str) -> None:
        self.file = Path(file)

    @hookimpl
    def run_started(self, run: Any) -> None:
        self.file.touch()


class Misfit:
    @hookimpl
    def step_ended(self, stpe: Any) -> None: ...


_OF_KINDS: dict[str, tuple[Any, ...]] = {
    "models": (Unused, Mismatch, Attribute, Leaves, Inplace, Root, Looks, Rates, Unbuilt),
    "layers": (Unbuilt,),
    "losses": (product, counted, nothing, one_way),
    "inits": (reads,),
    "metrics": (Full,),
    "optimizers": (Stuck,),
    "datasets": (Gone,),
    "transforms": (spoil,),
    "hooks": (Watch, Misfit),
}
POINTS = "".join(
    f"[registry_core.v1.{kind}]\n"
    + "".join(f"{c.__name__.lower()} = failing_components:{c.__name__}\n" for c in members)
    for kind, members in _OF_KINDS.items()
)
"""Their entry points."""
