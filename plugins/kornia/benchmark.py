"""Images per second of crop, affine map and color jitter: kornia on whole batches, and the built-ins per sample.

Both read the same JPEG files in the same number of loader workers. The built-ins change Pillow images in the workers;
for kornia, the workers only read, and batches are changed in the main process, on the GPU if there is one. No model is
trained. Rounds are interleaved; the output shows medians (smallest to largest), and the ratio round by round.

Usage: python benchmark.py [--images 512] [--side 160] [--size 128] [--batch 64] [--workers 2] [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import PIL.Image
import torch

import registry_core
from registry_core.assembly.data.executor import Placement
from registry_core.assembly.data.loader import Loader
from registry_core.assembly.data.section import build_loader

JITTER = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}
MOVED = {"degrees": 10, "translate": [0.1, 0.1], "scale": [0.9, 1.1]}


def changes(size: int) -> dict[str, dict[str, list[Any]]]:
    """Return the transforms of each variant."""
    crop = {"size": size, "scale": [0.3, 1.0]}
    return {
        "built-ins, per sample in workers": {
            "transforms": [
                {"random_resized_crop": crop},
                {"random_affine": {**MOVED, "interpolation": "bilinear"}},
                {"color_jitter": JITTER},
                "to_tensor",
            ],
        },
        "kornia, per batch on the device": {
            "transforms": ["to_tensor"],
            "batch_transforms": [
                {"kornia_random_resized_crop": crop},
                {"kornia_random_affine": {**MOVED, "p": 1.0}},
                {"kornia_color_jitter": JITTER},
            ],
        },
        "only reading, and the middle crop": {"transforms": [{"center_crop": {"size": size}}, "to_tensor"]},
    }


def write_images(folder: Path, count: int, side: int) -> None:
    """Write smooth images with some noise, in two classes, as JPEG files."""
    random = np.random.default_rng(0)
    for number in range(count):
        place = folder / str(number % 2)
        place.mkdir(parents=True, exist_ok=True)
        small = PIL.Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        small.resize((side, side), PIL.Image.Resampling.BICUBIC).save(place / f"{number}.jpg", quality=90)


def loader_of(folder: Path, steps: dict[str, list[Any]], options: argparse.Namespace, device: torch.device) -> Loader:
    """Return the loader of a pipeline with these transforms."""
    pipeline = {
        "version": 1,
        "data": {
            "train": {"dataset": {"image_folder": {"root": str(folder / "images")}}, **steps},
            "batch_size": options.batch,
            "workers": options.workers,
            "drop_last": True,
        },
        "model": {"net": {"in_channels": 3, "size": options.size, "num_classes": 2}},
        "loss": "cross_entropy",
        "optim": {"optimizer": "sgd"},
        "train": {"epochs": 1},
    }
    path = folder / "pipeline.json"
    path.write_text(json.dumps(pipeline))
    plan = registry_core.plan(registry_core.load(path))
    return build_loader(plan.sections["train"], plan.loading, Placement(device, channels_last=False))


def changed(loader: Loader, epoch: int, device: torch.device) -> Iterator[int]:
    """Load and change the batches of an epoch; yield the number of images of each."""
    for loaded in loader.batches(epoch):
        moved = loader.executor.on_device(loaded.entries, loaded.request)
        yield len(moved["input"])
    if device.type == "cuda":
        torch.cuda.synchronize()


def rate(loader: Loader, epoch: int, device: torch.device) -> float:
    """Return the images per second of an epoch."""
    started = time.perf_counter()
    images = sum(changed(loader, epoch, device))
    return images / (time.perf_counter() - started)


def spread(values: list[float], digits: int = 0) -> str:
    """Format the median, with the smallest and the largest value."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    """Measure all variants and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("images", 512), ("side", 160), ("size", 128), ("batch", 64), ("workers", 2), ("rounds", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"torch {torch.__version__}, {device}, {torch.get_num_threads()} threads, {vars(options)}")
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder) / "images", options.images, options.side)
        loaders = {
            name: loader_of(Path(folder), steps, options, device) for name, steps in changes(options.size).items()
        }
        rates: dict[str, list[float]] = {name: [] for name in loaders}
        for turn in range(options.rounds + 1):
            for name, loader in loaders.items():
                found = rate(loader, turn, device)
                if turn:  # the first starts the workers
                    rates[name].append(found)
        for loader in loaders.values():
            loader.close()
    for name, found in rates.items():
        print(f"{name:34} {spread(found)} images a second")
    samples, batches, _ = rates.values()
    ratios = [batch / sample for batch, sample in zip(batches, samples, strict=True)]
    print(f"kornia / built-ins, round by round: {spread(ratios, 2)}")


if __name__ == "__main__":
    main()
