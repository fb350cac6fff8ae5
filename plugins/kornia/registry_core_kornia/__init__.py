"""Augmentations of kornia as batch transforms that run on the device of the model."""
