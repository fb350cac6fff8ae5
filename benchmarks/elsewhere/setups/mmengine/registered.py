"""What MMEngine asks of a user: a model, a data set and a metric, registered, and markers of how far a run came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import parts
import torch
import torchvision
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from torch import nn
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

MODELS.register_module(module=parts.LeNet)
for name in ("CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss", "MSELoss", "KLDivLoss", "MultiMarginLoss"):
    MODELS.register_module(module=getattr(nn, name))
for name in ("Softmax", "LogSoftmax", "Sigmoid"):
    MODELS.register_module(name=f"Last{name}", module=getattr(nn, name))
TRANSFORMS.register_module(module=torchvision.transforms.ToTensor)
for name in v2.__all__ if hasattr(v2, "__all__") else dir(v2):
    found = getattr(v2, name)
    if isinstance(found, type) and issubclass(found, v2.Transform) and name != "ToTensor":
        TRANSFORMS.register_module(module=found)


@MODELS.register_module()
class Classifier(BaseModel):
    """A network with its loss."""

    def __init__(
        self,
        net: dict[str, Any],
        loss: dict[str, Any],
        batch_transform: dict[str, Any] | None = None,
        freeze: Sequence[str] = (),
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if net.get("activation"):
            net = {**net, "activation": MODELS.build(net["activation"])}
        self.net, self.loss = MODELS.build(net), MODELS.build(loss)
        self.batch_transform = TRANSFORMS.build(batch_transform) if batch_transform else None
        parts.freeze(self.net, list(freeze))

    def forward(self, images: torch.Tensor, labels: torch.Tensor, mode: str = "tensor") -> Any:
        if mode == "loss" and self.batch_transform is not None:
            images, labels = self.batch_transform(images, labels)
        output = self.net(images)
        if mode == "loss":
            return {"loss": self.loss(output, labels)}
        return (output, labels, self.loss(output, labels)) if mode == "predict" else output


@DATASETS.register_module()
class Images(ImageFolder):
    """Images in class folders."""

    def __init__(self, root: str, pipeline: Sequence[dict[str, Any]]) -> None:
        transforms = [TRANSFORMS.build(transform) for transform in pipeline]
        super().__init__(root, torchvision.transforms.Compose(transforms))


@METRICS.register_module()
class Accuracy(BaseMetric):
    """Mean loss, and the share of images whose largest output is that of their class."""

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        output, labels, loss = data_samples
        self.results.append((int((output.argmax(1) == labels).sum()), float(loss) * len(labels), len(labels)))

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        right, loss, count = (sum(column) for column in zip(*results, strict=True))
        return {"loss": loss / count, "accuracy": right / count}


@HOOKS.register_module()
class Stages(Hook):
    """Print how far the run came."""

    priority = "VERY_LOW"

    def before_train(self, runner: Any) -> None:
        print("@@ instantiated", flush=True)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        self.loss = outputs["loss"].item()
        if runner.iter == 0:
            print("@@ batch", flush=True)

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        self.val_loss = (metrics or {}).get("loss")
        print("@@ epoch", flush=True)

    def after_train(self, runner: Any) -> None:
        print("@@ finished", getattr(self, "loss", None), getattr(self, "val_loss", None), flush=True)
