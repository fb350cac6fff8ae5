"""Builds every model of timm without memory for its parameters, and finds what comes out for two images."""

from __future__ import annotations

from typing import Any

import timm
import torch


def measure(name: str) -> tuple[int, int | None]:
    """How many parameters a model has and, if it has no classifier, how many features; ValueError if it is unfit.

    It is fit if two images of its own size give one row of numbers each, in evaluation and in training.
    """
    with torch.device("meta"):
        network = timm.create_model(name)
        classes = network.num_classes
        shapes = [_shape_of_output(network.train(mode)) for mode in (False, True)]
    for shape in shapes:
        if len(shape) != 2 or shape[0] != 2 or (classes and shape[1] != classes):
            raise ValueError(f"two images give {' x '.join(map(str, shape))} numbers")
    return sum(parameter.numel() for parameter in network.parameters()), None if classes else shapes[0][1]


def _shape_of_output(network: Any) -> tuple[int, ...]:
    with torch.no_grad():
        output = network(torch.zeros(2, *network.pretrained_cfg["input_size"]))
    if not isinstance(output, torch.Tensor):
        raise ValueError(f"two images give a {type(output).__name__}, not a tensor")
    return tuple(output.shape)
