"""Checkpoints: what they hold, and how they are written, verified and read."""
