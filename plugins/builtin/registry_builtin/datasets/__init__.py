"""Data sets: image files, data sets composed of other ones, and the file formats that they read."""
