"""Functions that other components name: distances, factors on learning rates, changes of images."""
