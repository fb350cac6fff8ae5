"""Training time of a pipeline against the same training written by hand with torch's DataLoader and torchvision.

    python benchmarks/training.py MNIST_FOLDER [ROUNDS]

Both train LeNet on the same MNIST images with the same random crops in the same process settings, in alternation; the
figure is images a second, and the ratio of the medians. The data are read before the clock starts.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision.datasets.mnist import read_image_file, read_label_file
from torchvision.transforms import v2

import registry_core

STEPS, BATCH = 150, 128


class ByHand(torch.utils.data.Dataset[Any]):
    def __init__(self, folder: Path, scratch: Path) -> None:
        import gzip

        for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
            (scratch / name).write_bytes(gzip.decompress((folder / f"{name}.gz").read_bytes()))
        self.images = read_image_file(str(scratch / "train-images-idx3-ubyte"))
        self.labels = read_label_file(str(scratch / "train-labels-idx1-ubyte"))
        self.transform = v2.Compose(
            [
                v2.RandomCrop(28, padding=2),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([0.1307], [0.3081]),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(v2.functional.to_pil_image(self.images[index].numpy())), int(self.labels[index])


def by_hand(dataset: ByHand) -> float:
    model = registry_core.registries.models["lenet"](num_classes=10).build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    loader = DataLoader(Subset(dataset, range(STEPS * BATCH)), BATCH, shuffle=True)
    model.train()
    started = time.perf_counter()
    for images, labels in loader:
        optimizer.zero_grad()
        criterion(model(images), labels).backward()
        optimizer.step()
    return STEPS * BATCH / (time.perf_counter() - started)


def as_pipeline(folder: Path, scratch: Path) -> float:
    path = scratch / "pipeline.yaml"
    path.write_text(
        f"""
version: 1
data:
  train:
    dataset: {{mnist: {{root: {str(folder)!r}}}}}
    transforms: [{{random_crop: {{size: 28, padding: 2}}}}, to_tensor, {{normalize: {{mean: [0.1307], std: [0.3081]}}}}]
  batch_size: {BATCH}
model: {{lenet: {{num_classes: 10}}}}
loss: cross_entropy
optim: {{optimizer: {{sgd: {{lr: 0.05, momentum: 0.9}}}}}}
train: {{max_steps: {STEPS}, device: cpu}}
"""
    )
    with tempfile.TemporaryDirectory(dir=scratch) as out:
        result = registry_core.train(registry_core.load(path), Path(out) / "run")
    return float(result.summary["images_per_second"])


def main() -> None:
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as scratch:
        dataset = ByHand(folder, Path(scratch))
        found: dict[str, list[float]] = {"by hand": [], "pipeline": []}
        for number in range(rounds + 1):
            one, other = by_hand(dataset), as_pipeline(folder, Path(scratch))
            if number:  # the first round is for the caches
                found["by hand"].append(one)
                found["pipeline"].append(other)
    for name, values in found.items():
        print(f"{name:<9} {statistics.median(values):6.0f} images/s  ({min(values):.0f} to {max(values):.0f})")
    ratios = [other / one for one, other in zip(found["by hand"], found["pipeline"], strict=True)]
    print(f"pipeline / by hand: {statistics.median(ratios):.2f}  ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
