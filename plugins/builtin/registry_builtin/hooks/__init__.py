"""Hooks: progress, logs, checkpoints, early stopping, and TensorBoard."""
