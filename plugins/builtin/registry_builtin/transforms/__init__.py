"""Transforms by theme: crops, sizes, flips and rotations, colours, and conversion from image to normalized tensor.

All of them accept and return a sample. Masks follow the images: a geometric transform is applied to every Pillow image
and every torchvision tv_tensor of the sample, while interpolation and fill values apply to images only (masks use
nearest-neighbour interpolation and are padded with `mask_fill`).
"""
