"""Torch files read as data: the same tensors as torch reads, in both formats, and nothing that could run."""

from __future__ import annotations

import collections
import io
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from registry_core.analysis.stored_weights import opened, stored_weights
from registry_core.analysis.torch_file import BYTES
from registry_core.analysis.torch_pickle import BadPickle, NotTensors, read_pickle
from registry_core.assembly.model.weights import TensorReader
from registry_core.components import CheckFailed


def ours(path: Path, entry: str | None = None) -> dict[str, Tensor]:
    """The tensors of a file as finetuning reads them."""
    with opened(path) as file:
        found = stored_weights(file, path, entry)
        read = TensorReader(file, found)
        return {name: read(tensor) for name, tensor in found.tensors.items()}


def assert_same(found: dict[str, Tensor], wanted: dict[str, Any]) -> None:
    """Equal names, types, shapes and bits."""
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype, name
        assert found[name].shape == value.shape, name
        # the bits: NaN is not equal to itself
        assert found[name].contiguous().numpy(force=True).tobytes() == value.detach().contiguous().numpy().tobytes()


VALUES = {
    "float": torch.randn(3, 4),
    "transposed": torch.arange(12.0).reshape(3, 4).t(),
    "part": torch.arange(100.0)[10:20:3],
    "expanded": torch.ones(1).expand(5),
    "one number": torch.tensor(3.5),
    "empty": torch.zeros(0, 3),
    "whole": torch.arange(5),
    "half": torch.randn(2, 2).half(),
    "double": torch.randn(2).double(),
    "truth": torch.tensor([True, False]),
    "int8": torch.tensor([-3, 4], dtype=torch.int8),
    "bytes": torch.tensor([250], dtype=torch.uint8),
    "short": torch.tensor([-300], dtype=torch.int16),
    "int": torch.tensor([2**30], dtype=torch.int32),
    "complex": torch.randn(2, dtype=torch.complex64),
    "nan": torch.tensor([float("nan"), float("inf")]),
    "parameter": nn.Parameter(torch.randn(2)),
}


@pytest.mark.covers("section/finetune", reference="torch.load")
@pytest.mark.parametrize("zipped", [True, False])
def test_the_tensors_are_those_that_torch_reads(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "w.pt"
    torch.save(VALUES, path, _use_new_zipfile_serialization=zipped)
    assert_same(ours(path), torch.load(path, weights_only=True))


@pytest.mark.parametrize("zipped", [True, False])
def test_the_states_of_modules(tmp_path: Path, zipped: bool) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 2), nn.GRU(4, 3))
    path = tmp_path / "w.pt"
    torch.save(model.state_dict(), path, _use_new_zipfile_serialization=zipped)
    assert_same(ours(path), torch.load(path, weights_only=True))


@pytest.mark.parametrize("zipped", [True, False])
def test_sets_of_weights_in_a_checkpoint(tmp_path: Path, zipped: bool) -> None:
    """With what else checkpoints hold: the state of an optimizer, numbers, sets, counters, devices."""
    model = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    others = {"seen": {1, 2}, "counts": collections.Counter("abc"), "device": torch.device("cpu"), "lr": 0.1}
    others |= {"size": torch.Size([2]), "type": torch.float16, "big": 2**70, "names": ["a", ("b", None, True)]}
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, **others}
    torch.save(state, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    assert_same(ours(tmp_path / "w.pt"), model.state_dict())
    state["ema"] = {name: value * 2 for name, value in model.state_dict().items()}
    torch.save(state, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    assert_same(ours(tmp_path / "w.pt", "ema"), state["ema"])


def test_tensors_that_share_their_values(tmp_path: Path) -> None:
    whole = torch.arange(10.0)
    tensors = {"a": whole, "b": whole[2:5], "c": whole.view(2, 5)[:, 1]}
    for zipped in (True, False):
        torch.save(tensors, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
        assert_same(ours(tmp_path / "w.pt"), tensors)


def test_every_type_of_values_has_the_bytes_that_torch_says(tmp_path: Path) -> None:
    for name, size in BYTES.items():
        dtype = getattr(torch, name)
        assert dtype.itemsize == size
        raw = torch.arange(size * 3, dtype=torch.uint8)
        value = (raw % 2).bool() if name == "bool" else raw.view(dtype)
        torch.save({"a": value}, tmp_path / "w.pt")
        found = ours(tmp_path / "w.pt")["a"]
        assert found.dtype == dtype
        assert torch.equal(found.view(torch.uint8), value.view(torch.uint8))


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")  # deprecated, but files have it
@pytest.mark.parametrize("zipped", [True, False])
def test_other_tensors_are_left_alone_or_refused(tmp_path: Path, zipped: bool) -> None:
    sparse = torch.eye(3).to_sparse()
    conjugate = torch.randn(2, dtype=torch.complex64).conj()
    quantized = torch.quantize_per_tensor(torch.randn(3), 0.1, 0, torch.qint8)
    for kind, value in (("sparse", sparse), ("conjugated", conjugate), ("quantized", quantized)):
        path = tmp_path / "w.pt"
        torch.save({"good": {"a": torch.ones(2)}, "other": {"b": value}}, path, _use_new_zipfile_serialization=zipped)
        assert_same(ours(path, "good"), {"a": torch.ones(2)})
        with pytest.raises(CheckFailed, match=f"The tensor 'b' of .* is a {kind} tensor, which is not read"):
            ours(path, "other")


def test_archives_that_another_program_packed(tmp_path: Path) -> None:
    """Compressed members are decompressed, within limits; checksums may be left out, as torch does on request."""
    torch.save(VALUES, tmp_path / "w.pt")
    packed = zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(tmp_path / "w.pt") as made, packed:
        for name in made.namelist():
            packed.writestr(name, made.read(name))
    assert (tmp_path / "packed.pt").read_bytes() != (tmp_path / "w.pt").read_bytes()
    assert_same(ours(tmp_path / "packed.pt"), torch.load(tmp_path / "w.pt", weights_only=True))
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(VALUES, tmp_path / "without.pt")
    finally:
        torch.serialization.set_crc32_options(before)
    assert_same(ours(tmp_path / "without.pt"), torch.load(tmp_path / "w.pt", weights_only=True))


def test_every_cut_and_every_changed_byte_of_a_description(tmp_path: Path) -> None:
    """It is refused, or it is read as data; nothing else happens."""
    file = io.BytesIO()
    torch.save({"a": torch.ones(3), "b": {"c": 1.5}}, file)
    with zipfile.ZipFile(file) as archive:
        whole = archive.read("archive/data.pkl")
    assert read_pickle(io.BytesIO(whole)).storages
    for end in range(len(whole)):
        with pytest.raises((BadPickle, NotTensors)):
            read_pickle(io.BytesIO(whole[:end]))
    for place in range(len(whole)):
        for value in range(256):
            changed = bytearray(whole)
            changed[place] = value
            with suppress(BadPickle, NotTensors):
                read_pickle(io.BytesIO(bytes(changed)))
