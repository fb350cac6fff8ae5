"""What the broken components build, and a declaration beside it, which is wrong too."""

from __future__ import annotations

import itertools
import os
import random
import threading
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn
from torchmetrics import Metric as TorchMetric

from registry_core.components import Loss, hookimpl

STATE = nn.Linear(2, 2)


COUNT = itertools.count()


def the_same() -> nn.Module:
    return STATE


def changing() -> nn.Module:
    torch.set_default_dtype(torch.float64)
    random.random()
    os.environ["KIT_WAS_HERE"] = "1"
    return nn.L1Loss()


def brighten(sample: Any) -> Any:
    return {**sample, "input": sample["input"] * 2}


class Remembering:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, sample: Any) -> Any:
        self.count += 1
        return {**sample, "input": sample["input"] * 0 + self.count / 100}


def overwrite(sample: Any) -> Any:
    sample["input"].mul_(0)
    return dict(sample)


class Climbing(torch.optim.SGD):
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.data.add_(parameter.grad, alpha=group["lr"])


class Forgetting(torch.optim.SGD):
    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, lr, momentum=0.9)

    def load_state_dict(self, state_dict: Any) -> None:
        pass


class Levelling(torch.optim.SGD):
    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, lr)
        for group in self.param_groups:
            group["lr"] = lr


class BelowZero(torch.optim.lr_scheduler.LRScheduler):
    def get_lr(self) -> Any:
        return [-1.0 for _ in self.optimizer.param_groups]


class Counted(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer: Any) -> None:
        self.seen = 0
        super().__init__(optimizer)

    def get_lr(self) -> Any:
        self.seen += 1
        return [0.1 / self.seen for _ in self.optimizer.param_groups]

    def state_dict(self) -> Any:
        return {"last_epoch": self.last_epoch}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 8 * 8, 5)

    def forward(self, images: Any) -> Any:
        return self.linear(images.flatten(1))


class Unseeded(Net):
    def __init__(self) -> None:
        super().__init__()
        self.linear.weight.data = torch.from_numpy(np.random.default_rng().normal(size=(5, 192))).float()


class Secretive(Net):
    def __init__(self) -> None:
        super().__init__()
        self.secret = torch.rand(1).item()

    def forward(self, images: Any) -> Any:
        return super().forward(images) + self.secret


class Cut(Net):
    def forward(self, images: Any) -> Any:
        return super().forward(images).detach().requires_grad_() * 1


class Twice(nn.Module):
    def forward(self, values: Any) -> Any:
        return torch.cat([values, values], 1)


def elsewhere(tensor: Any) -> Any:
    return tensor * 2


def from_numpy(tensor: Any) -> Any:
    return tensor.copy_(torch.from_numpy(np.random.default_rng().normal(size=tuple(tensor.shape))))


class Three:
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        if index >= 3:
            raise IndexError(index)
        return {"input": torch.zeros(1), "target": 0}


class Unbounded(Three):
    def __getitem__(self, index: int) -> Any:
        return {"input": torch.zeros(1), "target": 0}


class Dice(Three):
    def __getitem__(self, index: int) -> Any:
        return {**super().__getitem__(index), "input": torch.rand(1)}


class WithLock(Three):
    def __init__(self) -> None:
        self.lock = threading.Lock()


def drawn(length: int) -> Any:
    return lambda seed, epoch: np.random.permutation(length)


def long(length: int) -> Any:
    return lambda seed, epoch: np.arange(length + 1)


class Nothing(TorchMetric):
    def update(self, output: Any, target: Any) -> None:
        pass

    def compute(self) -> Any:
        return torch.tensor(float("nan"))


class Sticking(TorchMetric):
    def __init__(self) -> None:
        super().__init__()
        self.total = 0.0

    def update(self, output: Any, target: Any) -> None:
        self.total += float(output.sum())

    def compute(self) -> Any:
        return torch.tensor(self.total)


class Deaf:
    pass


class Vague:
    @hookimpl
    def run_ended(self) -> None:
        pass

    def state_dict(self) -> Any:
        return {"when": object()}

    def load_state_dict(self, state: Any) -> None:
        pass


def negative(step: int) -> float:
    return -1.0


def of_values(function: Any) -> nn.Module:
    """A loss module around a function."""

    class Made(nn.Module):
        def forward(self, output: Any, target: Any) -> Any:
            return function(output, target)

    return Made()


def counting(output: Any, target: Any) -> Any:
    return output.mean() + next(COUNT)


def twice_the_sum(reduction: str) -> nn.Module:
    factor = 2 if reduction == "sum" else 1
    module = nn.L1Loss(reduction=reduction)
    module.register_forward_hook(lambda _, __, value: value * factor)
    return module


stays = lambda sample: dict(sample)  # noqa: E731  # what does not pickle


class ImportsTorch(Loss):
    """A declaration in a module that imports torch."""

    target: ClassVar[str] = "torch.nn:L1Loss"
