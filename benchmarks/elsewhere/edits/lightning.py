"""The mistakes in a configuration of LightningCLI."""

from __future__ import annotations

_SGD = "    class_path: torch.optim.SGD\n"
_SGD_WHOLE = f"{_SGD}    init_args:\n      lr: 0.02\n      momentum: 0.9\n      weight_decay: 0.001\n"
_STEP = """    class_path: torch.optim.lr_scheduler.StepLR
    init_args:
      step_size: 1
      gamma: 0.5
"""
_LOSS = "    class_path: torch.nn.CrossEntropyLoss\n"
_METRIC = """    class_path: torchmetrics.classification.MulticlassAccuracy
    init_args:
      num_classes: 10
"""
_MIXUP = """  batch_transform:
    class_path: torchvision.transforms.v2.MixUp
    init_args:
      num_classes: 10
"""
_NET = """parts.LeNet
    init_args:
      in_channels: 1
      size: 28
"""
_VIT = """vit_pytorch.ViT
    init_args:
      channels: 1
      image_size: 28
"""
_GREY = "    - class_path: torchvision.transforms.v2.Grayscale\n"
_FLIP = "    - class_path: torchvision.transforms.v2.RandomHorizontalFlip\n      init_args:\n        p: 0.5\n"
_TENSOR = "    - class_path: torchvision.transforms.ToTensor\n"
_NORMALIZE = """    - class_path: torchvision.transforms.v2.Normalize
      init_args:
        mean: [0.5]
        std: [0.25]
"""
_THREE = _NORMALIZE.replace("0.5", "0.5, 0.5, 0.5").replace("0.25", "0.25, 0.25, 0.25")
_TRAIN = f"{_FLIP}{_TENSOR}{_NORMALIZE}"
_VAL = f"{_GREY}{_TENSOR}{_NORMALIZE}"
_GROUP = "    - pattern: ^conv\n"


def _loss(name: str, arguments: str = "") -> tuple[str, str]:
    more = f"    init_args:\n      {arguments}\n" if arguments else ""
    return (_LOSS, f"    class_path: torch.nn.{name}\n{more}")


def _ending_in(activation: str, arguments: str = "") -> tuple[str, str]:
    more = f"\n          init_args:\n            {arguments}" if arguments else ""
    return (
        "      num_classes: 10\n",
        f"      num_classes: 10\n      activation:\n          class_path: {activation}{more}\n",
    )


def _scheduler(name: str, **arguments: object) -> tuple[str, str]:
    lines = "".join(f"      {key}: {value}\n" for key, value in arguments.items())
    return (_STEP, f"    class_path: {name}\n    init_args:\n{lines}")


def _transform(name: str, arguments: str = "") -> str:
    more = f"      init_args:\n        {arguments}\n" if arguments else ""
    return f"    - class_path: torchvision.transforms.{name}\n{more}"


def _model(keys: str) -> list[tuple[str, str]]:
    return [("  interval: epoch\n", f"  interval: epoch\n{keys}")]


_RATES = "torch.optim.lr_scheduler."
_PLATEAU = "lightning.pytorch.cli.ReduceLROnPlateau"
_SMALL = _transform("v2.Resize", "size: [4, 4]")

