"""Write registry_builtin/data/torchvision_modules.zip: what torchvision's classifiers are made of.

python plugins/builtin/make_torchvision_modules.py

Nothing is computed: the models are built with parameters that have shapes only. The file is the same, byte for byte,
for the same modules.
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
"""Two numbers of each: sides of shapes that follow them are found by their difference."""


class _ShapesOnly(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **{**(kwargs or {}), **({"device": "meta"} if func in _MADE else {})})


@contextmanager
def shapes_only() -> Iterator[None]:
    """Parameters that are made inside have no values; some models compute their widths, for which others have."""
    with _ShapesOnly():
        yield


def built(arch: str, num_classes: int, in_channels: int) -> Modules:
    """The modules of an architecture, as the installed torchvision builds it."""
    with shapes_only():
        return facts_of(torchvision_model(arch, num_classes, in_channels))


def recorded(arch: str) -> dict[str, Any]:
    """What the file has of an architecture."""
    one, other = (built(arch, *numbers) for numbers in zip(_CLASSES, _CHANNELS, strict=True))
    kinds: dict[str, int] = {}
    of = []
    for first, second in zip(one, other, strict=True):
        assert first[:2] == second[:2], arch
        kind = [first.classes, _general(first.parameters, second.parameters), _general(first.buffers, second.buffers)]
        of.append(kinds.setdefault(json.dumps(kind), len(kinds)))
    return {"kinds": [json.loads(kind) for kind in kinds], "paths": [facts.path for facts in one], "of": of}


def _general(first: tuple[TensorFacts, ...], second: tuple[TensorFacts, ...]) -> list[Any]:
    """Name, shape and type of each, with words for sides that are not always the same."""
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
