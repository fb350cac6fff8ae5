"""What transforms uncover in masks gets `mask_fill`, or the void value of the data set; against torchvision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from registry_builtin.datasets.composed import Segmented
from registry_builtin.transforms.composed import RandomApply, RandomOrder
from registry_builtin.transforms.crops import CenterCrop, RandomCrop
from registry_builtin.transforms.flips_and_turns import RandomRotation
from registry_builtin.transforms.sizes import Pad, RandomZoomOut
from registry_builtin.transforms.warps import Elastic, RandomAffine, RandomPerspective
from test_sample_images import made
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

import registry_core
from registry_core.components import DataFacts, Transform

UNCOVERING: list[tuple[type[Transform], dict[str, Any]]] = [
    (CenterCrop, {"size": [20, 8]}),
    (RandomCrop, {"size": 12, "padding": 3}),
    (RandomCrop, {"size": [17, 11], "pad_if_needed": True}),
    (Pad, {"padding": [1, 2, 3, 4]}),
    (RandomZoomOut, {"p": 1, "side_range": [2, 3]}),
    (RandomRotation, {"degrees": [30, 30]}),
    (RandomRotation, {"degrees": [30, 30], "expand": True}),
    (RandomAffine, {"degrees": 30, "translate": [0.4, 0.4], "shear": 10}),
    (RandomPerspective, {"p": 1}),
    (Elastic, {"alpha": 40.0, "sigma": 1.0}),
]


def sample(dtype: torch.dtype = torch.int64) -> dict[str, Any]:
    """An image and its mask, none of whose pixels is 0."""
    classes = torch.randint(1, 9, (12, 10), generator=torch.Generator().manual_seed(1))
    return {"input": tv_tensors.Image(torch.rand(3, 12, 10)), "target": tv_tensors.Mask(classes.to(dtype))}


def mask_after(transform: Transform, given: dict[str, Any]) -> Tensor:
    found = made(transform, given, index=5)
    assert isinstance(found["target"], tv_tensors.Mask)
    assert found["target"].dtype == given["target"].dtype
    assert found["target"].shape[-2:] == found["input"].shape[-2:]
    plain: Tensor = found["target"].as_subclass(Tensor)
    return plain


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8])
@pytest.mark.parametrize(("declared", "parameters"), UNCOVERING)
def test_uncovered_pixels_of_masks(declared: type[Transform], parameters: dict[str, Any], dtype: torch.dtype) -> None:
    """No pixel of the mask is 0, so that those that are 0 after the transform of torchvision are uncovered."""
    uncovered = mask_after(declared(**parameters), sample(dtype))
    assert 0 < int((uncovered == 0).sum()) < uncovered.numel()
    expected = torch.where(uncovered == 0, 255, uncovered)
    assert torch.equal(mask_after(declared(**parameters, mask_fill=255), sample(dtype)), expected)
    void = DataFacts(void=255)
    assert torch.equal(mask_after(declared(**parameters).for_data(void), sample(dtype)), expected)
    assert torch.equal(mask_after(declared(**parameters, mask_fill=0).for_data(void), sample(dtype)), uncovered)
    assert torch.equal(mask_after(declared(**parameters).for_data(DataFacts()), sample(dtype)), uncovered)


def test_the_fill_is_that_of_torchvision() -> None:
    given = sample()
    turned = mask_after(RandomRotation(degrees=[30, 30], mask_fill=-100), given)
    assert torch.equal(turned, F.rotate(given["target"], 30, fill=-100))
    padded = mask_after(Pad(padding=2, mask_fill=255), given)
    assert torch.equal(padded, F.pad(given["target"], 2, fill=255))


def test_images_do_not_depend_on_it() -> None:
    given = sample()
    for declared, parameters in UNCOVERING:
        zero, void = (made(declared(**parameters, mask_fill=fill), given, 2)["input"] for fill in (0, 255))
        assert torch.equal(zero, void)


def test_composed_transforms_tell_their_parts() -> None:
    nested = RandomApply(transforms=(RandomOrder(transforms=(Pad(padding=1),)), Pad(padding=1, mask_fill=7)), p=1)
    mask = mask_after(nested.for_data(DataFacts(void=255)), sample())
    assert mask[0].unique().tolist() == [7]
    assert mask[1, 1:-1].unique().tolist() == [255]


def test_a_fill_without_effect_is_refused() -> None:
    with pytest.raises(ValueError, match="`mask_fill` has no effect with padding_mode 'reflect'"):
        Pad(padding=1, padding_mode="reflect", mask_fill=255)


def test_the_plan_knows_the_void_value(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = Segmented.facts
    monkeypatch.setattr(Segmented, "facts", lambda self: replace(facts(self), void=255))
    transforms = "[to_tensor, {random_rotation: {degrees: 40}}, {pad: {padding: 2, mask_fill: 0}}]"
    loaded = registry_core.load("examples/segmentation.yaml", [f"data.train.transforms={transforms}"])
    section = registry_core.plan(loaded).sections["train"]
    operations = [one for stage in section.stages for one in stage.operations if one.transform]
    assert [getattr(one.transform, "mask_fill", None) for one in operations] == [None, 255, 0]
