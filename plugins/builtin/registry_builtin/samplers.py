"""Samplers: the order of samples as a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import CheckFailed, Sampler
from registry_core.components.sampler import Order
from registry_core.components.target import load_target
from registry_core.components.types import PositiveInt


class Sequential(Sampler):
    """Iterate over the samples in the order of the data set, the same in every epoch.

    The default for all sections except train.
    """

    target = "registry_builtin.objects.sample_orders:SequentialOrder"


class Shuffled(Sampler):
    """Iterate over the samples in a random order, redrawn for each epoch, without replacement.

    Each sample is assigned a 64-bit word from NumPy's Philox bit generator, with key (seed, 1) and counter (0, 0, 0,
    epoch); the samples are sorted by their words. NumPy guarantees the streams of bit generators across versions, so
    the order is stable too.
    """

    target = "registry_builtin.objects.sample_orders:ShuffledOrder"


class Repeated(Sampler):
    """Iterate over every sample several times in an epoch, in a random order that is redrawn for each epoch.

    Each occurrence of a sample is augmented differently. The order is that of ``shuffled`` for as many samples as the
    epoch has. Source: Hoffer et al., "Augment your batch", CVPR 2020.
    """

    target = "registry_builtin.objects.sample_orders:RepeatedOrder"
    example: ClassVar[Mapping[str, Any]] = {"times": 3}

    times: PositiveInt = Field(description="Number of times that an epoch has each sample.")

    def epoch_length(self, length: int) -> int:
        """Return the number of samples in an epoch for a data set of this length."""
        return length * self.times


class ClassBalanced(Sampler):
    """Draw samples with replacement such that all classes are equally frequent on average.

    For each position in an epoch, a class is drawn uniformly, then one of its samples uniformly; classes without
    samples are ignored. A sample may occur several times in an epoch or not at all. Requires a data set that knows the
    class of every sample.
    """

    target = "registry_builtin.objects.sample_orders:ClassBalancedOrder"
    needs_targets: ClassVar[bool] = True

    samples: PositiveInt | None = Field(
        default=None, description="Number of samples in an epoch; null for the length of the data set."
    )

    def epoch_length(self, length: int) -> int:
        """Return the number of samples in an epoch for a data set of this length."""
        return length if self.samples is None else self.samples

    def build(self, length: int, targets: Sequence[int] | None = None) -> Order:
        """Return the order for a data set of ``length`` samples with these classes."""
        if targets is None:
            raise CheckFailed(
                f"The sampler {self.name!r} requires the class of every sample, but the data set does not provide it.",
                "Use the sampler shuffled, or a data set with one class per sample.",
            )
        if len(targets) != length:
            raise CheckFailed(
                f"The sampler {self.name!r} received {len(targets)} classes for a data set of {length} samples.",
                "Repair the data set so that it provides one class per sample.",
            )
        order: Order = load_target(self.target)(targets, self.epoch_length(length))
        return order
