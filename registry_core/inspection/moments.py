"""Mean and scatter matrix of many rows, updated batch by batch in the memory of one matrix."""

from __future__ import annotations

import torch
from torch import Tensor

from registry_core.diagnostics import RunError


class Moments:
    """Chan, Golub and LeVeque's update of mean and scatter, in float64 ("Updating formulae", COMPSTAT 1982)."""

    def __init__(self, size: int) -> None:
        self.count = 0
        try:
            self.mean = torch.zeros(size, dtype=torch.float64)
            self.scatter = torch.zeros(size, size, dtype=torch.float64)
        except RuntimeError as error:
            needed = 8 * size**2 / 2**30
            message = f"A matrix of {size} x {size} numbers needs {needed:.1f} GiB, which cannot be allocated"
            raise RunError(f"{message}: {error}. Make the images smaller.") from error

    def update(self, rows: Tensor) -> None:
        """Add rows [n, size]."""
        rows = rows.to(torch.float64)
        count = self.count + len(rows)
        mean = rows.mean(0)
        centred = rows - mean
        distance = mean - self.mean
        self.scatter.addmm_(centred.T, centred)
        self.scatter.addr_(distance, distance, alpha=self.count * len(rows) / count)
        self.mean += distance * (len(rows) / count)
        self.count = count

    def covariance(self) -> Tensor:
        """The scatter divided by one less than the number of rows."""
        return self.scatter / (self.count - 1)
