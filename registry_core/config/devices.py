"""Devices and the precisions in which they compute."""

from __future__ import annotations

from typing import Literal

Device = Literal["cpu", "cuda", "mps"]
Precision = Literal["fp32", "bf16", "fp16"]

_WITHOUT: dict[Device, frozenset[Precision]] = {"cpu": frozenset({"fp16"})}


def computes_in(device: Device, precision: Precision) -> bool:
    """True if a device computes in a precision."""
    return precision not in _WITHOUT.get(device, frozenset())
