"""Augmentations of kornia as batch transforms that run where the model is."""
