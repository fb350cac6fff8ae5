"""The data that set-ups train on: grey images of 28 x 28 pixels in class folders, and the ways in which it is wrong."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

CLASSES = 10
TRAIN, VAL = 17, 4
"""Images of each class."""


def _image(number: int, generator: np.random.Generator, size: tuple[int, int] = (28, 28)) -> Image.Image:
    """A bright bar whose place tells the class, and noise."""
    pixels = generator.integers(0, 80, size, dtype=np.uint8)
    pixels[4 + 2 * number : 7 + 2 * number, 4:24] += 150
    return Image.fromarray(pixels)


def good(folder: Path) -> None:
    """data/train, data/val, and weights files beside them."""
    generator = np.random.default_rng(0)
    for part, count in (("train", TRAIN), ("val", VAL)):
        for number in range(CLASSES):
            place = folder / part / f"class{number}"
            place.mkdir(parents=True)
            for n in range(count):
                _image(number, generator).save(place / f"{n:02}.png")


def _no_first_class(folder: Path) -> None:
    shutil.rmtree(folder / "val" / "class0")


def _empty_class(folder: Path) -> None:
    for path in (folder / "train" / "class3").iterdir():
        path.unlink()


def _broken_image(folder: Path) -> None:
    path = folder / "train" / "class4" / "05.png"
    path.write_bytes(path.read_bytes()[:60])


def _no_folders(folder: Path) -> None:
    for path in list((folder / "train").rglob("*.png")):
        path.rename(folder / "train" / f"{path.parent.name}_{path.name}")
    for path in list((folder / "train").iterdir()):
        if path.is_dir():
            path.rmdir()


def _unequal_sizes(folder: Path) -> None:
    for path in sorted((folder / "train").rglob("*.png"))[::3]:
        Image.open(path).resize((36, 30)).save(path)


def _oblong(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        Image.open(path).resize((42, 28)).save(path)


def _eleventh_class(folder: Path) -> None:
    shutil.copytree(folder / "train" / "class9", folder / "train" / "rejected")


def _renamed_class(folder: Path) -> None:
    (folder / "val" / "class9").rename(folder / "val" / "Class9")


def _named_no(folder: Path) -> None:
    shutil.copytree(folder / "train", folder / "no")


CHANGES: dict[str, Callable[[Path], None]] = {
    "val-lacks-first-class": _no_first_class,
    "empty-class": _empty_class,
    "broken-image": _broken_image,
    "no-folders": _no_folders,
    "unequal-sizes": _unequal_sizes,
    "oblong": _oblong,
    "eleventh-class": _eleventh_class,
    "renamed-class": _renamed_class,
    "named-no": _named_no,
}


def _weights() -> dict[str, torch.Tensor]:
    """Those of LeNet, by hand: names and shapes matter."""
    layers = {
        "conv1": nn.Conv2d(1, 6, 5),
        "conv2": nn.Conv2d(6, 16, 5),
        "fc1": nn.Linear(400, 120),
        "fc2": nn.Linear(120, 84),
        "fc3": nn.Linear(84, 10),
    }
    return {f"{name}.{key}": value for name, layer in layers.items() for key, value in layer.state_dict().items()}


def _weights_files(folder: Path) -> None:
    """Files of weights of which none is right; MMEngine's model has the network as `net`."""
    good = _weights()
    head = {**good, "fc3.weight": torch.zeros(100, 84), "fc3.bias": torch.zeros(100)}
    torch.save(head, folder / "head100.pt")
    torch.save({f"net.{key}": value for key, value in head.items()}, folder / "net-head100.pt")
    torch.save({f"model.{key}": value for key, value in good.items()}, folder / "prefixed.pt")
    torch.save({f"encoder.{n}.weight": value for n, value in enumerate(good.values())}, folder / "other.pt")
    (folder / "notes.pt").write_text("the weights are on the other machine\n")


def _table(folder: Path) -> None:
    """What Ludwig wants: a table with a row for each image."""
    with (folder / "table.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image_path", "label", "no", "split"])
        for number, part in enumerate(("train", "val")):
            for path in sorted((folder / part).rglob("*.png")):
                rows.writerow([path.relative_to(folder), path.parent.name, path.parent.name, number])


def build(folder: Path, change: str) -> Path:
    """The data with a change of `CHANGES`, or without one."""
    if not folder.exists():
        good(folder)
        if change:
            CHANGES[change](folder)
        _weights_files(folder)
        _table(folder)
    return folder
