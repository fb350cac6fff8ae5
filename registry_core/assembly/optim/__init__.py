"""The optimizer of a plan, its parameter groups and the learning-rate schedule."""
