"""Data sets: image files, scenes made of their images, and the formats that they read."""
