"""The run: the loop, its state, checkpoints, hooks and evaluation."""
