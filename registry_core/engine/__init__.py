"""The run: the training loop, its state, checkpoints, hooks and evaluation."""

from registry_core.catalog import shield

shield()  # before torch is imported
