"""A classifier for LightningCLI: what its documentation asks of a user, and markers of how far a run came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import parts
import torch
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningCLI, LRSchedulerCallable, OptimizerCallable, ReduceLROnPlateau
from torch import nn
from torch.utils.data import DataLoader
from torchmetrics import Metric
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose


@dataclass
class Group:
    """Options of the optimizer for the parameters whose names a pattern is found in."""

    pattern: str
    options: dict[str, float] = field(default_factory=dict)


@dataclass
class FirstValues:
    """A function of torch.nn.init for the weights of some classes of modules."""

    modules: list[str]
    scheme: str


class Classifier(LightningModule):
    """A network with its loss, metric and optimizer."""

    def __init__(
        self,
        net: nn.Module,
        loss: nn.Module,
        metric: Metric,
        optimizer: OptimizerCallable,
        scheduler: LRSchedulerCallable,
        interval: Literal["epoch", "step"] = "epoch",
        groups: list[Group] = [],  # noqa: B006 -- as jsonargparse documents defaults
        init: list[FirstValues] = [],  # noqa: B006 -- as jsonargparse documents defaults
        freeze: list[str] = [],  # noqa: B006 -- as jsonargparse documents defaults
        weights: str | None = None,
        strict: bool = True,
        batch_transform: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.net, self.loss, self.metric = net, loss, metric
        self.optimizer, self.scheduler, self.interval = optimizer, scheduler, interval
        self.groups, self.batch_transform = groups, batch_transform
        for rule in init:
            parts.set_first_values(net, rule.modules, rule.scheme)
        if weights:
            parts.load_weights(net, weights, strict)
        parts.freeze(net, freeze)

    def training_step(self, batch: Any, number: int) -> torch.Tensor:
        images, labels = batch if self.batch_transform is None else self.batch_transform(*batch)
        loss = self.loss(self.net(images), labels)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Any, number: int) -> None:
        images, labels = batch
        output = self.net(images)
        self.metric(output, labels)
        self.log("val_loss", self.loss(output, labels))
        self.log("val_accuracy", self.metric)

    def configure_optimizers(self) -> Any:
        groups = parts.parameter_groups(self.net, [(group.pattern, group.options) for group in self.groups])
        optimizer = self.optimizer(groups)
        scheduler = self.scheduler(optimizer)
        chosen: dict[str, Any] = {"scheduler": scheduler, "interval": self.interval}
        if isinstance(scheduler, ReduceLROnPlateau):
            chosen["monitor"] = scheduler.monitor
        return {"optimizer": optimizer, "lr_scheduler": chosen}


class Images(LightningDataModule):
    """Images in class folders."""

    def __init__(
        self,
        train: str,
        val: str,
        train_transforms: list[Callable],
        val_transforms: list[Callable],
        batch_size: int = 32,
        workers: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
    ) -> None:
        super().__init__()
        self.train, self.val = train, val
        self.transforms = {"train": Compose(train_transforms), "val": Compose(val_transforms)}
        self.options: dict[str, Any] = {"batch_size": batch_size, "num_workers": workers}
        self.training: dict[str, Any] = {"shuffle": shuffle, "drop_last": drop_last}

    def setup(self, stage: str) -> None:
        self.train_set = ImageFolder(self.train, self.transforms["train"])
        self.val_set = ImageFolder(self.val, self.transforms["val"])

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.train_set, **self.options, **self.training)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.val_set, **self.options)


class Stages(Callback):
    """Print how far the run came; the optimizer and the loaders are made just before the first validation."""

    started = False

    def on_validation_start(self, trainer: Any, module: Any) -> None:
        if not self.started:
            print("@@ instantiated", flush=True)
        self.started = True

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, number: int) -> None:
        if trainer.global_step == 1:
            print("@@ batch", flush=True)

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        print("@@ epoch", flush=True)

    def on_fit_end(self, trainer: Any, module: Any) -> None:
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        print("@@ finished", figures.get("train_loss"), figures.get("val_loss"), flush=True)


class Interface(LightningCLI):
    """LightningCLI that prints how far it came."""

    def before_instantiate_classes(self) -> None:
        print("@@ parsed", flush=True)


if __name__ == "__main__":
    Interface(Classifier, Images, auto_configure_optimizers=False, trainer_defaults={"callbacks": [Stages()]})
