"""Layers: building blocks of the model `sequential` in a pipeline file."""
