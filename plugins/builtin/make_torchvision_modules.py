"""Write registry_builtin/data/torchvision_modules.zip: the modules of torchvision's classifiers.

python plugins/builtin/make_torchvision_modules.py

Models are built without parameter values, only shapes. The file is identical, byte for byte, for identical modules.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

import torch
from registry_builtin.models.classifiers import Architecture
from registry_builtin.models.torchvision_modules import FILE
from registry_builtin.objects.torchvision_models import torchvision_model
from torch.overrides import TorchFunctionMode

from registry_core.assembly.model.module_facts import facts_of
from registry_core.components import Modules, TensorFacts

_MADE = (torch.empty, torch.zeros, torch.ones, torch.full, torch.randn)
_CLASSES, _CHANNELS = (1000, 1009), (3, 5)
"""Two values of each: dimensions that depend on them are detected by comparing the shapes."""


class _ShapesOnly(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **{**(kwargs or {}), **({"device": "meta"} if func in _MADE else {})})


@contextmanager
def shapes_only() -> Iterator[None]:
    """Create parameters without values inside this context; tensors from which widths are computed keep theirs."""
    with _ShapesOnly():
        yield


def built(arch: str, num_classes: int, in_channels: int) -> Modules:
    """Return the modules of an architecture, as the installed torchvision builds it."""
    with shapes_only():
        return facts_of(torchvision_model(arch, num_classes, in_channels))


def recorded(arch: str) -> dict[str, Any]:
    """Return the entry of an architecture in the file."""
    one, other = (built(arch, *numbers) for numbers in zip(_CLASSES, _CHANNELS, strict=True))
    kinds: dict[str, int] = {}
    of = []
    for first, second in zip(one, other, strict=True):
        assert first[:2] == second[:2], arch
        kind = [first.classes, _general(first.parameters, second.parameters), _general(first.buffers, second.buffers)]
        of.append(kinds.setdefault(json.dumps(kind), len(kinds)))
    return {"kinds": [json.loads(kind) for kind in kinds], "paths": [facts.path for facts in one], "of": of}


def _general(first: tuple[TensorFacts, ...], second: tuple[TensorFacts, ...]) -> list[Any]:
    """Return name, shape and dtype of each tensor, with words for dimensions that vary."""
    found = []
    for one, other in zip(first, second, strict=True):
        assert (one.name, one.dtype, one.shared_name) == (other.name, other.dtype, ""), (one, other)
        sides = [_side(*pair) for pair in zip(one.shape, other.shape, strict=True)]
        found.append([one.name, sides, one.dtype])
    return found


def _side(one: int, other: int) -> int | str:
    if one == other:
        return one
    return {_CLASSES: "classes", _CHANNELS: "channels"}[(one, other)]


def main() -> None:
    """Write the file."""
    with zipfile.ZipFile(FILE, "w", zipfile.ZIP_DEFLATED, compresslevel=zlib.Z_BEST_COMPRESSION) as archive:
        for arch in get_args(Architecture):
            text = json.dumps(recorded(arch), separators=(",", ":"))
            archive.writestr(zipfile.ZipInfo(arch), text, zipfile.ZIP_DEFLATED, zlib.Z_BEST_COMPRESSION)
    print(f"{FILE.name}: {len(get_args(Architecture))} architectures, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
