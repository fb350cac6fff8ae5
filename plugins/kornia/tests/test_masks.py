"""Masks move with images as in AugmentationSequential of kornia, with nearest interpolation and 0 outside."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from cases import CHANGING, MOSAICS, MOVING, ONE_IMAGE, PIECES, POLICIES, TRANSPLANTS, Case
from kornia.augmentation import AugmentationSequential
from kornia.constants import DataKey
from pydantic import ValidationError

from registry_core.components import CheckFailed, DataFacts
from registry_core.diagnostics import DataError

UNMASKED = ("kornia_random_fisheye", "kornia_random_thin_plate_spline")
WITH_MASKS = [case for case in MOVING if case.name not in UNMASKED]
NEAREST = [
    case
    for case in WITH_MASKS
    if case.parameters.get("resample") == "nearest" and case.parameters.get("padding_mode") != "fill"
]
ERASING = [case for case in CHANGING if case.name == "kornia_random_erasing"]
BLACK = {"kornia_random_affine": ("fill_value", torch.tensor(0.0)), "kornia_random_crop": ("fill", 0.0),
         "kornia_pad_to": ("pad_value", 0.0)}  # fmt: skip
"""Arguments of kornia with which masks get 0 where images get a fill value."""


UNCOVERING = ("kornia_random_affine", "kornia_random_rotation", "kornia_random_erasing", "kornia_random_translate")
"""Transforms that uncover pixels with the parameters of each of their cases, if they pad with a value."""


def masks(case: Case, classes: int = 5) -> torch.Tensor:
    """Return class maps without class 0, which marks added pixels."""
    size = (case.shape[0], *case.shape[2:])
    return torch.randint(1, classes, size, generator=torch.Generator().manual_seed(8))


@pytest.mark.parametrize("case", [*WITH_MASKS, *ERASING], ids=str)
def test_masks_are_those_of_kornias_container(case: Case) -> None:
    extra: dict[str, Any] = dict([BLACK[case.name]]) if case.name in BLACK else {}
    if "fill_value" in extra and "fill_value" not in case.parameters:
        extra = {}
    if "elastic" in case.name:
        extra = {"resample": "nearest"}
    reference = AugmentationSequential(case.reference(), data_keys=["input", "mask"], extra_args={DataKey.MASK: extra})
    built, target = case.declared.build(), masks(case)
    for seed in range(3):
        torch.manual_seed(seed)
        made = built({"input": case.images(), "target": target})
        torch.manual_seed(seed)
        images, expected = reference(case.images(), target[:, None].float())
        assert torch.equal(made["input"], images)
        assert made["target"].dtype == torch.int64
        assert torch.equal(made["target"], expected[:, 0].long())
        assert set(made["target"].unique().tolist()) <= set(range(5))


@pytest.mark.parametrize("case", NEAREST, ids=str)
def test_with_nearest_pixels_masks_are_images(case: Case) -> None:
    target = masks(case)
    images = target[:, None].float().expand(-1, 3, -1, -1).contiguous()
    torch.manual_seed(2)
    made = case.declared.build()({"input": images, "target": target})
    assert torch.equal(made["target"], made["input"][:, 0].long())


@pytest.mark.parametrize("case", [*PIECES, *MOSAICS], ids=str)
def test_pieces_of_masks_are_those_of_images(case: Case) -> None:
    target = masks(case)
    images = target[:, None].float().expand(-1, 3, -1, -1).contiguous()
    built, changed = case.declared.build(), 0
    for seed in range(3):
        torch.manual_seed(seed)
        made = built({"input": images, "target": target})
        assert torch.equal(made["target"], made["input"][:, 0].long())
        changed += made["target"].shape != target.shape or not torch.equal(made["target"], target)
    assert changed


@pytest.mark.parametrize("case", TRANSPLANTS, ids=str)
def test_transplants_are_those_of_kornia(case: Case) -> None:
    built, reference, changed = case.declared.build(), case.reference(), 0
    for seed in range(5):
        images, target = case.images(), masks(case) - 1
        torch.manual_seed(seed)
        made = built({"input": images, "target": target})
        torch.manual_seed(seed)
        expected, maps = reference(images, target)
        assert torch.equal(made["input"], expected)
        assert torch.equal(made["target"], maps)
        changed += not torch.equal(maps, target)
    assert changed


@pytest.mark.parametrize("case", [*WITH_MASKS, *ERASING, *MOSAICS], ids=str)
def test_what_is_uncovered_gets_the_void_value(case: Case) -> None:
    """Class 0 occurs in no mask here: where kornia has 0, nothing of the mask is."""
    target, filled, uncovered = masks(case), case.declared.for_data(DataFacts(void=255)), 0
    fill = 255 if "mask_fill" in type(filled).model_fields else 0
    assert filled.for_data(DataFacts(void=7)) == filled  # a value that is set stays
    for seed in range(3):
        torch.manual_seed(seed)
        plain = case.declared.build()({"input": case.images(), "target": target, "truth": target > 0})
        torch.manual_seed(seed)
        made = filled.build()({"input": case.images(), "target": target, "truth": target > 0})
        outside = plain["target"] == 0
        assert torch.equal(made["target"], plain["target"].masked_fill(outside, fill))
        assert torch.equal(made["truth"], plain["truth"])
        assert torch.equal(made["input"], plain["input"])
        uncovered += int(outside.sum())
    covers = case.name not in UNCOVERING or case.parameters.get("padding_mode") in ("border", "reflection")
    assert covers or uncovered
    assert not uncovered or fill


@pytest.mark.parametrize(
    ("name", "parameters", "mode"),
    [
        ("kornia_random_shear", {"shear": 5, "padding_mode": "border"}, "padding_mode 'border'"),
        ("kornia_random_crop", {"size": 4, "padding_mode": "reflect"}, "padding_mode 'reflect'"),
        ("kornia_pad_to", {"size": 9, "pad_mode": "circular"}, "pad_mode 'circular'"),
    ],
)
def test_a_value_for_masks_without_effect(name: str, parameters: dict[str, Any], mode: str) -> None:
    declared = next(type(case.declared) for case in MOVING if case.name == name)
    assert declared(**parameters).build()  # type: ignore[arg-type]  # parameters of several classes
    with pytest.raises(ValidationError, match=f"`mask_fill` has no effect with {mode}"):
        declared(**parameters, mask_fill=1)  # type: ignore[arg-type]  # parameters of several classes


@pytest.mark.parametrize("case", WITH_MASKS[:12], ids=str)
def test_masks_of_other_kinds(case: Case) -> None:
    target = masks(case)
    kinds = {
        "truth": (target > 2),
        "bytes": target.to(torch.uint8)[:, None],
        "weights": target.float(),
        "names": ["a"] * len(target),
        "numbers": torch.arange(len(target)),
    }
    torch.manual_seed(1)
    made = case.declared.build()({"input": case.images(), "target": target, **kinds})
    assert torch.equal(made["bytes"][:, 0].long(), made["target"])
    assert made["bytes"].dtype == torch.uint8
    assert made["truth"].dtype == torch.bool
    assert torch.equal(made["truth"], made["target"] > 2)
    assert made["weights"].shape == made["target"].shape
    assert made["weights"].min() >= 0
    assert made["names"] is kinds["names"]
    assert made["numbers"] is kinds["numbers"]


@pytest.mark.parametrize("case", [case for case in ONE_IMAGE if case in CHANGING and case not in ERASING], ids=str)
def test_changes_of_values_leave_masks_and_boxes(case: Case) -> None:
    given = {"input": case.images(), "target": masks(case), "boxes": [torch.rand(n, 4) for n in range(case.shape[0])]}
    made = case.declared.build()(given)
    assert made["target"] is given["target"]
    assert made["boxes"] is given["boxes"]


@pytest.mark.parametrize("case", [case for case in [*MOVING, *POLICIES] if case not in WITH_MASKS], ids=str)
def test_what_cannot_move_masks_says_so(case: Case) -> None:
    with pytest.raises(CheckFailed, match="cannot move class maps with the images"):
        case.declared.infer_target("class_maps")
    with pytest.raises(DataError, match="cannot move the entry 'target' with the images"):
        case.declared.build()({"input": case.images(), "target": masks(case)})


@pytest.mark.parametrize("case", [MOVING[0], PIECES[0], POLICIES[0], *TRANSPLANTS, *MOSAICS], ids=str)
def test_boxes_are_refused(case: Case) -> None:
    boxes = [torch.rand(n, 4) for n in range(case.shape[0])]
    target = torch.zeros(case.shape[0]) if case in POLICIES else masks(case)
    with pytest.raises(DataError, match="cannot move the boxes 'boxes' with them"):
        case.declared.build()({"input": case.images(), "target": target, "boxes": boxes})


def test_erasing_leaves_boxes() -> None:
    boxes = [torch.rand(2, 4)] * 5
    assert ERASING[0].declared.build()({"input": ERASING[0].images(), "boxes": boxes})["boxes"] is boxes


@pytest.mark.parametrize("case", [*TRANSPLANTS, *MOSAICS], ids=str)
def test_what_needs_maps_says_so(case: Case) -> None:
    with pytest.raises(CheckFailed, match="expects class maps as targets"):
        case.declared.infer_target("class_indices")
    assert case.declared.infer_target("class_maps") == "class_maps"
    with pytest.raises(DataError, match="expects class maps"):
        case.declared.build()({"input": case.images(), "target": torch.zeros(5, dtype=torch.int64)})
