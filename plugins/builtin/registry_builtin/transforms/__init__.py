"""Transforms, by theme: crops, sizes, flips and turns, colours, and the way from an image to a normalised tensor.

All of them take and return the sample. Images move with masks: what is geometric is done to every Pillow image and
torchvision tv_tensor of the sample, interpolation and fill values to images only (masks take the nearest pixel, and 0
where they are padded).
"""
