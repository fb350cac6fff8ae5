"""Runs end with the same weights for any number of workers and after an interruption."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from kornia.augmentation import RandomGaussianNoise
from safetensors.torch import load_file

import registry_core
from registry_core.catalog import refresh
from registry_core.components import Draws, stream_key

COLOURS = {"brightness": 0.2, "contrast": 0.2}
STEPS = [
    {"kornia_random_affine": {"degrees": 10, "translate": [0.1, 0.1], "p": 0.8}},
    {"kornia_color_jiggle": COLOURS},
    {"kornia_random_gaussian_noise": {"std": 0.05}},
    "kornia_random_equalize",
    {"kornia_normalize": {"mean": [0.3], "std": [0.38]}},
]
NORMALISED = [{"kornia_normalize": {"mean": [0.3], "std": [0.38]}}]


def run(path: Path, directory: Path) -> Path:
    """Train a pipeline and return the run directory."""
    return registry_core.train(registry_core.load(path), directory).directory


def weights(directory: Path) -> dict[str, torch.Tensor]:
    """Return the weights of the newest checkpoint."""
    newest = (directory / "checkpoints" / "latest").read_text().strip()
    return load_file(directory / "checkpoints" / newest / "model.safetensors")


def equal(one: Path, other: Path) -> bool:
    """Return True if two runs ended with the same bits."""
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


def test_workers_and_interruptions_change_nothing(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "data__train__batch_transforms": STEPS,
        "data__val__batch_transforms": NORMALISED,
        "hooks": [{"checkpoint": {"every": "2 steps", "keep": 9}}],
    }
    alone = run(pipeline(**changes), tmp_path / "alone")
    helped = run(pipeline(**changes, data__workers=2), tmp_path / "helped")
    parted = tmp_path / "parted"
    shutil.copytree(alone, parted)
    for step in range(4, 13, 2):
        shutil.rmtree(parted / "checkpoints" / f"step-{step:08d}")
    registry_core.resume(parted)
    assert equal(alone, helped)
    assert equal(alone, parted)
    plain = run(pipeline(**{**changes, "data__train__batch_transforms": NORMALISED}), tmp_path / "plain")
    assert not equal(alone, plain)
    assert not equal(alone, run(pipeline(**changes, seed=1), tmp_path / "other"))


def test_mixed_classes_are_trained_on(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    steps = [{"kornia_random_crop": {"size": 8, "padding": 1}}, "kornia_random_cut_mix_v2", "kornia_random_mix_up_v2"]
    path = pipeline(data__train__batch_transforms=steps, train__channels_last=True)
    plan = str(registry_core.plan(registry_core.load(path)))
    assert "  on the device, batch by batch" in plan
    assert "float tensor 1 x 8 x 8, 0 to 1" in plan
    once, again = run(path, tmp_path / "once"), run(path, tmp_path / "again")
    assert equal(once, again)


def test_three_channels_and_sizes_reach_the_model(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    path = pipeline(
        data__train__transforms=["rgb", "to_tensor"],
        data__val__transforms=["rgb", "to_tensor"],
        data__train__batch_transforms=[
            {"kornia_random_resized_crop": {"size": 12}},
            {"kornia_rand_augment": {"n": 2, "m": 9}},
        ],
        data__val__batch_transforms=[{"kornia_resize": {"size": 12}}],
        model={"net": {"in_channels": 3, "size": 12, "padding": 2, "num_classes": 10}},
        train__epochs=1,
    )
    assert "float tensor 3 x 12 x 12" in str(registry_core.plan(registry_core.load(path)))
    assert (run(path, tmp_path / "run") / "summary.json").exists()


def test_class_maps_are_trained_on(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    dataset = {"segmented": {"dataset": {"digits": {"split": "val"}}, "cells": [1, 2], "shift": 0}}
    steps = [
        {"kornia_random_affine": {"degrees": 20}},
        {"kornia_random_transplantation": {"excluded_labels": [0]}},
        "kornia_random_mosaic",
        {"kornia_random_jigsaw": {"grid": [2, 2]}},
    ]
    path = pipeline(
        data__train__dataset=dataset,
        data__val__dataset=dataset,
        data__train__batch_transforms=steps,
        model={"unet": {"in_channels": 1, "num_classes": 2, "depth": 1, "width": 4}},
        metrics=["pixel_accuracy"],
        train__epochs=1,
    )
    once, again = run(path, tmp_path / "once"), run(path, tmp_path / "again")
    assert equal(once, again)


SEEN = '''
"""A hook that keeps the images of evaluations."""
from registry_core.components import hookimpl

IMAGES = []


class Seen:
    """Keep the images of evaluations."""

    @hookimpl
    def batch_evaluated(self, values):
        IMAGES.append(values["input"].clone())
'''


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[torch.Tensor]]:
    """Register a hook ``seen``; yield the images that it receives in evaluations."""
    info = tmp_path / "site" / "acme_seen-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-seen\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[registry_core.v1.hooks]\nseen = acme_seen:Seen\n")
    (info.parent / "acme_seen.py").write_text(SEEN)
    monkeypatch.syspath_prepend(str(info.parent))
    refresh()
    yield importlib.import_module("acme_seen").IMAGES
    monkeypatch.undo()
    del sys.modules["acme_seen"]
    refresh()


def test_numbers_follow_from_seed_place_epoch_and_batch(
    seen: list[torch.Tensor], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    noise = {"kornia_random_gaussian_noise": {"std": 0.5, "p": 1.0}}
    run(pipeline(seed=5, train__epochs=1, data__val__batch_transforms=[noise, noise], hooks=["seen"]), tmp_path / "run")
    noisy = list(seen)
    seen.clear()
    run(pipeline(seed=5, train__epochs=1, hooks=["seen"]), tmp_path / "quiet")
    assert len(noisy) == len(seen) == 6
    for number, (found, images) in enumerate(zip(noisy, seen, strict=True)):
        for place in (0, 1):
            key = stream_key(5, f"data.val.batch_transforms[{place}]")
            torch.manual_seed(Draws(key, 0, number).seed())
            images = RandomGaussianNoise(std=0.5, p=1.0)(images)
        assert torch.equal(found, images)
