"""Nested state as plain data, which cannot name code: a JSON structure, and its tensors by number.

Optimizer states and the like are nested dictionaries with tensors in them. The tensors are separated and stored as
safetensors, and the rest is plain JSON.
"""

from __future__ import annotations

from typing import Any

import torch

_PLAIN = (str, int, float, bool, type(None))


def take_apart(tree: Any) -> tuple[Any, dict[str, torch.Tensor]]:
    """The JSON structure of a tree, and its tensors (contiguous, on the CPU) by the numbers that replace them."""
    tensors: dict[str, torch.Tensor] = {}

    def structure(value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.layout == torch.sparse_coo:
            parts = [structure(value._indices()), structure(value._values())]
            return {"sparse": parts, "shape": list(value.shape), "coalesced": value.is_coalesced()}
        if isinstance(value, torch.Tensor):
            number = str(len(tensors))
            tensors[number] = value.detach().cpu().contiguous().clone()
            return {"tensor": number}
        if isinstance(value, dict):
            return {"items": [[structure(key), structure(item)] for key, item in value.items()]}
        if isinstance(value, tuple):
            return {"tuple": [structure(item) for item in value]}
        if isinstance(value, list):
            return [structure(item) for item in value]
        if isinstance(value, _PLAIN):
            return value
        raise TypeError(f"a {type(value).__name__} cannot be saved in a checkpoint; use tensors and plain data")

    return structure(tree), tensors


def put_together(structure: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The tree of a JSON structure and its tensors."""
    if isinstance(structure, list):
        return [put_together(item, tensors) for item in structure]
    if not isinstance(structure, dict):
        return structure
    if "tensor" in structure:
        return tensors[structure["tensor"]]
    if "sparse" in structure:
        indices, values = (put_together(part, tensors) for part in structure["sparse"])
        return torch.sparse_coo_tensor(
            indices, values, structure["shape"], is_coalesced=structure["coalesced"], check_invariants=True
        )
    if "tuple" in structure:
        return tuple(put_together(item, tensors) for item in structure["tuple"])
    return {put_together(key, tensors): put_together(item, tensors) for key, item in structure["items"]}
