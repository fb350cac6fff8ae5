"""What valid pipelines are about: tasks, each with its data, its losses, and targets in the form that these take."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from hypothesis import strategies as st
from valid_images import CHANGES, Chain, Draw, Picture, number, one_of, some

_CLASSES = 3
_EACH = 4


def make_files(folder: Path) -> None:
    """Training and evaluation: images of 9 x 7 pixels in class folders, an index of them, and IDX files of 8 x 8."""
    generator = np.random.default_rng(0)
    for part, prefix in (("train", "train"), ("val", "t10k")):
        lines = ['# classes: ["c0", "c1", "c2"]']
        for label in range(_CLASSES):
            (folder / part / f"c{label}").mkdir(parents=True)
            for count in range(_EACH):
                pixels = generator.integers(0, 256, (9, 7, 3), dtype=np.uint8)
                PIL.Image.fromarray(pixels).save(folder / part / f"c{label}" / f"{count}.png")
                lines.append(f"{part}/c{label}/{count}.png {label}")
        (folder / f"{part}.txt").write_text("\n".join(lines) + "\n")
        images = generator.integers(0, 256, (20, 8, 8), dtype=np.uint8)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, 20, 8, 8) + images.tobytes())
        labels = bytes(n % 10 for n in range(20))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, 20) + labels)


def images(draw: Draw, folder: Path, name: str) -> tuple[dict[str, Any], Picture, int]:
    """A data set of images with one class each: how it is written, its images, and how many classes there are."""
    mode = one_of(draw, "RGB", "L")
    coloured = Picture("pil", 3 if mode == "RGB" else 1, 9, 7)
    read = Picture("pil", 1, 8, 8, decisive=frozenset({"sides"}))
    root, index = str(folder / "train"), str(folder / "train.txt")
    found: dict[str, tuple[dict[str, Any], Picture, int]] = {
        "digits": ({"digits": {"split": "train"}}, read, 10),
        "mnist": ({"mnist": {"root": str(folder)}}, read, 10),
        "image_folder": ({"image_folder": {"root": root, "mode": mode}}, coloured, _CLASSES),
        "image_index": ({"image_index": {"index": index, "mode": mode}}, coloured, _CLASSES),
        "sounding": ({"sounding": {"split": "train"}}, read, 10),
    }
    return found[name]


def for_evaluation(dataset: dict[str, Any]) -> dict[str, Any]:
    """The data set with other samples than those of training."""
    ((name, parameters),) = dataset.items()
    if "dataset" in parameters:
        return {name: {**parameters, "dataset": for_evaluation(parameters["dataset"])}}
    other = {
        "digits": lambda: {"split": "val"},
        "sounding": lambda: {"split": "val"},
        "mnist": lambda: {"split": "test"},
        "image_folder": lambda: {"root": str(Path(parameters["root"]).with_name("val"))},
        "image_index": lambda: {"index": str(Path(parameters["index"]).with_name("val.txt"))},
    }[name]()
    return {name: {**parameters, **other}}


@dataclass
class Case:
    """A pipeline on the way of being made."""

    draw: Draw
    task: str
    wanted: str
    name: str
    dataset: dict[str, Any] = field(default_factory=dict)
    picture: Picture = field(default_factory=lambda: Picture("pil", 1, 8, 8))
    source: Picture = field(default_factory=lambda: Picture("pil", 1, 8, 8))
    """The picture as the data set has it."""
    classes: int = 0
    loss: Any = ""
    form: str = "class_indices"
    target_transforms: Chain = field(default_factory=list)
    transforms: Chain = field(default_factory=list)
    """The transforms of training, but for those of targets."""
    steady: Chain = field(default_factory=list)
    """The transforms at the end of training that evaluations share: whitening and normalize."""
    model: dict[str, Any] = field(default_factory=dict)
    longest: int = 0

    def wants(self, kind: str) -> str:
        """The name of the wanted component, if it is of this kind."""
        return self.name if self.wanted.startswith(f"{kind}/") else ""


_LABELS_OF = {
    "bce": "multi_hot", "bce_with_logits": "multi_hot", "multi_label_soft_margin": "multi_hot",
    "soft_margin": "signs", "multi_label_margin": "class_lists",
}  # fmt: skip
_VALUE_LOSSES = ("mse", "l1", "smooth_l1", "huber")
LOSSES: dict[str, tuple[str, ...]] = {
    "classes": ("cross_entropy", "nll", "multi_margin", "weighted_sum", "adaptive_log_softmax", "kl_div", "bce", "mse"),
    "labels": tuple(_LABELS_OF),
    "pixels": ("nll_2d", "cross_entropy"),
    "lines": ("ctc",),
    "counts": ("poisson_nll", *_VALUE_LOSSES),
    "angles": ("gaussian_nll", *_VALUE_LOSSES),
    "pairs": ("cosine_embedding", "hinge_embedding"),
    "order": ("margin_ranking",),
    "triplets": ("triplet_margin", "triplet_margin_with_distance"),
}
METRICS: dict[str, tuple[str, ...]] = {
    "classes": ("accuracy", "top_k_accuracy", "precision", "recall", "f1", "mean_loss", "nearest_neighbour_accuracy"),
    "labels": ("multi_label_precision", "multi_label_recall", "multi_label_f1"),
    "pixels": ("pixel_accuracy", "mean_iou"),
    "lines": ("label_error_rate",),
    "counts": ("mean_absolute_error", "mean_squared_error"),
    "angles": ("mean_absolute_error", "mean_squared_error"),
    "pairs": (),
    "order": ("ranking_accuracy",),
    "triplets": ("nearest_neighbour_accuracy",),
}
TASK_OF: dict[str, str] = {
    **{f"loss/{loss}": task for task, losses in reversed(LOSSES.items()) for loss in losses},
    **{f"metric/{metric}": task for task, metrics in METRICS.items() for metric in metrics},
    "metric/pair_accuracy": "pairs", "metric/distance_accuracy": "pairs",
    "dataset/multi_label": "labels", "dataset/segmented": "pixels", "dataset/lines": "lines",
    "dataset/counts": "counts", "dataset/rotated": "angles", "dataset/pairs": "pairs", "dataset/triplets": "triplets",
    "model/unet": "pixels", "model/crnn": "lines", "model/gaussian": "angles", "model/pair": "pairs",
    "model/pair_distance": "pairs", "model/pair_ranking": "order", "model/triplet": "triplets",
    "hook/tensorboard_boxes": "labels", "function/p_distance": "triplets", "function/cosine_distance": "triplets",
}  # fmt: skip
"""For components that are of one task; others are for classes."""


EVALUATED = ("tensorboard_confusion_matrix", "tensorboard_pr_curve")
"""Hooks that need an evaluation."""

MOVE_ALONE = ("auto_augment", "rand_augment", "trivial_augment_wide", "aug_mix", "linear_transformation")
"""Transforms that move no masks or boxes."""


DECISIVE: dict[str, tuple[str, ...]] = {"sides": ("lines", "angles"), "extent": ("lines", "counts")}
"""The tasks whose targets depend on an aspect, whatever the images are."""


def choose_data(case: Case, folder: Path) -> None:
    draw = case.draw
    inner = case.name if case.name in ("digits", "mnist", "image_folder", "image_index") else ""
    read = () if CHANGES.get(case.name) == "sides" else ("digits", "mnist")
    inner = inner or one_of(draw, *read, "image_folder", "image_index")
    inner = "sounding" if case.name == "tensorboard_audio" else inner
    case.dataset, case.picture, case.classes = images(draw, folder, inner)
    size, p = case.picture.size, case.picture
    cells, shift = [draw(st.integers(1, 2)) for _ in range(2)], draw(st.integers(0, 2))
    common: dict[str, Any] = {"dataset": case.dataset, "length": 12, **some(draw, seed=lambda: 1)}
    boxes = case.name == "tensorboard_boxes" or (case.name not in MOVE_ALONE and draw(st.booleans()))
    scene = {**common, "shift": shift, **some(draw, least=lambda: one_of(draw, 0, 1))}
    canvas = replace(p, height=cells[0] * (size[0] + shift), width=cells[1] * (size[1] + shift))
    scattered = {**scene, "cells": cells, "boxes": boxes}
    if case.task == "labels":
        case.dataset, case.picture = {"multi_label": scattered}, replace(canvas, boxes=boxes)
    elif case.task == "counts":
        case.dataset = {"counts": scattered}
        case.picture = replace(canvas, boxes=boxes, decisive=frozenset({"extent"}))
    elif case.task == "pixels":
        each = one_of(draw, "foreground", "each")
        case.classes = 2 if each == "foreground" else case.classes + 1
        case.dataset = {"segmented": {**scattered, "classes": each}}
        case.picture = replace(canvas, mask=True, boxes=boxes)
    elif case.task == "lines":
        case.longest = draw(st.integers(1, 2))
        case.classes += 1
        case.dataset = {"lines": {**scene, "longest": case.longest}}
        everything = frozenset({"sides", "extent"})
        case.picture = replace(p, height=size[0] + shift, width=case.longest * (size[1] + shift), decisive=everything)
    elif case.task == "angles":
        unit = one_of(draw, "radians", "degrees", "sin_cos")
        case.classes = 2 if unit == "sin_cos" else 1
        case.dataset = {"rotated": {**common, "unit": unit, "degrees": number(draw, 30, 180)}}
        case.picture = replace(p, decisive=frozenset({"direction"}))
    elif case.task in ("pairs", "order"):
        case.dataset = {"pairs": {**common, "targets": "order" if case.task == "order" else "same_class"}}
    elif case.task == "triplets":
        case.dataset = {"triplets": common}


_LOSS_OF = {
    "pair_accuracy": "cosine_embedding", "distance_accuracy": "hinge_embedding", "pair": "cosine_embedding",
    "pair_distance": "hinge_embedding", "gaussian": "gaussian_nll", "one_hot": "kl_div",
    "p_distance": "triplet_margin_with_distance", "cosine_distance": "triplet_margin_with_distance",
}  # fmt: skip
"""The loss that a component needs, where its task has several."""


def choose_loss(case: Case) -> None:
    draw, count = case.draw, case.classes
    possible = LOSSES[case.task]
    if (case.wants("metric") and case.task == "classes") or case.name in (*EVALUATED, "mixup", "cutmix"):
        possible = ("cross_entropy",)
    if case.name in ("muon", "sparse_adam"):  # which cannot train the weights that this loss has of its own
        possible = tuple(name for name in possible if name != "adaptive_log_softmax")
    name = case.wants("loss") or _LOSS_OF.get(case.name) or one_of(draw, *possible)
    if case.name == "signs":
        name = "soft_margin"
    weights = [*(number(draw, 0.1, 2) for _ in range(count - 1)), 3.0]
    reduced = some(draw, reduction=lambda: one_of(draw, "sum", "none"))
    margin = some(draw, margin=lambda: number(draw, 0.1, 1))
    distance = case.wants("function") or one_of(draw, "p_distance", "cosine_distance")
    parameters: dict[str, Any] = {
        "cross_entropy": lambda: some(draw, weight=lambda: weights, label_smoothing=lambda: number(draw, 0, 0.4)),
        "nll": lambda: {**reduced, **some(draw, weight=lambda: weights)},
        "nll_2d": lambda: some(draw, weight=lambda: weights),
        "multi_margin": lambda: {**margin, **some(draw, p=lambda: 2, weight=lambda: weights)},
        "kl_div": lambda: some(draw, reduction=lambda: one_of(draw, "mean", "sum", "none")),
        "adaptive_log_softmax": lambda: {"in_features": 8, "n_classes": count, "cutoffs": [1], "head_bias": True},
        "weighted_sum": lambda: {"losses": [{"loss": "nll", "weight": number(draw, 0.1, 2)}, {"loss": "multi_margin"}]},
        "bce": lambda: {**reduced, **some(draw, weight=lambda: weights)},
        "bce_with_logits": lambda: {**reduced, **some(draw, pos_weight=lambda: weights)},
        "multi_label_soft_margin": lambda: some(draw, weight=lambda: weights),
        "smooth_l1": lambda: some(draw, beta=lambda: number(draw, 0, 1.9)),
        "huber": lambda: some(draw, delta=lambda: number(draw, 0.1, 1.9)),
        "poisson_nll": lambda: some(draw, full=lambda: True),
        "gaussian_nll": lambda: some(draw, full=lambda: True),
        "ctc": lambda: some(draw, zero_infinity=lambda: True),
        "cosine_embedding": lambda: some(draw, margin=lambda: number(draw, -1, 0.9)),
        "triplet_margin": lambda: {**margin, **some(draw, swap=lambda: True, p=lambda: number(draw, 1, 4))},
        "triplet_margin_with_distance": lambda: {**margin, "distance": distance},
    }.get(name, lambda: reduced)()
    case.loss = {name: parameters} if parameters else name
    if case.task == "classes" and name in ("kl_div", "bce", "mse", "l1", "smooth_l1", "huber"):
        smoothed = some(draw, smoothing=lambda: number(draw, 0, 0.8), num_classes=lambda: count)
        case.target_transforms, case.form = [{"one_hot": smoothed} if smoothed else "one_hot"], "distributions"
    if case.task == "classes" and name == "soft_margin":
        case.target_transforms, case.form = ["one_hot", "signs"], "signs"
    if case.task == "labels":
        case.form = _LABELS_OF[name]
        case.dataset["multi_label"]["targets"] = case.form
