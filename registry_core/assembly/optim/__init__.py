"""From a plan to the optimizer, its parameter groups and the learning-rate schedule."""
