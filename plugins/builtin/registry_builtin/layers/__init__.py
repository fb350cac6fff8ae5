"""Layers: what the model `sequential` is made of in a pipeline file."""
