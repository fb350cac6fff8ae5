"""A classifier for Hydra: a typed schema, components by `_target_`, and a training loop by hand with markers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hydra
import parts
import torch
from hydra.core.config_store import ConfigStore
from hydra.utils import instantiate
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose


@dataclass
class Watch:
    """A metric, and which way is better."""

    monitor: str = "val_loss"
    mode: str = "min"
    patience: int = 1


@dataclass
class Trainer:
    """Length and manner of training."""

    epochs: int = 1
    device: str = "cpu"
    precision: str = "float32"
    output: str = "run"
    interval: str = "epoch"
    plateau_monitor: str = "val_loss"
    early_stopping: Watch = field(default_factory=Watch)
    best: Watch = field(default_factory=Watch)


@dataclass
class Section:
    """Images in class folders."""

    root: str
    transforms: list[Any] = field(default_factory=list)


@dataclass
class Data:
    """Training and validation."""

    train: Section
    val: Section
    batch_size: int = 32
    workers: int = 0
    shuffle: bool = True
    drop_last: bool = False


@dataclass
class Rules:
    """What happens to the weights before training."""

    init: list[Any] = field(default_factory=list)
    groups: list[Any] = field(default_factory=list)
    freeze: list[str] = field(default_factory=list)
    weights: str | None = None
    strict: bool = True


@dataclass
class Config:
    """The whole set-up; what `_target_` makes is not typed."""

    trainer: Trainer
    data: Data
    model: Any
    loss: Any
    metric: Any
    optimizer: Any
    scheduler: Any
    seed: int = 0
    batch_transform: Any = None
    rules: Rules = field(default_factory=Rules)


ConfigStore.instance().store(name="schema", node=Config)


def loader(section: Section, data: Data, training: bool) -> DataLoader:
    images = ImageFolder(section.root, Compose([instantiate(transform) for transform in section.transforms]))
    if not training:
        return DataLoader(images, data.batch_size, num_workers=data.workers)
    return DataLoader(images, data.batch_size, data.shuffle, num_workers=data.workers, drop_last=data.drop_last)


def better(value: float, best: float | None, mode: str) -> bool:
    return best is None or (value < best if mode == "min" else value > best)


def evaluate(model: Any, loss: Any, metric: Any, batches: DataLoader, device: Any) -> dict[str, float]:
    model.eval()
    total, count = 0.0, 0
    metric.reset()
    with torch.no_grad():
        for images, labels in batches:
            output = model(images.to(device))
            total += float(loss(output, labels.to(device))) * len(images)
            count += len(images)
            metric.update(output, labels.to(device))
    return {"val_loss": total / count, "val_accuracy": float(metric.compute())}


@hydra.main(version_base=None, config_path=".", config_name="config")
def main(config: Config) -> None:
    print("@@ parsed", flush=True)
    torch.manual_seed(config.seed)
    trainer, device = config.trainer, torch.device(config.trainer.device)
    output = Path(trainer.output)
    output.mkdir(parents=True, exist_ok=True)
    train, val = loader(config.data.train, config.data, True), loader(config.data.val, config.data, False)
    model = instantiate(config.model).to(device)
    for rule in config.rules.init:
        parts.set_first_values(model, rule.modules, rule.scheme)
    if config.rules.weights:
        parts.load_weights(model, config.rules.weights, config.rules.strict)
    parts.freeze(model, config.rules.freeze)
    loss, metric = instantiate(config.loss), instantiate(config.metric)
    batch_transform = instantiate(config.batch_transform)
    groups = parts.parameter_groups(model, [(group.pattern, group.options) for group in config.rules.groups])
    optimizer = instantiate(config.optimizer)(groups)
    scheduler = instantiate(config.scheduler)(optimizer)
    scaler = torch.amp.GradScaler(device.type, enabled=trainer.precision == "float16")
    print("@@ instantiated", flush=True)
    step, waited, stopped = 0, 0, None
    best: float | None = None
    figures: dict[str, float] = {}
    for _ in range(trainer.epochs):
        model.train()
        for images, labels in train:
            if batch_transform is not None:
                images, labels = batch_transform(images, labels)
            with torch.autocast(device.type, getattr(torch, trainer.precision), trainer.precision != "float32"):
                value = loss(model(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            scaler.scale(value).backward()
            scaler.step(optimizer)
            scaler.update()
            if trainer.interval == "step":
                scheduler.step()
            step += 1
            if step == 1:
                print("@@ batch", flush=True)
        figures = {"train_loss": value.item(), **evaluate(model, loss, metric, val, device)}
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            scheduler.step(figures[trainer.plateau_monitor])
        elif trainer.interval == "epoch":
            scheduler.step()
        if better(figures[trainer.best.monitor], best, trainer.best.mode):
            best = figures[trainer.best.monitor]
            torch.save(model.state_dict(), output / "best.pt")
        watched = figures[trainer.early_stopping.monitor]
        waited = 0 if better(watched, stopped, trainer.early_stopping.mode) else waited + 1
        stopped = watched if waited == 0 else stopped
        print("@@ epoch", flush=True)
        if waited > trainer.early_stopping.patience:
            break
    print("@@ finished", figures.get("train_loss"), figures.get("val_loss"), flush=True)


if __name__ == "__main__":
    main()
