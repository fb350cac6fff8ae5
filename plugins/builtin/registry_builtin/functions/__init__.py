"""Functions that other components refer to by name: distances, learning rate factors, image functions."""
