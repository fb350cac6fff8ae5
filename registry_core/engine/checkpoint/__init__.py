"""Checkpoints: their content, and writing, verifying and reading them."""
