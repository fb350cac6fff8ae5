"""Small images in class folders or in an index file, some of which cannot be used: real files with real faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

SIDE = 10
CLASSES = ("ant", "bee", "cat")
EACH = 12

FAULTY: dict[int, str] = {3: "truncated", 11: "empty", 12: "text", 25: "truncated", 35: "empty"}
"""The samples of the class folders that are faulty, and how: 11 and 12 are neighbours, 35 is the last."""

LISTED: dict[int, str] = {0: "empty", 6: "missing", 7: "label", 8: "truncated", 20: "negative"}
"""The samples of the index file that are faulty, and how; 6 to 8 are one batch of three."""


def pixels(number: int) -> Any:
    """The image of a sample before it is damaged."""
    return np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def write_folders(root: Path, faulty: dict[int, str]) -> Path:
    """Images in class folders, as JPEG of one colour depth, some of them faulty."""
    for number in range(EACH * len(CLASSES)):
        path = root / CLASSES[number // EACH] / f"{number:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(pixels(number)).save(path, quality=95)
        _damage(path, faulty.get(number, ""))
    return root


def write_index(folder: Path, faulty: dict[int, str]) -> Path:
    """Images in an index file that names the classes, as PNG, some of them faulty."""
    lines = ['# classes: ["ant", "bee", "cat"]']
    folder.mkdir()
    for number in range(24):
        path, how = folder / f"{number:02}.png", faulty.get(number, "")
        PIL.Image.fromarray(pixels(100 + number)).save(path)
        _damage(path, how)
        lines.append(f"{path.name} {({'label': 3, 'negative': -1}).get(how, number % 3)}")
    (folder / "index.txt").write_text("\n".join(lines) + "\n")
    return folder / "index.txt"


def _damage(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how in ("truncated", "empty", "text"):
        whole = path.read_bytes()
        path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"<html>404</html>"}[how])


def pipeline_of(train: Path, val: Path | None = None, **data: Any) -> dict[str, Any]:
    """A pipeline on class folders and an index file that skips faulty samples."""
    section: dict[str, Any] = {"dataset": {"image_folder": {"root": str(train)}}}
    section["transforms"] = [{"random_crop": {"size": 8}}, "to_tensor", {"normalize": {"mean": [0.5], "std": [0.5]}}]
    sections: dict[str, Any] = {"train": section}
    if val is not None:
        plain = [{"center_crop": {"size": 8}}, "to_tensor", {"normalize": {"mean": [0.5], "std": [0.5]}}]
        sections["val"] = {"dataset": {"image_index": {"index": str(val)}}, "transforms": plain}
    return {
        "version": 1,
        "seed": 5,
        "data": {**sections, "batch_size": 4, "on_error": "skip", "max_skipped": 5, **data},
        "model": {"mlp": {"size": 8, "in_channels": 3, "hidden": [8], "num_classes": len(CLASSES)}},
        "loss": "cross_entropy",
        "optim": {"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9}}},
        "train": {"epochs": 2, "device": "cpu"},
        "metrics": ["accuracy"] if val is not None else [],
    }
