"""Build timm models on the meta device and determine their outputs for two images."""

from __future__ import annotations

from typing import Any

import timm
import torch


def measure(name: str) -> tuple[int, int | None]:
    """Return the number of parameters of a model and, if it has no classifier, of its features.

    Raises ValueError unless the model emits one vector for each of two images of its size, in evaluation and training.
    """
    with torch.device("meta"):
        network = timm.create_model(name)
        classes = network.num_classes
        shapes = [_shape_of_output(network.train(mode)) for mode in (False, True)]
    for shape in shapes:
        if len(shape) != 2 or shape[0] != 2 or (classes and shape[1] != classes):
            raise ValueError(f"the output for two images has the shape {' x '.join(map(str, shape))}")
    return sum(parameter.numel() for parameter in network.parameters()), None if classes else shapes[0][1]


def _shape_of_output(network: Any) -> tuple[int, ...]:
    with torch.no_grad():
        output = network(torch.zeros(2, *network.pretrained_cfg["input_size"]))
    if not isinstance(output, torch.Tensor):
        raise ValueError(f"the output for two images is a {type(output).__name__}, not a tensor")
    return tuple(output.shape)
