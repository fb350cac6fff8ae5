"""Mistakes of users are reported with a remedy, before the run if possible."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import CHANGING, MOVING, ONE_IMAGE, Case

import registry_core
from registry_core.components import CheckFailed, Image
from registry_core.diagnostics import DataError, PipelineError, Problem


def problems(path: Path) -> tuple[Problem, ...]:
    """Return the problems of a pipeline."""
    with pytest.raises(PipelineError) as failed:
        registry_core.load(path)
    return failed.value.problems


def the_problem(path: Path) -> Problem:
    """Return the only problem of a pipeline."""
    (problem,) = problems(path)
    return problem


def test_in_the_transforms_of_samples(pipeline: Callable[..., Path]) -> None:
    found = the_problem(pipeline(data__train__transforms=["to_tensor", "kornia_random_horizontal_flip"]))
    assert found.message == "The transform 'kornia_random_horizontal_flip' works on whole batches."
    assert found.remedy == "Move it to data.train.batch_transforms."


def test_pillow_images(pipeline: Callable[..., Path]) -> None:
    path = pipeline(data__train__transforms=[], data__train__batch_transforms=["kornia_random_vertical_flip"])
    found = the_problem(path)
    assert "kornia_random_vertical_flip expects float tensors, but receives a Pillow image" in found.message
    assert found.remedy == "Add to_tensor to transforms."


@pytest.mark.parametrize("case", ONE_IMAGE, ids=str)
def test_images_of_other_forms(case: Case) -> None:
    for form in ("pil", "uint8"):
        with pytest.raises(CheckFailed, match=f"{case.name} expects float tensors"):
            case.declared.infer_image(Image(form, 3, 24, 20))  # type: ignore[arg-type]  # both are forms
    with pytest.raises(DataError, match=r"expects float tensors.* Add to_tensor to transforms\."):
        case.declared.build()({"input": torch.zeros(case.shape, dtype=torch.uint8)})


def test_normalised_images(pipeline: Callable[..., Path]) -> None:
    normalize = {"normalize": {"mean": [0.3], "std": [0.38]}}
    changes: dict[str, Any] = {"data__train__transforms": ["to_tensor", normalize]}
    found = the_problem(pipeline(**changes, data__train__batch_transforms=["kornia_random_posterize"]))
    assert "kornia_random_posterize expects values from 0 to 1" in found.message
    assert "kornia_normalize after kornia_random_posterize instead of normalize" in found.remedy
    registry_core.load(pipeline(**changes, data__train__batch_transforms=["kornia_random_horizontal_flip"]))
    later = ["kornia_random_posterize", {"kornia_normalize": {"mean": [0.3], "std": [0.38]}}]
    registry_core.load(pipeline(data__train__batch_transforms=later))
    assert the_problem(pipeline(data__train__batch_transforms=later[::-1]))
    undone = [{"kornia_denormalize": {"mean": [0.3], "std": [0.38]}}, "kornia_random_posterize"]
    registry_core.load(pipeline(**changes, data__train__batch_transforms=undone))


def test_too_few_channels(pipeline: Callable[..., Path]) -> None:
    found = the_problem(pipeline(data__train__batch_transforms=["kornia_random_jpeg"]))
    assert found.message == "kornia_random_jpeg expects 3 channels, but the images have 1."
    assert "Add rgb to transforms." in found.remedy


def test_class_maps_that_cannot_follow(pipeline: Callable[..., Path]) -> None:
    dataset = {"segmented": {"dataset": {"digits": {"split": "val"}}}}
    path = pipeline(
        data__train={
            "dataset": dataset,
            "transforms": ["to_tensor"],
            "batch_transforms": ["kornia_random_thin_plate_spline"],
        },
        data__val={"dataset": dataset, "transforms": ["to_tensor"]},
        model={"unet": {"in_channels": 1, "num_classes": 2, "depth": 1, "width": 4}},
        metrics=["pixel_accuracy"],
    )
    assert "cannot move class maps with the images" in the_problem(path).message


WRONG = [
    ("kornia_random_affine", {"degrees": [30, -30]}, r"an angle from 0 to 360 degrees or \[smallest, largest\]"),
    ("kornia_random_affine", {"degrees": -5}, "an angle from 0 to 360"),
    ("kornia_random_affine", {"degrees": 5, "scale": [1.2, 0.8]}, "factors"),
    ("kornia_random_affine", {"degrees": 5, "scale": [0.0, 1.0]}, "each above 0"),
    ("kornia_random_affine", {"degrees": 5, "shear": [1, 2, 3]}, "shear"),
    ("kornia_random_affine", {"degrees": 5, "padding_mode": "fill"}, "require each other"),
    ("kornia_random_affine", {"degrees": 5, "fill_value": 0.5}, "require each other"),
    ("kornia_random_affine", {}, "degrees"),
    ("kornia_random_rotation90", {"times": [0, 5]}, "each from -3 to 3"),
    ("kornia_random_rotation90", {"times": [0.5, 1]}, "Expected integers"),
    ("kornia_color_jiggle", {"brightness": 1.5}, "a number from 0 to 1"),
    ("kornia_color_jiggle", {"hue": [0.1, 0.6]}, "each -0.5 to 0.5"),
    ("kornia_color_jiggle", {"order": [0, 0]}, "a change twice"),
    ("kornia_color_jitter", {"contrast": [1.2, 0.8]}, r"\[smallest, largest\]"),
    ("kornia_random_horizontal_flip", {"p": 1.5}, "1"),
    ("kornia_random_gaussian_blur", {"kernel_size": 4, "sigma": [0.1, 2]}, "odd"),
    ("kornia_random_gaussian_blur", {"kernel_size": 3, "sigma": [0, 2]}, "above 0"),
    ("kornia_random_motion_blur", {"kernel_size": [4, 4], "angle": 3, "direction": 0}, "odd number between"),
    ("kornia_random_posterize", {"bits": 9}, "from 0 to 8"),
    ("kornia_random_jpeg", {"jpeg_quality": [0, 50]}, "from 1 to 100"),
    ("kornia_random_cut_mix_v2", {"cut_size": [1, 1]}, "cuts nothing"),
    ("kornia_random_jigsaw", {"grid": 1}, "only one order"),
    ("kornia_normalize", {"mean": [0.1, 0.2], "std": [0.5]}, "`mean` has 2 values, but std has 1"),
    ("kornia_random_planckian_jitter", {"mode": "CIED", "select_from": [24]}, "lights 0 to 22"),
    ("kornia_rand_augment", {"n": 2, "m": 30}, "29"),
    ("kornia_random_crop", {"size": 8, "fill": [0, 1, 2], "padding_mode": "reflect"}, "`fill` has no effect"),
    ("kornia_random_translate", {"translate_x": 0.1}, r"\[smallest, largest\]"),
    ("kornia_random_rain", {"drop_height": [0, 3]}, "each at least 1"),
]


@pytest.mark.parametrize(("name", "parameters", "words"), WRONG)
def test_wrong_parameters(pipeline: Callable[..., Path], name: str, parameters: Any, words: str) -> None:
    import re

    found = problems(pipeline(data__train__batch_transforms=[{name: parameters}]))
    assert any(re.search(words, str(problem)) for problem in found), list(map(str, found))


SIZES = [
    ("kornia_center_crop", {"size": 9}, "A window of 9 x 9 does not fit into images of 8 x 8"),
    ("kornia_random_crop", {"size": 11, "padding": 1}, "does not fit into padded images of 10 x 10"),
    ("kornia_random_crop", {"size": 8, "padding": 8, "padding_mode": "reflect"}, "at most 7 pixels"),
    ("kornia_pad_to", {"size": 20, "pad_mode": "circular"}, "at most 8 pixels"),
    (
        "kornia_random_box_blur",
        {"kernel_size": 19},
        "height of at least 10 for a kernel of 19 x 19 with reflect borders",
    ),
    ("kornia_random_clahe", {}, "height of at least 9 for 8 x 8 tiles"),
    ("kornia_random_rain", {}, "height of at least 21 for these drops"),
    ("kornia_patch_mix", {}, "height of at least 16 for this patch_size"),
    ("kornia_random_jigsaw", {"grid": 3}, "cannot be cut into 3 equal pieces"),
    ("kornia_random_channel_dropout", {"num_drop_channels": 2}, "num_drop_channels is 2, but the images have 1"),
]


@pytest.mark.parametrize(("name", "parameters", "words"), SIZES)
def test_sizes_that_do_not_fit(pipeline: Callable[..., Path], name: str, parameters: Any, words: str) -> None:
    found = the_problem(pipeline(data__train__batch_transforms=[{name: parameters}]))
    assert words in found.message
    assert found.remedy.endswith(".")
    case = Case(name, {**parameters, **({"num_classes": 10} if "mix" in name else {})}, shape=(4, 1, 8, 8))
    with pytest.raises(DataError, match=words):  # the same if sizes are not known before the run
        case.declared.build()({"input": case.images(), "target": torch.arange(4)})


def test_bad_parameters_never_reach_kornia() -> None:
    """kornia accepts all parameters that the declarations accept."""
    for case in [*MOVING, *CHANGING]:
        case.declared.build()
