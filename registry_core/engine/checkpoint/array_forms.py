"""The forms of tensors, arrays and generators in a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.lib.format import descr_to_dtype, dtype_to_descr
from torch import nn

from registry_core.engine.checkpoint.forms import Form, Unsavable, decoded, encoded

_STORED = {
    *(torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.int8, torch.int16, torch.int32),
    *(torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.float8_e4m3fn, torch.float8_e5m2),
}
"""The dtypes that every safetensors has; tensors of others are stored as their bytes."""

_INDICES: dict[torch.layout, tuple[str, str]] = {
    torch.sparse_csr: ("crow_indices", "col_indices"),
    torch.sparse_csc: ("ccol_indices", "row_indices"),
    torch.sparse_bsr: ("crow_indices", "col_indices"),
    torch.sparse_bsc: ("ccol_indices", "row_indices"),
}

_CONSTANTS = {
    str(value): value
    for value in vars(torch).values()
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format))
}
"""The dtypes, layouts and memory formats of torch, by the texts that torch writes for them."""

_BIT_GENERATORS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64)
}

_KINDS_OF_VALUES = "biufcmMSUV"
"""The kinds of NumPy dtypes whose bytes are their values, not addresses of objects."""


def is_stored(value: Any) -> bool:
    """True for a tensor that safetensors can store: dense, of a common dtype, and not of a class of its own."""
    return (
        type(value) in (torch.Tensor, nn.Parameter)
        and value.layout == torch.strided
        and not value.is_quantized
        and value.dtype in _STORED
    )


def on_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """A contiguous copy on the CPU, which shares no memory."""
    resolved = tensor.detach().resolve_conj().resolve_neg()
    return resolved.to("cpu", copy=True, memory_format=torch.contiguous_format)


def form_of_tensor(value: torch.Tensor) -> Form | None:
    """The form of a tensor, which makes it simpler; None for one that is stored as it is."""
    if type(value) is nn.Parameter:
        return _PARAMETER
    if type(value) is not torch.Tensor:
        remedy = "Keep it as a plain tensor: value.as_subclass(torch.Tensor)."
        raise Unsavable(f"a tensor of the class {type(value).__name__}", remedy)
    if value.requires_grad and value.is_leaf:
        return _LEAF
    if value.layout == torch.sparse_coo:
        return _SPARSE
    if value.layout in _INDICES:
        return _COMPRESSED
    if value.layout != torch.strided:
        raise Unsavable(f"a tensor with the layout {value.layout}", "Keep it as a dense tensor.")
    if value.is_quantized:
        raise Unsavable("a quantized tensor", "Keep its int_repr(), its scale and its zero point.")
    if not value.is_contiguous() and value.permute(_order(value.stride())).is_contiguous():
        return _PERMUTED
    return None if value.dtype in _STORED else _BYTES


def _order(strides: Sequence[int]) -> list[int]:
    """The dimensions from the one with the largest steps in memory to the one with the smallest."""
    return sorted(range(len(strides)), key=lambda dimension: -strides[dimension])


def _inverse(order: Sequence[int]) -> list[int]:
    return [order.index(dimension) for dimension in range(len(order))]


def _apart_permuted(value: torch.Tensor) -> Sequence[Any]:
    order = _order(value.stride())
    return value.permute(order), order


def _apart_bytes(value: torch.Tensor) -> Sequence[Any]:
    flat = value.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return flat.view(torch.uint8), value.dtype, [*value.shape]


def _apart_sparse(value: torch.Tensor) -> Sequence[Any]:
    return value._indices(), value._values(), [*value.shape], value.is_coalesced()


def _sparse(indices: torch.Tensor, values: torch.Tensor, shape: list[int], coalesced: bool) -> torch.Tensor:
    return torch.sparse_coo_tensor(indices, values, shape, is_coalesced=coalesced, check_invariants=True)


def _apart_compressed(value: torch.Tensor) -> Sequence[Any]:
    indices = [getattr(value, name)() for name in _INDICES[value.layout]]
    return *indices, value.values(), [*value.shape], value.layout


def _compressed(outer: Any, inner: Any, values: Any, shape: list[int], layout: torch.layout) -> torch.Tensor:
    return torch.sparse_compressed_tensor(outer, inner, values, shape, layout=layout, check_invariants=True)


_PARAMETER = Form("parameter", lambda v: (v.detach(), v.requires_grad), nn.Parameter)
_LEAF = Form("leaf", lambda v: (v.detach(),), lambda tensor: tensor.detach().requires_grad_())
_SPARSE = Form("sparse", _apart_sparse, _sparse)
_COMPRESSED = Form("compressed", _apart_compressed, _compressed)
_PERMUTED = Form("permuted", _apart_permuted, lambda tensor, order: tensor.permute(_inverse(order)))
_BYTES = Form("bytes of", _apart_bytes, lambda data, dtype, shape: data.view(dtype).reshape(shape))


def _described(dtype: np.dtype[Any]) -> Any:
    """A dtype as data, such as ``<f8``; Unsavable if its bytes are not its values."""
    if dtype.hasobject or dtype.kind not in _KINDS_OF_VALUES or not dtype.itemsize:
        raise Unsavable(f"an array of {dtype.name}", "Keep arrays of numbers, truth values, times or fixed texts.")
    described = dtype_to_descr(dtype)
    if descr_to_dtype(described) != dtype:
        raise Unsavable(f"an array of {dtype}", "Keep arrays of numbers, truth values, times or fixed texts.")
    return described


def _dtype(described: Any) -> np.dtype[Any]:
    _refuse_shapes_in_text(described)
    made = descr_to_dtype(described)
    _described(made)  # a file may say anything: bytes are never read as addresses of objects
    return made


def _refuse_shapes_in_text(described: Any) -> None:
    """Raise ValueError for a text such as ``(2,)i4``, which no dtype has and whose shape NumPy compiles."""
    if isinstance(described, str):
        if "(" in described:
            raise ValueError(described)
    elif isinstance(described, tuple):
        _refuse_shapes_in_text(described[0])
    elif isinstance(described, list):
        for field in described:
            _refuse_shapes_in_text(field[1])


def _apart_array(value: np.ndarray[Any, Any]) -> Sequence[Any]:
    described, order = _described(value.dtype), _order(value.strides)
    permuted = not value.flags.c_contiguous and value.transpose(order).flags.c_contiguous
    data = value.transpose(order).tobytes() if permuted else value.tobytes()
    stored = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
    return stored, described, [*value.shape], order if permuted else None


def _array(data: torch.Tensor, described: Any, shape: list[int], order: list[int] | None) -> np.ndarray[Any, Any]:
    stored = shape if order is None else [shape[dimension] for dimension in order]
    made = _from_bytes(data.numpy().tobytes(), described, stored)
    return made if order is None else made.transpose(_inverse(order))


def _from_bytes(data: bytes, described: Any, shape: list[int]) -> np.ndarray[Any, Any]:
    made: np.ndarray[Any, Any] = np.ndarray(tuple(shape), _dtype(described), buffer=data).copy()
    if made.nbytes != len(data):
        raise ValueError(f"{len(data)} bytes are no array of this shape and type")
    return made


def _apart_scalar(value: np.generic) -> Sequence[Any]:
    if type(value) is not value.dtype.type:
        raise Unsavable(f"a number of the class {type(value).__name__}")
    return encoded(value.tobytes()), _described(value.dtype)


def _apart_bit_generator(value: Any) -> Sequence[Any]:
    name = type(value).__name__
    if _BIT_GENERATORS.get(name) is not type(value):
        raise Unsavable(f"a bit generator of the class {name}", f"Use one of {', '.join(_BIT_GENERATORS)}.")
    return name, value.state, value.seed_seq


def _bit_generator(name: str, state: dict[str, Any], seeds: np.random.SeedSequence | None) -> Any:
    made = _BIT_GENERATORS[name](seeds)
    made.state = state
    return made


def _apart_seeds(value: np.random.SeedSequence) -> Sequence[Any]:
    return value.entropy, value.spawn_key, value.pool_size, value.n_children_spawned


def _seeds(entropy: Any, spawn_key: Any, pool_size: int, spawned: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(entropy, spawn_key=spawn_key, pool_size=pool_size, n_children_spawned=spawned)


def _apart_random_state(value: np.random.RandomState) -> Sequence[Any]:
    state: Any = value.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise Unsavable("a RandomState with a bit generator of its own", "Keep a numpy.random.Generator.")
    return (state,)


def _random_state(state: Any) -> np.random.RandomState:
    made = np.random.RandomState()
    made.set_state(state)
    return made


def _generator(state: torch.Tensor, device: torch.device) -> torch.Generator:
    made = torch.Generator(device)
    made.set_state(state)
    return made


_SCALAR = Form("scalar", _apart_scalar, lambda text, described: _from_bytes(decoded(text), described, [])[()])
_DTYPE = Form("numpy dtype", lambda v: (_described(v),), _dtype)
_CONSTANT = Form("torch", lambda v: (str(v),), _CONSTANTS.__getitem__)
_BIT_GENERATOR = Form("bit generator", _apart_bit_generator, _bit_generator)

ARRAYS: dict[type, Form] = {
    torch.dtype: _CONSTANT,
    torch.layout: _CONSTANT,
    torch.memory_format: _CONSTANT,
    torch.device: Form("device", lambda v: (str(v),), torch.device),
    torch.Size: Form("size", lambda v: ([*v],), torch.Size),
    torch.Generator: Form("generator", lambda v: (v.get_state(), v.device), _generator),
    np.ndarray: Form("array", _apart_array, _array),
    np.random.Generator: Form("numpy generator", lambda v: (v.bit_generator,), np.random.Generator),
    np.random.RandomState: Form("random state", _apart_random_state, _random_state),
    np.random.SeedSequence: Form("seeds", _apart_seeds, _seeds),
}
"""The forms of types of torch and NumPy."""

TENSORS = (_PARAMETER, _LEAF, _SPARSE, _COMPRESSED, _PERMUTED, _BYTES)
BASES: dict[type, Form] = {np.generic: _SCALAR, np.dtype: _DTYPE, np.random.BitGenerator: _BIT_GENERATOR}
"""The forms of types that have one class for each dtype or algorithm."""
