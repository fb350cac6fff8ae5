"""Lengths: the samples and batches of an epoch, and the horizon of a run."""

from __future__ import annotations

from registry_core.components import Horizon
from registry_core.config.models import Section, Spec


def samples_in_epoch(spec: Spec, section: Section, length: int) -> int:
    """Samples in one epoch of a section whose data set has ``length`` samples."""
    sampler = spec.data.sections()[section].sampler
    return sampler.epoch_length(length) if sampler else length


def batches_in_epoch(spec: Spec, section: Section, samples: int) -> int:
    """Batches in one epoch of ``samples`` samples."""
    size = spec.data.batch_size_of(section)
    if section == "train" and spec.data.drop_last:
        return samples // size
    return -(-samples // size)


def horizon_of(spec: Spec, batches: int) -> Horizon:
    """The horizon of a run with this number of training batches per epoch: epochs and optimizer steps.

    The remaining batches of an epoch make a last, smaller step: no step spans two epochs.
    """
    steps_per_epoch = -(-batches // spec.train.accumulate)
    total = steps_per_epoch * spec.train.epochs
    if spec.train.max_steps is not None:
        total = min(total, spec.train.max_steps)
    epochs = -(-total // steps_per_epoch) if steps_per_epoch else spec.train.epochs
    return Horizon(epochs, steps_per_epoch, total)
