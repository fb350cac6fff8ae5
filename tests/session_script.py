"""A script that trains with components of its own, and by hand; its classes are in ``__main__``, as in a notebook.

python session_script.py FOLDER train|resume: prints what the tests compare, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import torchmetrics
from sklearn.datasets import load_digits
from torch import Tensor, nn

import registry_core
from registry_core.components import hookimpl

WIDTH = 16
EASY = 2.0


class Block(nn.Module):
    """A part of the model that is not registered."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).relu()


@registry_core.register("model/tiny")
class Tiny(nn.Module):
    """A tiny network."""

    def __init__(self, size: int = 8, num_classes: int = 10) -> None:
        super().__init__()
        self.block = Block(size * size, WIDTH)
        self.head = nn.Linear(WIDTH, num_classes)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.block(x.flatten(1)))


@registry_core.register("loss/focal")
class FocalLoss(nn.Module):
    """Down-weight easy samples."""

    def __init__(self, gamma: float = EASY) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        loss = nn.functional.cross_entropy(output, target, reduction="none")
        return ((1 - (-loss).exp()) ** self.gamma * loss).mean()


@registry_core.register("transform/darken")
def darken(image: Tensor, amount: float = 0.5) -> Tensor:
    """Darken an image."""
    return image * amount


@registry_core.register("metric/error_rate")
class ErrorRate(torchmetrics.Metric):
    """The share of wrong answers."""

    higher_is_better = False

    def __init__(self) -> None:
        super().__init__()
        self.add_state("wrong", torch.tensor(0))
        self.add_state("count", torch.tensor(0))

    def update(self, output: Tensor, target: Tensor) -> None:
        self.wrong += (output.argmax(1) != target).sum()
        self.count += len(target)

    def compute(self) -> Tensor:
        return self.wrong / self.count


@registry_core.register("dataset/pixels")
class Pixels(torch.utils.data.Dataset):
    """The digits of scikit-learn, from one number on."""

    def __init__(self, start: int = 0, count: int = 150) -> None:
        images, labels = load_digits(return_X_y=True)
        self.images = torch.from_numpy(images[start : start + count]).float().div(16).reshape(-1, 1, 8, 8)
        self.labels = labels[start : start + count].tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index], self.labels[index]


@registry_core.register("hook/noting")
class Noting:
    """Writes the steps of all evaluations into a file."""

    def __init__(self, file: str) -> None:
        self.file = file

    @hookimpl
    def metrics_measured(self, row: Any) -> None:
        with Path(self.file).open("a") as file:
            file.write(f"{row.step} ")


def pipeline(folder: Path) -> Path:
    path = folder / "pipeline.json"
    section = {"transforms": [{"darken": {"amount": 0.25}}], "sampler": "sequential"}
    data = {
        "version": 1,
        "seed": 3,
        "data": {
            "train": {"dataset": "pixels", **section},
            "val": {"dataset": {"pixels": {"start": 150}}, **section},
            "batch_size": 32,
        },
        "model": "tiny",
        "loss": "focal",
        "optim": {"optimizer": {"sgd": {"lr": 0.5}}},
        "train": {"max_steps": 4},
        "metrics": ["error_rate"],
        "hooks": [{"noting": {"file": str(folder / "noted.txt")}}, "checkpoint"],
    }
    path.write_text(json.dumps(data))
    return path


def by_hand() -> tuple[list[Any], float]:
    """Weights after four steps, and the error rate, in plain PyTorch."""
    torch.manual_seed(3)
    model, loss = Tiny(), FocalLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    train, val = Pixels(), Pixels(150)
    labels = torch.tensor(train.labels)
    for step in range(4):
        batch = slice(32 * step, 32 * step + 32)
        optimizer.zero_grad()
        loss(model(train.images[batch] * 0.25), labels[batch]).backward()
        optimizer.step()
    wrong = model(val.images * 0.25).argmax(1) != torch.tensor(val.labels)
    return weights(model), wrong.float().mean().item()


def weights(model: nn.Module) -> list[Any]:
    return [parameter.tolist() for parameter in model.parameters()]


def train(folder: Path) -> dict[str, Any]:
    path = pipeline(folder)
    expected, error_rate = by_hand()
    found: dict[str, Any] = {"error_rate": error_rate, "plan": str(registry_core.plan(registry_core.load(path)))}
    for workers in (0, 2):
        spec = registry_core.load(path, [f"data.workers={workers}"])
        result = registry_core.train(spec, folder / f"run-{workers}")
        found[f"workers {workers}"] = weights(result.pipeline.model) == expected
        found["metrics"] = result.summary["metrics"]
    return found


def resume(folder: Path) -> dict[str, Any]:
    spec = registry_core.load(pipeline(folder), ["train.max_steps=5"])
    return {"guarantee": registry_core.resume(folder / "run-0", spec).summary["guarantee"]}


if __name__ == "__main__":
    print(json.dumps({"train": train, "resume": resume}[sys.argv[2]](Path(sys.argv[1]))))
