"""Parts that do not fit each other: each is refused before the run, with its place, though each part alone is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from registry_builtin.objects.random_warps import RandomPerspective
from torchvision import tv_tensors

import registry_core
from registry_core import registries
from registry_core.components import Draws
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load

DIGITS: dict[str, Any] = {"digits": {"split": "val"}}
SCENE: dict[str, Any] = {"dataset": DIGITS, "length": 9, "cells": [1, 2], "shift": 0}
LABELS: dict[str, Any] = {"multi_label": SCENE}
SIGNS: dict[str, Any] = {"multi_label": {**SCENE, "targets": "signs"}}
BOXES: dict[str, Any] = {"multi_label": {**SCENE, "boxes": True}}
PIXELS: dict[str, Any] = {"segmented": SCENE}
PAIRS: dict[str, Any] = {"pairs": {"dataset": DIGITS, "length": 10}}
ORDER: dict[str, Any] = {"pairs": {"dataset": DIGITS, "length": 10, "targets": "order"}}
TRIPLETS: dict[str, Any] = {"triplets": {"dataset": DIGITS, "length": 10}}
ANGLES: dict[str, Any] = {"rotated": {"dataset": DIGITS, "length": 9}}
LINES: dict[str, Any] = {"lines": {"dataset": DIGITS, "length": 9, "longest": 2, "shift": 0}}
UNET: dict[str, Any] = {"unet": {"width": 2, "depth": 1}}
END: list[Any] = ["flatten", {"linear": {"out_features": 10}}]


def mlp(outputs: int = 10, size: Any = 8) -> dict[str, Any]:
    return {"mlp": {"size": size, "hidden": [4], "num_classes": outputs}}


def layers(*parts: Any, size: tuple[Any, Any] = (8, 8), **more: Any) -> dict[str, Any]:
    return {"sequential": {"input": [1, *size], "layers": list(parts), **more}}


def conv(channels: int, kernel: int = 3, **more: Any) -> dict[str, Any]:
    return {"conv2d": {"out_channels": channels, "kernel_size": kernel, **more}}


def made(
    dataset: Any = DIGITS, *transforms: Any, model: Any = None, loss: Any = "cross_entropy", **more: Any
) -> dict[str, Any]:
    """A pipeline with these parts; keys of sections are written ``train__sampler``."""
    found: dict[str, Any] = {
        "version": 1,
        "data": {name: {"dataset": dataset, "transforms": [*transforms, "to_tensor"]} for name in ("train", "val")},
        "model": model or mlp(),
        "loss": loss,
        "optim": more.pop("optim", {"optimizer": "sgd"}),
        "train": {"max_steps": 2, "device": "cpu", **more.pop("train", {})},
    }
    found["data"]["batch_size"] = more.pop("batch_size", 4)
    found["data"]["train"] |= more.pop("section", {})
    return {**found, **more}


def weighted(scheduler: dict[str, Any], optimizer: Any = "adam", **more: Any) -> dict[str, Any]:
    return {"optimizer": optimizer, "scheduler": scheduler, **more}


GROUPS = [{"parameters": r".*\.bias", "lr": 0.1}, {"parameters": r".*\.weight", "lr": 0.2}]
TWO_COLOURS = ("rgb", "to_image", {"to_pil_image": {"mode": "HSV"}})

MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    # Shapes of outputs and targets.
    "an image for a value": (
        made(ANGLES, model=layers(conv(1)), loss="mse"),
        "model: The model returns 1 x 6 x 6 for a sample, but the targets are values.",
    ),
    "an image for an adaptive softmax": (
        made(
            model=layers(conv(8)), loss={"adaptive_log_softmax": {"in_features": 8, "n_classes": 10, "cutoffs": [5]}}
        ),
        "returns 8 x 6 x 6 for a sample, but the targets are class indices",
    ),
    "a row for every pixel": (
        made(PIXELS, model=mlp(2, [8, 16])),
        "returns a row of 2 values for a sample, but the targets are class maps. Use a model",
    ),
    "a row for a sequence": (
        made(LINES, model=mlp(11, [8, 16]), loss="ctc"),
        "returns a row of 11 values for a sample, but the targets are sequences. Use a model",
    ),
    "pixels for a class": (made(model={"unet": {"num_classes": 10}}), "returns 10 x ? x ? for a sample"),
    "columns for a class": (made(model={"crnn": {"size": 8, "num_classes": 10}}), "returns 2 x 10 for a sample"),
    "fewer pixels than the target": (
        made(PIXELS, model=layers(conv(2), size=(8, 16)), loss="nll_2d"),
        "returns 6 x 14 pixels for an image, but its target has 8 x 16",
    ),
    "ten scores for one sign": (made(PAIRS, loss="soft_margin"), "a target of data.train has 1 value"),
    "seven scores for ten signs": (
        made(SIGNS, model=mlp(7, [8, 16]), loss="soft_margin"),
        "model: The model returns 7 values for a sample, but a target of data.train has 10 values. Let the model",
    ),
    "an embedding that is an image": (
        made(PAIRS, model={"pair": {"network": UNET}}, loss="cosine_embedding"),
        "model.pair.network: The model 'pair' expects one vector per image, but 'unet' emits 2 x ? x ?.",
    ),
    "more labels than columns": (
        made(
            {"lines": {**LINES["lines"], "longest": 6, "size": 4}}, {"resize": {"size": [4, 8]}},
            model={"crnn": {"size": [4, 8]}}, loss="ctc",
        ),
        "emits 2 time steps per sample, but a target has up to 6 labels",
    ),
    "images of any size, too small for the layers": (
        made(
            model=layers(
                {"max_pool2d": {"kernel_size": 9}}, "flatten", {"linear": {"in_features": 1, "out_features": 10}},
                size=(None, None),
            )
        ),
        "Layer 0, max_pool2d, reduces 1 x 8 x 8 to nothing",
    ),
    "a linear layer that gives probabilities": (
        made(LABELS, model=layers(*END, size=(8, 16), output="probabilities"), loss="bce"),
        "output is probabilities, but the last layer, linear, produces unbounded values",
    ),
    # Losses and metrics.
    "an ignored number of what is no number": (
        made(DIGITS, section={"batch_transforms": ["mixup"]}, loss={"cross_entropy": {"ignore_index": 3}}),
        "loss.cross_entropy.ignore_index: ignore_index expects class indices as targets, but they are distributions",
    ),
    "logarithms that are none": (
        made(DIGITS, "one_hot", loss={"kl_div": {"log_target": True}}),
        "log_target expects log-probabilities as targets",
    ),
    "no class that counts": (made(loss={"nll": {"weight": [0] * 10}}), "All weights are 0, so no sample contributes"),
    "a sum as a metric": (
        made(metrics=[{"mean_loss": {"loss": {"weighted_sum": {"losses": [{"loss": "nll"}]}}}}]),
        "The loss 'weighted_sum' is composed of several losses. Choose one of them.",
    ),
    "an ignored number in a metric": (
        made(DIGITS, "one_hot", metrics=[{"mean_loss": {"loss": {"cross_entropy": {"ignore_index": 2}}}}]),
        "metrics[0]: ignore_index expects class indices as targets, but they are one-hot vectors",
    ),
    "an error of embeddings": (
        made(PAIRS, model={"pair": {"network": mlp()}}, loss="cosine_embedding", metrics=["mean_absolute_error"]),
        "compares a row of 10 values with a target of 1 value",
    ),
    "a loss of values for embeddings": (
        made(
            PAIRS, model={"pair": {"network": mlp()}}, loss="cosine_embedding",
            metrics=[{"mean_loss": {"loss": "soft_margin"}}],
        ),
        "The loss 'soft_margin' expects values, but the model emits embeddings",
    ),
    "pairs of scores as embeddings": (
        made(ORDER, model={"pair_ranking": {"network": mlp(1)}}, loss="margin_ranking", metrics=["pair_accuracy"]),
        "The metric 'pair_accuracy' expects embeddings or logits, but the model emits values.",
    ),
    "labels where there is one sign": (
        made(PAIRS, model=mlp(1), loss="soft_margin", metrics=["multi_label_f1"]),
        "expects one sign per class, but samples have a single sign",
    ),
    "features as classes": (
        made(
            model=mlp(32), loss={"adaptive_log_softmax": {"in_features": 32, "n_classes": 10, "cutoffs": [5]}},
            metrics=["accuracy"],
        ),
        "expects one output per class: the model has 32 outputs, but there are 10 classes",
    ),
    # Samples.
    "a mask that does not move": (
        made(PIXELS, "auto_augment", model=UNET, loss="nll_2d"),
        "data.train.transforms[0]: auto_augment may move the image, but cannot move the entry 'target' with it.",
    ),
    "boxes that do not move, deep inside": (
        made(
            BOXES, {"random_apply": {"transforms": ["aug_mix"]}}, model=mlp(10, [8, 16]), loss="bce_with_logits"
        ),
        "transforms[0].random_apply.transforms[0]: aug_mix may move the image, but cannot move the entry 'boxes'",
    ),
    "boxes in padding that shows something": (
        made(BOXES, {"pad": {"padding": 1, "padding_mode": "edge"}}, model=mlp(10, [10, 18]), loss="bce_with_logits"),
        "pad does not support padding_mode 'edge' for samples with boxes",
    ),
    "a mask mirrored too far": (
        made(PIXELS, {"pad": {"padding": 20, "padding_mode": "reflect"}}, model=UNET, loss="nll_2d"),
        "adds at most 7 pixels to a mask, which is a tensor, of height 8, not 20",
    ),
    "an entry that is not there": (
        made(DIGITS, {"lambda": {"function": "invert", "entry": "imput"}}),
        "transforms[0].lambda.entry: lambda works on the entry 'imput', which data.train does not have. Did you",
    ),
    "an entry that is no image": (
        made(DIGITS, {"lambda": {"function": "invert", "entry": "target"}}),
        "The function 'invert' expects images, but `entry` is target.",
    ),
    "an entry that is boxes, deep inside": (
        made(
            BOXES, {"random_apply": {"transforms": [{"lambda": {"function": "invert", "entry": "boxes"}}]}},
            model=mlp(10, [8, 16]), loss="bce_with_logits",
        ),
        "random_apply.transforms[0].lambda.entry: The function 'invert' expects an image, but the entry 'boxes' "
        "is not one.",
    ),
    "an entry that is not there, deep inside": (
        made(DIGITS, {"random_apply": {"transforms": [{"lambda": {"function": "invert", "entry": "imput"}}]}}),
        "random_apply.transforms[0].lambda.entry: lambda works on the entry 'imput', which data.train does not have.",
    ),
    "signs of ten classes": (
        made(DIGITS, "signs", loss="soft_margin"),
        "signs expects targets of 0 and 1, but receives class indices up to 9. Put one_hot before signs",
    ),
    "classes to balance, where there are none": (
        made(ANGLES, model=mlp(1), loss="mse", section={"sampler": "class_balanced"}),
        "The sampler 'class_balanced' needs one class for each sample, but the targets of data.train are values.",
    ),
    # Images.
    "tones of another mode": (
        made(DIGITS, *TWO_COLOURS, "random_equalize", model={"mlp": {"size": 8, "in_channels": 3}}),
        "random_equalize expects a grayscale or RGB image, but receives a Pillow image 3 x 8 x 8, 0 to 255 of "
        "mode HSV.",
    ),
    "a file format for another mode": (
        made(DIGITS, *TWO_COLOURS, {"jpeg": {"quality": 50}}, model={"mlp": {"size": 8, "in_channels": 3}}),
        "JPEG does not support images of mode HSV.",
    ),
    "a power of what is below 0": (
        made(
            DIGITS, "to_image", {"to_dtype": {"dtype": "float32", "scale": True}}, {"gaussian_noise": {"clip": False}},
            {"lambda": {"function": {"gamma": {"gamma": 0.5}}}},
        ),
        "gamma expects values from 0 to 1, but receives a float tensor 1 x 8 x 8, whose values may be below 0.",
    ),
    "a longer side that leaves nothing of the other": (
        made(
            {"counts": {**SCENE, "cells": [1, 10]}}, {"resize": {"size": 4, "max_size": 5}}, model=mlp(1), loss="mse"
        ),
        "Resizing an image of 8 x 80 to a longer side of 5 leaves no pixels.",
    ),
    "three channels of whole numbers in one pixel": (
        made(DIGITS, "rgb", "to_image", {"resize": {"size": [1, 1]}}, model={"mlp": {"size": 1, "in_channels": 3}}),
        "torch cannot resize a uint8 tensor 3 x 8 x 8, 0 to 255 to one pixel with antialiasing.",
    ),
    "one size that is not the model's": (
        made(DIGITS, {"random_shortest_size": {"min_size": [9]}}),
        "expects images of 8 x 8 pixels, but the images are 9 x 9",
    ),
    # Batches.
    "a last batch of one": (
        made(model=layers(*END, "batch_norm1d"), batch_size=2, train={"max_steps": 180}),
        "model.sequential.layers[2]: The last batch of an epoch of data.train has 1 sample: batch_norm1d '2' would "
        "normalize single values, which have no variance. Set drop_last: true or another batch_size.",
    ),
    "batches of one": (
        made(model=layers({"block": {"name": "b", "layers": [conv(4, 8), "batch_norm2d"]}}, *END), batch_size=1),
        "A batch of data.train has 1 sample: batch_norm2d 'b.1' would normalize single values",
    ),
    "groups of one": (
        made(model=layers(conv(4, 8), {"group_norm": {"num_groups": 4}}, *END), batch_size=1),
        "group_norm '1' would normalize single values",
    ),
    "batches of one in a residual network": (
        made(model={"torchvision_model": {"arch": "resnet18", "num_classes": 10, "in_channels": 1}}, batch_size=1),
        "batch normalization in 'torchvision_model: resnet18' expects more than one value per channel, "
        "but a single image of 8 x 8 leaves one pixel.",
    ),
    "batches of one in a network of pixels": (
        made({"segmented": {**SCENE, "cells": 1}}, model={"unet": {"depth": 3}}, loss="nll_2d", batch_size=1),
        "The model 'unet' cannot normalize the one pixel left of a single 8 x 8 image.",
    ),
    # Training.
    "a beta of 1": (
        made(optim=weighted({"one_cycle": {"max_lr": 0.1, "max_momentum": 1.0}})),
        "optim.scheduler.one_cycle.max_momentum: max_momentum replaces the first beta of 'adam'",
    ),
    "rates that are levelled": (
        made(optim=weighted({"one_cycle": {"max_lr": 0.1}}, groups=GROUPS)),
        "sets one rate for all parameter groups, but a group has the rate 0.1.",
    ),
    "a division by zero": (made(optim={"optimizer": {"adam": {"eps": 0.0}}}), "0.0 must be greater than 0"),
    # Hooks.
    "a file of the run": (
        made(hooks=[{"jsonl": {"file": "metrics.jsonl"}}]), "is a reserved name in the run directory"
    ),
    "the folder above the run": (made(hooks=[{"jsonl": {"file": ".."}}]), "is a reserved name in the run directory"),
    "a picture of features": (
        made(
            model=layers({"conv2d": {"name": "seen", "out_channels": 2, "kernel_size": 3}}, "flatten",
                         {"linear": {"name": "fc", "out_features": 10}}),
            hooks=[{"tensorboard_feature_maps": {"layer": "fc"}}],
        ),
        "requires images, but the layer 'fc' emits 10. Available: seen.",
    ),
    "boxes that are none": (
        made(BOXES, model=mlp(10, [8, 16]), loss="bce_with_logits", hooks=[{"tensorboard_boxes": {"boxes": "target"}}]),
        "requires boxes, but the entry 'target' contains none. Available: boxes.",
    ),
    "sound without a rate": (
        made(hooks=[{"tensorboard_audio": {"audio": "input"}}]),
        "requires a sample rate, but data.val has no entry sample_rate. Set sample_rate.",
    ),
    "confusion of embeddings": (
        made(
            TRIPLETS, model={"triplet": {"network": mlp()}}, loss="triplet_margin",
            hooks=["tensorboard_confusion_matrix"],
        ),
        "requires class scores, but the model emits embeddings",
    ),
    "confusion of features": (
        made(
            model=mlp(8), loss={"adaptive_log_softmax": {"in_features": 8, "n_classes": 10, "cutoffs": [5]}},
            hooks=["tensorboard_confusion_matrix"],
        ),
        "requires one output per class, but the model has 8 outputs and data.val has 10 classes",
    ),
}  # fmt: skip


def written(tmp_path: Path, pipeline: dict[str, Any]) -> Path:
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(pipeline))
    return path


@pytest.mark.parametrize("name", MISTAKES)
def test_it_is_refused(name: str, tmp_path: Path) -> None:
    pipeline, words = MISTAKES[name]
    with pytest.raises(PipelineError) as refused:
        load(written(tmp_path, pipeline))
    assert words in str(refused.value)
    assert len({problem.code for problem in refused.value.problems}) == 1, "a mistake and its consequence"


RIGHT: dict[str, dict[str, Any]] = {
    "squares of any size, resized by their shorter side": made(
        DIGITS, {"random_resize": {"min_size": 4, "max_size": 9}}, {"resize": {"size": 8}}
    ),
    "a batch that the run does not come to": made(model=layers(*END, "batch_norm1d"), batch_size=2),
    "one sample of several pixels": made(model=layers(conv(4), "batch_norm2d", *END), batch_size=1),
    "in place after flatten": made(
        model=layers(conv(4), "flatten", {"relu": {"inplace": True}}, {"linear": {"out_features": 10}})
    ),
    "another mode for what mixes tensors": made(
        DIGITS, *TWO_COLOURS, "aug_mix", model={"mlp": {"size": 8, "in_channels": 3}}
    ),
    "images of any size, large enough": made(
        model=layers(conv(2), {"adaptive_avg_pool2d": {"output_size": 1}}, *END, size=(None, None))
    ),
    "the other memory order, and a vector of each weight": made(
        model=layers(conv(2), *END), optim={"optimizer": {"lbfgs": {"max_iter": 2}}}, train={"channels_last": True}
    ),
    "the graph of several outputs": made(
        PAIRS, model={"pair": {"network": mlp()}}, loss="cosine_embedding", hooks=["tensorboard_graph"]
    ),
    "points of one number": made(
        PAIRS, model={"pair_distance": {"network": mlp()}}, loss="hinge_embedding", hooks=["tensorboard_embedding"]
    ),
    "histograms of sparse gradients": made(
        model={"sparse_bag": {"size": 8}},
        optim={"optimizer": "sparse_adam"},
        hooks=[{"tensorboard_histograms": {"every": "1 step"}}],
    ),
    "an adaptive softmax of single precision": made(
        model={"sparse_bag": {"size": 8, "num_classes": 8}}, optim={"optimizer": "adagrad"},
        loss={"adaptive_log_softmax": {"in_features": 8, "n_classes": 10, "cutoffs": [1]}}, train={"precision": "bf16"},
    ),
    "fewer columns than labels, where that loss is left out": made(
        {"lines": {**LINES["lines"], "longest": 6, "size": 4}}, {"resize": {"size": [4, 8]}},
        model={"crnn": {"size": [4, 8]}}, loss={"ctc": {"zero_infinity": True}},
    ),
    "corners that meet": made(
        DIGITS, {"resize": {"size": [2, 2]}}, {"random_perspective": {"distortion_scale": 1.0, "p": 1.0}},
        model=mlp(10, 2), batch_size=100,
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # what tracing and TensorBoard warn of
@pytest.mark.parametrize("name", RIGHT)
def test_it_is_right_and_runs(name: str, tmp_path: Path) -> None:
    result = registry_core.train(load(written(tmp_path, RIGHT[name])), tmp_path / "run")
    assert result.position.step == 2
    assert result.summary["hook_errors"] == []


def test_a_broken_transform_hides_no_wrong_number_of_outputs(tmp_path: Path) -> None:
    for pipeline in (made(DIGITS, "flip", model=mlp(7)), made(ANGLES, "flip", model=mlp(7), loss="mse")):
        with pytest.raises(PipelineError) as refused:
            load(written(tmp_path, pipeline))
        assert "model" in {problem.path for problem in refused.value.problems}


def folders(folder: Path, *sizes: tuple[int, int]) -> dict[str, Any]:
    """Two classes of images of these sizes, in turn."""
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for number, size in enumerate(sizes * 2):
            PIL.Image.fromarray(np.full(size, 90 * number % 256, np.uint8)).save(folder / label / f"{number}.png")
    return {"image_folder": {"root": str(folder), "mode": "L"}}


def test_files_of_several_sizes(tmp_path: Path) -> None:
    several = folders(tmp_path / "several", (8, 8), (9, 7))
    shorter = {"resize": {"size": 8}}
    for transforms in ([], [shorter]):
        with pytest.raises(PipelineError, match=r"The images of data\.train have different sizes"):
            load(written(tmp_path, made(several, *transforms, model=mlp(2))))
    squares = folders(tmp_path / "squares", (8, 8), (10, 10))
    for dataset, resized in ((squares, shorter), (several, {"resize": {"size": [8, 8]}})):
        right = made(dataset, resized, model=mlp(2), batch_size=2)
        assert registry_core.train(load(written(tmp_path, right)), tmp_path / dataset["image_folder"]["root"][-3:])
    with pytest.raises(
        PipelineError,
        match=r"The images of 'image_folder' have different sizes, but 'counts' requires one size\. Set size of counts",
    ):
        load(written(tmp_path, made({"counts": {"dataset": several}}, model=mlp(1, 20), loss="mse")))


def test_signs_of_two_classes(tmp_path: Path) -> None:
    """One output tells which of two classes it is; its sign is compared, also by losses for values."""
    dataset = folders(tmp_path / "two", (8, 8))
    for number, loss in enumerate(("soft_margin", "mse")):
        right = made(dataset, "signs", model=mlp(1), loss=loss, batch_size=2, metrics=["mean_absolute_error"])
        assert registry_core.train(load(written(tmp_path, right)), tmp_path / f"run-{number}").position.step == 2


def test_one_class_makes_no_pairs(tmp_path: Path) -> None:
    dataset = folders(tmp_path / "one", (8, 8))
    for file in (tmp_path / "one" / "b").iterdir():
        file.unlink()
    (tmp_path / "one" / "b").rmdir()
    pairs = {"pairs": {"dataset": dataset}}
    with pytest.raises(PipelineError, match="has only one class, but 'pairs' requires at least two"):
        load(written(tmp_path, made(pairs, model={"pair": {"network": mlp()}}, loss="cosine_embedding")))


@pytest.mark.parametrize("labels", [5, 8])
def test_labels_of_an_adaptive_softmax(tmp_path: Path, labels: int) -> None:
    folders(tmp_path / "images", (8, 8))
    (tmp_path / "index.txt").write_text("images/a/0.png 0\nimages/a/1.png 7\n" * 4)
    dataset = {"image_index": {"index": str(tmp_path / "index.txt"), "mode": "L"}}
    loss = {"adaptive_log_softmax": {"in_features": 10, "n_classes": labels, "cutoffs": [2]}}
    path = written(tmp_path, made(dataset, loss=loss))
    if labels == 8:
        assert load(path).spec.loss.name == "adaptive_log_softmax"
        return
    with pytest.raises(PipelineError, match=r"n_classes is 5, but the data contain the label 7\. Set n_classes to 8"):
        load(path)


def test_the_horizon_of_a_perspective_shows_the_fill() -> None:
    """torchvision divides 0 by 0 at pixels exactly on the horizon; elsewhere the image is torchvision's."""
    from torchvision.transforms.v2 import functional as F

    declared = registries.transforms["random_perspective"](p=1.0, fill=0.25)
    transform = declared.build()
    assert isinstance(transform, RandomPerspective)
    image = tv_tensors.Image(torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(0)))
    horizons = 0
    for number in range(200):
        corners, moved = transform.points(4, 4, _after_one(number))
        plain = F.perspective(image, corners, moved, interpolation=transform.interpolation, fill=0.25)
        shown = transform({"input": image}, Draws(1, 0, number))["input"]
        horizons += bool(plain.isnan().any())
        torch.testing.assert_close(shown.as_subclass(torch.Tensor), plain.as_subclass(torch.Tensor).nan_to_num(0.25))
    assert horizons > 0


def _after_one(number: int) -> Draws:
    draws = Draws(1, 0, number)
    draws.uniform()  # whether the image is changed at all
    return draws


@pytest.mark.parametrize("arch", ["densenet121", "efficientnet_b0", "googlenet", "mnasnet0_5", "mobilenet_v3_small",
                                  "regnet_x_400mf", "resnet18", "resnext50_32x4d", "shufflenet_v2_x0_5"])  # fmt: skip
def test_normalizing_architectures_need_more_than_one_image_of_32_pixels(arch: str) -> None:
    """What is refused is what torch refuses."""
    declared = registries.models["torchvision_model"](arch=arch, num_classes=2)
    network: Callable[..., Any] = declared.build().train()
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        network(torch.rand(1, 3, 32, 32))
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 2)
