"""From a plan to the model: first values, weights of a file, freezing, the objective."""