EDITS: dict[str, list[tuple[str, str]] | str] = {
    "optimizer-misspelt": [("optim.SGD", "optim.SDG")],
    "transform-misspelt": [("HorizontalFlip", "HorizontalFilp")],
    "model-misspelt": [("parts.LeNet", "parts.LeNett")],
    "loss-misspelt": [("CrossEntropyLoss", "CrossEntropyLos")],
    "scheduler-misspelt": [("StepLR", "StpeLR")],
    "metric-misspelt": [("MulticlassAccuracy", "MulticlassAcuracy")],
    "hook-misspelt": [("EarlyStopping", "EarlyStoping")],
    "name-in-other-case": [("optim.SGD", "optim.sgd")],
    "scheduler-as-optimizer": [(_SGD_WHOLE, _STEP)],
    "metric-as-loss": [(_LOSS, _METRIC)],
    "weight-decay-misspelt": [("weight_decay", "weigth_decay")],
    "length-misspelt": [("max_epochs", "max_epoch")],
    "batch-size-misspelt": [("batch_size", "batchsize")],
    "step-size-misspelt": [("step_size", "step_sise")],
    "section-misspelt": [("trainer:", "trianer:")],
    "patience-misspelt": [("patience", "patiance")],
    "parameter-of-another": [("momentum: 0.9", "betas: [0.9, 0.99]")],
    "required-left-out": [("        mean: [0.5]\n        std: [0.25]\n", "        mean: [0.5]\n")],
    "lr-quoted": [("lr: 0.02", 'lr: "0.02"')],
    "bool-quoted": [("batch_size: 32", 'batch_size: 32\n  drop_last: "false"')],
    "lr-true": [("lr: 0.02", "lr: true")],
    "lr-negative": [("lr: 0.02", "lr: -0.02")],
    "lr-nan": [("lr: 0.02", "lr: .nan")],
    "lr-huge": [("lr: 0.02", "lr: 1000000.0")],
    "probability-over-one": [("p: 0.5", "p: 1.5")],
    "reduction-unknown": [_loss("CrossEntropyLoss", "reduction: avg")],
    "epochs-fractional": [("max_epochs: 2", "max_epochs: 2.5")],
    "epochs-zero": [("max_epochs: 2", "max_epochs: 0")],
    "batch-size-zero": [("batch_size: 32", "batch_size: 0")],
    "std-zero": [("std: [0.25]", "std: [0]")],
    "nesterov-without-momentum": [("momentum: 0.9", "nesterov: true")],
    "smoothing-over-one": [_loss("CrossEntropyLoss", "label_smoothing: 1.5")],
    "key-twice": [("      lr: 0.02\n", "      lr: 0.02\n      lr: 0.2\n")],
    "bare-no": [("train: data/train", "train: no")],
    "indented-too-little": [("      momentum: 0.9", "    momentum: 0.9")],
    "tab": [("      momentum: 0.9", "\tmomentum: 0.9")],
    "exponent-without-dot": [("lr: 0.02", "lr: 2e-2")],
    "no-space-after-colon": [("lr: 0.02", "lr:0.02")],
    "decimal-comma": [("lr: 0.02", "lr: 0,02")],
    "bracket-open": [("mean: [0.5]", "mean: [0.5")],
    "empty-component": [(_SGD_WHOLE, "")],
    "unknown-alias": [("mean: [0.5]", "mean: *mean")],
    "unknown-variable": [("lr: 0.02", "lr: ${rate}")],
    "leading-zero": [("batch_size: 32", "batch_size: 032")],
    "to-tensor-twice": [(_TENSOR, _TENSOR * 2)],
    "crop-over-image": [(_FLIP, _transform("v2.RandomCrop", "size: 32"))],
    "no-to-tensor": [(_TRAIN, _FLIP)],
    "normalize-before-to-tensor": [(_TRAIN, f"{_FLIP}{_NORMALIZE}{_TENSOR}")],
    "to-pil-last": [(_TRAIN, f"{_TRAIN}{_transform('v2.ToPILImage')}")],
    "normalize-twice": [(_TRAIN, f"{_TRAIN}{_NORMALIZE}")],
    "normalize-three-values": [(_NORMALIZE, _THREE), (_NORMALIZE, _THREE)],
    "normalize-broadcasts": [(_NORMALIZE, _THREE), (_NORMALIZE, _THREE), ("in_channels: 1", "in_channels: 3")],
    "mean-of-255": [("mean: [0.5]", "mean: [127.5]"), ("std: [0.25]", "std: [63.75]")] * 2,
    "val-not-normalized": [(_VAL, f"{_GREY}{_TENSOR}")],
    "channels": [("in_channels: 1", "in_channels: 3")],
    "too-many-outputs": [("num_classes: 10", "num_classes: 100"), ("num_classes: 10\n", "num_classes: 100\n")],
    "too-few-outputs": [("num_classes: 10", "num_classes: 5"), ("num_classes: 10\n", "num_classes: 5\n")],
    "size-of-model": [("size: 28", "size: 32")],
    "val-of-other-size": [(_VAL, f"{_transform('v2.Resize', 'size: 32')}{_VAL}")],
    "image-too-small": [(_TRAIN, f"{_SMALL}{_TRAIN}"), (_VAL, f"{_SMALL}{_VAL}")],
    "unequal-sizes": [],
    "oblong-images": [],
    "nll-on-logits": [_loss("NLLLoss")],
    "mixup-with-nll": [
        _loss("NLLLoss"),
        _ending_in("torch.nn.LogSoftmax", "dim: 1"),
        *_model(_MIXUP),
    ],
    "softmax-then-cross-entropy": [_ending_in("torch.nn.Softmax", "dim: 1")],
    "sigmoid-then-cross-entropy": [_ending_in("torch.nn.Sigmoid")],
    "bce-on-class-numbers": [_loss("BCEWithLogitsLoss")],
    "mse-on-class-numbers": [_loss("MSELoss")],
    "kl-div-on-class-numbers": [_loss("KLDivLoss"), _ending_in("torch.nn.LogSoftmax", "dim: 1")],
    "class-weights-too-few": "jsonargparse makes no tensor of a list of numbers",
    "margin-power-three": [_loss("MultiMarginLoss", "p: 3")],
    "milestones-after-end": [_scheduler(f"{_RATES}MultiStepLR", milestones=[30, 60])],
    "step-size-after-end": [("step_size: 1", "step_size: 30")],
    "cosine-over-run": [_scheduler(f"{_RATES}CosineAnnealingLR", T_max=100)],
    "warmup-over-run": [_scheduler(f"{_RATES}LinearLR", start_factor=0.01, total_iters=50)],
    "one-cycle-too-short": [
        _scheduler(f"{_RATES}OneCycleLR", max_lr=0.1, total_steps=4),
        ("interval: epoch", "interval: step"),
    ],
    "plateau-misspelt": [_scheduler(_PLATEAU, monitor="val_lss")],
    "plateau-factor": [_scheduler(_PLATEAU, monitor="val_loss", factor=1.5)],
    "plateau-mode": [_scheduler(_PLATEAU, monitor="val_loss", mode="max")],
    "early-stopping-misspelt": [("monitor: val_loss", "monitor: val_los")],
    "early-stopping-mode": [("mode: min", "mode: max")],
    "best-misspelt": [("monitor: val_accuracy", "monitor: val_acuracy")],
    "best-mode": [("mode: max", "mode: min")],
    "patience-over-run": [("patience: 1", "patience: 50")],
    "group-matches-nothing": [("^conv", "^backbone")],
    "group-pattern-invalid": [(_GROUP, "    - pattern: (\n")],
    "group-option-misspelt": [("        lr: 0.01", "        lrr: 0.01")],
    "freeze-matches-nothing": _model("  freeze: [^backbone]\n"),
    "freeze-everything": _model("  freeze: [.*]\n"),
    "init-matches-nothing": [("[Conv2d, Linear]", "[ConvTranspose2d]")],
    "init-misspelt": [("kaiming_normal_", "kaimng_normal_")],
    "weights-fit-nothing": _model("  weights: data/other.pt\n  strict: false\n"),
    "weights-missing": _model("  weights: data/lenet-last.pt\n"),
    "weights-of-other-head": _model("  weights: data/head100.pt\n"),
    "weights-with-prefix": _model("  weights: data/prefixed.pt\n"),
    "weights-are-text": _model("  weights: data/notes.pt\n"),
    "folder-missing": [("train: data/train", "train: data/trian")],
    "batch-over-data": [("batch_size: 32", "batch_size: 512\n  drop_last: true")],
    "val-is-train": [("val: data/val", "val: data/train")],
    "val-lacks-first-class": [],
    "class-in-other-case": [],
    "eleventh-class": [],
    "empty-class": [],
    "no-folders": [],
    "broken-image": [],
    "not-shuffled": [("batch_size: 32", "batch_size: 32\n  shuffle: false")],
    "fp16-on-cpu": [("precision: 32-true", "precision: 16-mixed")],
    "no-gpu": [("accelerator: cpu", "accelerator: gpu")],
    "workers-negative": [("batch_size: 32", "batch_size: 32\n  workers: -1")],
    "output-is-a-file": [("save_dir: run", "save_dir: taken/run"), ("root_dir: run", "root_dir: taken/run")],
    "package-missing": [(_NET, _VIT)],
}
