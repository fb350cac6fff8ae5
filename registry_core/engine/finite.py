"""Finite numbers: losses and gradients are read before they change weights, and weights before they are kept."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import nn

from registry_core.assembly.finite import largest, stored
from registry_core.diagnostics import RegistryError

Policy = Literal["stop", "skip"]
"""The reaction to a loss or gradients that are not finite: the run stops, or the step is not made."""


class NotFiniteStep(RegistryError):
    """Raised within an optimizer step before it changes a weight, and caught around it."""

    def __init__(self, subject: Literal["loss", "gradients"]) -> None:
        super().__init__(f"The {subject} of the step is not finite.")
        self.subject = subject


class FiniteGuard:
    """Refuses optimizer steps whose loss or gradients are not finite, before they change a weight.

    On the CPU the loss of every step is read, which takes less than a microsecond. On CUDA it is copied to pinned
    memory right after the forward pass, and the copy is read when the backward pass is queued: the host waits for the
    forward pass alone, while the device goes on with the backward pass. Gradients are read where their norm is known
    because it is clipped, and with ``skip`` always; for that, the host waits for the backward pass. With ``stop`` on
    CUDA it does not wait: the norm is read before the next step, and before anything is reported or saved.
    """

    def __init__(self, device: torch.device, policy: Policy) -> None:
        self.policy = policy
        self.reads_gradients = policy == "skip"
        self.on_cuda = device.type == "cuda"
        self._loss = _HostCopy() if self.on_cuda else None
        self._norm = _HostCopy() if self.on_cuda and policy == "stop" else None
        self._value: torch.Tensor | None = None

    def note_loss(self, loss: torch.Tensor) -> None:
        """The loss of a step is computed; its last backward pass follows."""
        if self._loss is None:
            self._value = loss
        else:
            self._loss.copy(loss)

    def check_loss(self) -> None:
        """Raise NotFiniteStep if that loss is not finite."""
        value = self._loss.read() if self._loss is not None else self._value.item()  # type: ignore[union-attr]  # note_loss set it
        if not math.isfinite(value):
            raise NotFiniteStep("loss")

    def check_gradients(self, norm: torch.Tensor) -> None:
        """Raise NotFiniteStep if the norm of the gradients is not finite."""
        if self._norm is not None:
            self.check_earlier()
            self._norm.copy(norm)
        elif not math.isfinite(norm.item()):
            raise NotFiniteStep("gradients")

    def check_earlier(self) -> None:
        """Raise NotFiniteStep if the norm of an earlier step, which was not waited for, is not finite."""
        if self._norm is not None and not math.isfinite(self._norm.read()):
            raise NotFiniteStep("gradients")


class _HostCopy:
    """A scalar on its way from a CUDA device: copied without waiting, and read when the copy is there."""

    def __init__(self) -> None:
        self._host = torch.zeros((), pin_memory=True)
        self._there = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def copy(self, value: torch.Tensor) -> None:
        """Queue the copy of a scalar."""
        self._host.copy_(value.detach(), non_blocking=True)
        self._there.record()

    def read(self) -> float:
        """The last copied scalar; 0 if there is none."""
        self._there.synchronize()
        return self._host.item()


def gradient_norm(parameters: Iterable[nn.Parameter]) -> torch.Tensor:
    """The largest absolute value of all gradients; NaN if one is NaN."""
    gradients = [stored(parameter.grad) for parameter in parameters if parameter.grad is not None]
    return largest([grad for grad in gradients if grad.numel()])
