"""Models: classifiers, networks written layer by layer, dense outputs, sparse gradients, and models around models."""
