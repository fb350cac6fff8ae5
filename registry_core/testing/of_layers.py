"""Checks for layers."""

from __future__ import annotations

from typing import Any

import torch

from registry_core.assembly.building import build
from registry_core.components import CheckFailed
from registry_core.testing.checks import check
from registry_core.testing.inputs import BATCH
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.shapes import LAYER_SHAPES, assert_shape
from registry_core.testing.subject import Subject


def built_layer(component: Any) -> Any:
    """A layer, sized for the first sample that it accepts."""
    for shape in LAYER_SHAPES:
        try:
            sized = component.with_sizes(shape)
        except CheckFailed:
            continue
        return build(sized, sized.build)
    raise NotApplicable("it accepts no common sample")


@check()
def follows_shapes(subject: Subject) -> None:
    """The output shape and the number of parameters are the declared ones."""
    component = subject.component()
    tried = 0
    for shape in LAYER_SHAPES:
        try:
            sized = component.with_sizes(shape)
            said = sized.infer_shape(shape)
        except CheckFailed:
            continue
        if said is None:
            continue
        tried += 1
        built = sized.build().eval()
        made = built(torch.randn(BATCH, *shape, generator=torch.Generator().manual_seed(0)))
        assert_shape(made.shape[1:], said)
        numbers = sum(parameter.numel() for parameter in built.parameters())
        assert sized.count_parameters() in (None, numbers), (
            f"it has {numbers} parameters, but declares {sized.count_parameters()}"
        )
    if not tried:
        raise NotApplicable("it does not declare its output shape: override `infer_image`")
