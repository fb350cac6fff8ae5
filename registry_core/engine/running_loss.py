"""The mean loss of many batches, by the same rule for training and evaluation."""

from __future__ import annotations

from typing import Any

import torch

from registry_core.assembly.model.objective import BatchLoss, Objective


class RunningLoss:
    """Adds up the losses of batches on the device; the mean is over all that counts in all of them.

    Means over samples are weighted by the samples of each batch. Terms that are means over targets are divided by what
    counts in all batches together, so that the mean does not depend on the batch size, and a batch in which nothing
    counts adds nothing.
    """

    def __init__(self, objective: Objective, *, sums_samples: bool, total: torch.Tensor) -> None:
        """``total`` is a 0 of the device and the precision to add up in."""
        self.objective = objective
        self.sums_samples = sums_samples
        self.samples = 0
        self.total = total.new_zeros(len(objective.terms)) if objective.counts_targets else total
        """The sum of the loss over samples, or of each term over what counts."""
        self.divisors = torch.zeros_like(self.total) if objective.counts_targets else None

    def add(self, loss: BatchLoss, samples: int) -> None:
        """Add a batch or an optimizer step of this number of samples."""
        self.samples += samples
        if self.divisors is None:
            self.total.add_(loss.mean.detach().to(self.total.dtype), alpha=1 if self.sums_samples else samples)
            return
        assert loss.sums is not None
        assert loss.divisors is not None
        self.total.add_(loss.sums)
        self.divisors.add_(loss.divisors)

    def mean(self) -> float:
        """The mean; it waits for the device. NaN if nothing counts."""
        if self.divisors is not None:
            return float(self.objective.mean_of(self.total, self.divisors))
        return self.total.item() / self.samples if self.samples else float("nan")

    def reset(self) -> None:
        """Begin anew."""
        self.samples = 0
        self.total.zero_()
        if self.divisors is not None:
            self.divisors.zero_()

    def state_dict(self) -> dict[str, Any]:
        """The sums so far."""
        state = {"loss_sum": self.total, "samples": self.samples}
        return state if self.divisors is None else {**state, "loss_divisors": self.divisors}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the sums."""
        self.samples = state["samples"]
        self.total.copy_(state["loss_sum"])
        if self.divisors is not None:
            self.divisors.copy_(state["loss_divisors"])
