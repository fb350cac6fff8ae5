"""Modules of torchvision's classifiers, from a file written by ``plugins/builtin/make_torchvision_modules.py``."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from registry_core.components import ModuleFacts, Modules, TensorFacts

FILE = Path(__file__).parent.parent / "data" / "torchvision_modules.zip"
"""One member per architecture: its ``kinds`` of modules, the ``paths`` of its modules, and the kind ``of`` each.

A kind is [class names, parameters, saved buffers]; a parameter or buffer is [name, shape, dtype]. In shapes,
``classes`` is the number of classes and ``channels`` the number of image channels.
"""


def torchvision_modules(arch: str, num_classes: int, in_channels: int) -> Modules:
    """Return the modules of the architecture for these numbers of classes and channels."""
    with zipfile.ZipFile(FILE) as archive:
        found = json.loads(archive.read(arch))
    sides = {"classes": num_classes, "channels": in_channels}
    kinds = [(tuple(names), _tensors(own, sides), _tensors(saved, sides)) for names, own, saved in found["kinds"]]
    return tuple(ModuleFacts(path, *kinds[kind]) for path, kind in zip(found["paths"], found["of"], strict=True))


def _tensors(written: list[Any], sides: dict[str, int]) -> tuple[TensorFacts, ...]:
    return tuple(
        TensorFacts(name, tuple(sides.get(side, side) for side in shape), dtype) for name, shape, dtype in written
    )
