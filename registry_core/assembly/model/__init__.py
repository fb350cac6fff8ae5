"""The model of a plan: initial values, weights from a file, freezing, the objective."""
