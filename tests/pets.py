"""The data of docs/data.md: 24 photographs of pets, and what happens to photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image

PIPELINE = """\
version: 1
data:
  train: {dataset: {image_folder: {root: pets/train}}, transforms: [{random_crop: {size: 32}}, to_tensor]}
  val: {dataset: {image_index: {index: pets/val.txt}}, transforms: [{center_crop: {size: 32}}, to_tensor]}
model: {net: {in_channels: 3, size: 32, num_classes: 2}}
loss: cross_entropy
optim: {optimizer: {sgd: {lr: 0.1}}}
"""


def write_pets(parent: Path) -> None:
    """Write `pets.yaml` and `pets`, the same every time."""
    random = np.random.default_rng(0)
    pets = parent / "pets"
    for name in ("train/cat", "train/dog", "val"):
        (pets / name).mkdir(parents=True)
    photos = [PIL.Image.fromarray(random.integers(0, 256, (40, 48, 3), dtype=np.uint8)) for _ in range(24)]
    for number in range(18):
        photos[number].save(pets / "train" / ("cat", "dog")[number // 9] / f"{number:02}.png")
    small = photos[4].resize((30, 25))
    small.save(pets / "train" / "cat" / "04.png")
    whole = (pets / "train" / "dog" / "12.png").read_bytes()
    (pets / "train" / "dog" / "12.png").write_bytes(whole[:3000])
    photos[15].quantize(64).save(pets / "train" / "dog" / "15.png")
    photos[7].save(pets / "val" / "00.png")  # a cat of the training data, said to be a dog
    for number in range(1, 6):
        photos[17 + number].save(pets / "val" / f"{number:02}.png")
    (pets / "val" / "03.png").rename(pets / "val" / "03.jpg")
    lines = ['# classes: ["cat", "dog"]', *(f"val/{path.name} 1" for path in sorted((pets / "val").iterdir()))]
    (pets / "val.txt").write_text("\n".join(lines) + "\n")
    (parent / "pets.yaml").write_text(PIPELINE)
