"""Models: classifiers, sequential models, dense prediction, sparse gradients, and models that wrap another one."""
