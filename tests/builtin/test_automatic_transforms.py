"""Automatic augmentation: with the same generators exactly that of torchvision, alike for all images of a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from programs import all_views
from registry_builtin.transforms.automatic import AugMix, AutoAugment, RandAugment, TrivialAugmentWide
from test_geometry_transforms import images
from test_transforms import picture, values
from torchvision import tv_tensors
from torchvision.transforms import v2

from registry_core.assembly.data.transforms import seeded_generators
from registry_core.components import Transform
from registry_core.diagnostics import DataError

BILINEAR = v2.InterpolationMode.BILINEAR
ROWS: list[tuple[str, Transform, Any]] = [
    ("auto_augment", AutoAugment(), v2.AutoAugment()),
    ("auto_augment", AutoAugment(policy="cifar10"), v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)),
    (
        "auto_augment",
        AutoAugment(policy="svhn", interpolation="bilinear", fill=100),
        v2.AutoAugment(v2.AutoAugmentPolicy.SVHN, interpolation=BILINEAR, fill=100),
    ),
    ("rand_augment", RandAugment(), v2.RandAugment()),
    (
        "rand_augment",
        RandAugment(num_ops=3, magnitude=4, num_magnitude_bins=5, fill=7),
        v2.RandAugment(3, 4, 5, fill=7),
    ),
    ("trivial_augment_wide", TrivialAugmentWide(), v2.TrivialAugmentWide()),
    ("trivial_augment_wide", TrivialAugmentWide(num_magnitude_bins=9), v2.TrivialAugmentWide(9)),
    ("aug_mix", AugMix(), v2.AugMix()),
    (
        "aug_mix",
        AugMix(severity=7, mixture_width=2, chain_depth=2, alpha=0.5, all_ops=False, interpolation="nearest"),
        v2.AugMix(7, 2, 2, 0.5, False, v2.InterpolationMode.NEAREST),
    ),
]
PARAMETERS = [
    pytest.param(
        ours,
        theirs,
        marks=pytest.mark.covers(f"transform/{name}", reference=f"torchvision.transforms.v2.{type(theirs).__name__}"),
        id=f"{name}-{n}",
    )
    for n, (name, ours, theirs) in enumerate(ROWS)
]
TRANSFORMS = [pytest.param(ours, id=f"{name}-{n}") for n, (name, ours, _) in enumerate(ROWS)]


@pytest.mark.parametrize(("transform", "theirs"), PARAMETERS)
@pytest.mark.parametrize("form", ["pil", "uint8"])
def test_it_is_that_of_torchvision_under_the_same_seed(form: str, transform: Any, theirs: Any) -> None:
    built, changes = transform.build(), 0
    for image in images(form):
        for seed in range(12):
            with seeded_generators(seed):
                made = built({"input": image, "target": torch.ones(4)})
            with seeded_generators(seed):
                expected = theirs(image)
            np.testing.assert_array_equal(values(made["input"]), values(expected))
            assert type(made["input"]) is type(image)
            assert torch.equal(made["target"], torch.ones(4))
            changes += not np.array_equal(values(expected), values(image))
    assert changes > 6


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_all_images_of_a_sample_get_the_same(transform: Any) -> None:
    image = picture("pil", 3, 20, 20)
    sample = {"input": image, "second": image.copy(), "target": 1}
    for index in range(5):
        made = all_views((transform,), sample, 0, index)[0]
        np.testing.assert_array_equal(values(made["input"]), values(made["second"]))


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_mask_that_would_stay_behind_is_refused(transform: Any) -> None:
    sample = {"input": picture("uint8", 3, 8, 8), "target": tv_tensors.Mask(torch.ones(8, 8))}
    with pytest.raises(DataError, match="cannot move the entry 'target' with it"):
        transform.build()(sample)
