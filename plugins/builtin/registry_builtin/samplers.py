"""Samplers: the order of samples as a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from registry_core.components import CheckFailed, Sampler
from registry_core.components.sampler import Order
from registry_core.components.target import load_target
from registry_core.components.types import PositiveInt


class Sequential(Sampler):
    """All samples in the order of the data set, the same in every epoch.

    The default for all sections but train.
    """

    target = "registry_builtin.objects.sample_orders:SequentialOrder"


class Shuffled(Sampler):
    """All samples once, in an order drawn for each epoch.

    Each sample gets a 64-bit word of NumPy's Philox bit generator, with key (seed, 1) and counter (0, 0, 0, epoch); the
    samples come in the order of their words. NumPy keeps the streams of bit generators across its versions, so the
    order stays too.
    """

    target = "registry_builtin.objects.sample_orders:ShuffledOrder"


class ClassBalanced(Sampler):
    """Samples drawn with replacement, every class equally often on average.

    For each place in an epoch a class is drawn, each with the same chance, and then one of its samples, each with the
    same chance; classes without samples are left out. Some samples may come several times in an epoch, and others not
    at all. Needs a data set that knows the class of every sample.
    """

    target = "registry_builtin.objects.sample_orders:ClassBalancedOrder"
    needs_targets: ClassVar[bool] = True

    samples: PositiveInt | None = Field(
        default=None, description="Samples in an epoch; null for as many as the data set has."
    )

    def epoch_length(self, length: int) -> int:
        """How many samples an epoch has, for a data set of this length."""
        return length if self.samples is None else self.samples

    def build(self, length: int, targets: Sequence[int] | None = None) -> Order:
        """The order for a data set of ``length`` samples with these classes."""
        if targets is None:
            raise CheckFailed(
                f"The sampler {self.name!r} needs the class of every sample, and this data set does not tell them.",
                "Use the sampler shuffled, or a data set with one class for each sample.",
            )
        if len(targets) != length:
            raise CheckFailed(
                f"The sampler {self.name!r} was given {len(targets)} classes for a data set of {length} samples.",
                "Repair the data set: it must tell one class for each sample.",
            )
        order: Order = load_target(self.target)(targets, self.epoch_length(length))
        return order
