"""A set of 1,000 images with 50 faults, each known by section, sample number, file, and kind."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

CLASSES = ("ant", "bee", "cat", "dog", "eel", "fly")
SIDE = 16

ARRAYS = """
from pathlib import Path
import numpy as np
import torch

class Arrays:
    "Float images, one .npy file each, all of class 1."

    def __init__(self, folder: str):
        self.files = sorted(Path(folder).glob("*.npy"))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return torch.from_numpy(np.load(self.files[index])), index % 6

    def sample_path(self, index):
        return str(self.files[index])
"""
ENTRY_POINTS = "[registry_core.v1.datasets]\narrays = acme_arrays:Arrays\n"


@dataclass
class Planted:
    """Where the data are, and the faults in them: (section, index, path) to the kind, and a word of the reason."""

    root: Path
    faults: dict[tuple[str, int | None, str], tuple[str, str]] = field(default_factory=dict)

    def pipeline(self) -> dict[str, Any]:
        """A pipeline that reads all three sections."""
        folder = {"image_folder": {"root": str(self.root / "train")}}
        index = {"image_index": {"index": str(self.root / "val.txt")}}
        return {
            "version": 1,
            "data": {
                "train": {"dataset": folder, "transforms": ["to_tensor"]},
                "val": {"dataset": index, "transforms": ["to_tensor"]},
                "test": {"dataset": {"arrays": {"folder": str(self.root / "test")}}},
            },
            "model": {"mlp": {"size": SIDE, "in_channels": 3, "hidden": [8], "num_classes": len(CLASSES)}},
            "loss": "cross_entropy",
            "optim": {"optimizer": {"sgd": {"lr": 0.1}}},
        }


def plant(root: Path) -> Planted:
    """Write 600 images in class folders, 360 in an index file and 40 arrays; the same every time."""
    random = np.random.default_rng(0)
    planted = Planted(root)
    _plant_folders(planted, random)
    _plant_index(planted, random)
    (root / "test").mkdir()
    for number in range(40):
        path = root / "test" / f"{number:02}.npy"
        pixels = random.random((3, SIDE, SIDE), dtype=np.float32)
        if number % 7 == 3:
            pixels[1, 2, number % SIDE] = np.inf if number == 3 else np.nan
            planted.faults["test", number, str(path)] = ("not_finite", "infinite" if number == 3 else "1 NaN")
        np.save(path, pixels)
    return planted


def _plant_folders(planted: Planted, random: np.random.Generator) -> None:
    root = planted.root / "train"
    kinds = [kind for kind, (_, _, count) in FAULTS.items() for _ in range(count)]
    wrong = dict(zip(random.permutation(600)[: len(kinds)].tolist(), kinds, strict=True))
    for name in CLASSES:
        (root / name).mkdir(parents=True)
    for number in range(600):
        path = root / CLASSES[number // 120] / f"{number:03}.png"
        if number in wrong:
            kind, word, _ = FAULTS[wrong[number]]
            path.write_bytes(_damaged(wrong[number], random))
            planted.faults["train", number, str(path)] = (kind, word)
        else:
            path.write_bytes(_encoded(random))
    planted.faults["train", None, str(root / "fly")] = ("unusable", "contains no image")


def _plant_index(planted: Planted, random: np.random.Generator) -> None:
    folder = planted.root / "val"
    folder.mkdir()
    lines = ['# classes: ["ant", "bee", "cat", "dog", "eel", "fly"]']
    for number in range(360):
        path, label = folder / f"{number:03}.jpg", number % len(CLASSES)
        content = _encoded(random, "JPEG")
        if number % 60 == 5:
            label = len(CLASSES)
            planted.faults["val", number, str(path)] = ("target", "outside the classes 0 to 5")
        elif number in (77, 178, 279):
            content = content[: len(content) // 2]
            planted.faults["val", number, str(path)] = ("unreadable", "truncated")
        elif number == 200:
            content = b""
            planted.faults["val", number, str(path)] = ("unreadable", "the file is empty")
        path.write_bytes(content)
        lines.append(f"val/{path.name} {label}")
    (planted.root / "val.txt").write_text("\n".join(lines) + "\n")


FAULTS = {
    "truncated png": ("unreadable", "truncated", 4),
    "truncated jpeg": ("unreadable", "truncated", 4),
    "zero bytes": ("unreadable", "the file is empty", 5),
    "bomb": ("unreadable", "max_pixels", 2),
    "large bomb": ("unreadable", "max_pixels", 2),
    "text": ("unreadable", "not an image", 3),
    "wrong extension": ("extension", "JPEG", 3),
    "palette": ("converted", "palette", 3),
    "cmyk": ("converted", "colours", 3),
    "16 bit": ("unreadable", "has 16 bits per channel", 4),
}
"""What is wrong with an image: kind in the report, a word of its message, and how many there are in `train`."""


def _pixels(random: np.random.Generator) -> PIL.Image.Image:
    return PIL.Image.fromarray(random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))


def _encoded(random: np.random.Generator, form: str = "PNG", image: PIL.Image.Image | None = None) -> bytes:
    file = io.BytesIO()
    (image or _pixels(random)).save(file, form)
    return file.getvalue()


def _damaged(kind: str, random: np.random.Generator) -> bytes:
    match kind:
        case "truncated png":
            return _encoded(random)[:400]
        case "truncated jpeg":  # named .png, but no remark can be made of what cannot be read
            whole = _encoded(random, "JPEG")
            return whole[: len(whole) - 40]
        case "zero bytes":
            return b""
        case "bomb":
            return _png_header(10_000, 10_000)
        case "large bomb":
            return _png_header(20_000, 20_000)
        case "text":
            return b"<html>404 not found</html>"
        case "wrong extension":
            return _encoded(random, "JPEG")
        case "palette":
            return _encoded(random, "PNG", _pixels(random).quantize(64))
        case "cmyk":
            return _encoded(random, "TIFF", _pixels(random).convert("CMYK"))
        case _:
            return _encoded(random, "PNG", PIL.Image.fromarray(random.integers(0, 2**16, (16, 16), dtype=np.uint16)))


def _png_header(width: int, height: int) -> bytes:
    """A PNG that states a size and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
