"""The mistakes in a pipeline file of registry-core."""

from __future__ import annotations

_NET = "  lenet:\n    in_channels: 1\n    size: 28\n    num_classes: 10\n"
_LAYERS = """  sequential:
    input: [1, 28, 28]
    layers:
      - {conv2d: {name: conv1, out_channels: 6, kernel_size: 5, padding: 2}}
      - relu
      - {max_pool2d: {kernel_size: 2}}
      - {conv2d: {name: conv2, out_channels: 16, kernel_size: 5}}
      - relu
      - {max_pool2d: {kernel_size: 2}}
      - flatten
      - {linear: {name: fc1, out_features: 120}}
      - relu
      - {linear: {name: fc2, out_features: 84}}
      - relu
      - {linear: {name: fc3, out_features: 10}}
"""
_SGD = "    sgd:\n      lr: 0.02\n      momentum: 0.9\n      weight_decay: 0.001\n"
_SCHEDULER = "    step:\n      step_size: 1\n      gamma: 0.5\n"
_FLIP = "{random_horizontal_flip: {p: 0.5}}"
_NORMALIZE = "{normalize: {mean: [0.5], std: [0.25]}}"
_THREE = "{normalize: {mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]}}"
_TRAIN = f"      - {_FLIP}\n      - to_tensor\n      - {_NORMALIZE}\n"
_VAL = f"      - grayscale\n      - to_tensor\n      - {_NORMALIZE}\n"
_LOSS = "loss: cross_entropy"
_PLATEAU = "    reduce_on_plateau: {{monitor: {}, mode: {}, factor: {}}}\n"
_ONE_RATE = ("{parameters: 'conv.*', lr: 0.01}", "{parameters: 'conv.*', weight_decay: 0}")


def _ending_in(layer: str) -> tuple[str, str]:
    return (_NET, f"{_LAYERS}      - {layer}\n")


def _finetune(keys: str) -> list[tuple[str, str]]:
    return [("train:\n  epochs", f"finetune: {keys}\ntrain:\n  epochs")]


EDITS: dict[str, list[tuple[str, str]] | str] = {
    "optimizer-misspelt": [("    sgd:", "    sdg:")],
    "transform-misspelt": [("horizontal_flip", "horizontal_filp")],
    "model-misspelt": [("lenet:", "lenett:")],
    "loss-misspelt": [(_LOSS, "loss: cross_entrpy")],
    "scheduler-misspelt": [("    step:", "    stpe:")],
    "metric-misspelt": [("[accuracy]", "[acuracy]")],
    "hook-misspelt": [("early_stopping", "early_stoping")],
    "name-in-other-case": [("    sgd:", "    SGD:")],
    "scheduler-as-optimizer": [
        ("    sgd:\n      lr: 0.02\n      momentum: 0.9\n      weight_decay: 0.001\n", _SCHEDULER)
    ],
    "metric-as-loss": [(_LOSS, "loss: accuracy")],
    "weight-decay-misspelt": [("weight_decay", "weigth_decay")],
    "length-misspelt": [("epochs: 2", "epoch: 2")],
    "batch-size-misspelt": [("batch_size", "batchsize")],
    "step-size-misspelt": [("step_size", "step_sise")],
    "section-misspelt": [("train:\n  epochs", "trian:\n  epochs")],
    "patience-misspelt": [("patience", "patiance")],
    "parameter-of-another": [("momentum: 0.9", "betas: [0.9, 0.99]")],
    "required-left-out": [("mean: [0.5], std: [0.25]", "mean: [0.5]")],
    "lr-quoted": [("lr: 0.02", 'lr: "0.02"')],
    "bool-quoted": [("batch_size: 32", 'batch_size: 32\n  drop_last: "false"')],
    "lr-true": [("lr: 0.02", "lr: true")],
    "lr-negative": [("lr: 0.02", "lr: -0.02")],
    "lr-nan": [("lr: 0.02", "lr: .nan")],
    "lr-huge": [("lr: 0.02", "lr: 1000000.0")],
    "probability-over-one": [("p: 0.5", "p: 1.5")],
    "reduction-unknown": [(_LOSS, "loss: {cross_entropy: {reduction: avg}}")],
    "epochs-fractional": [("epochs: 2", "epochs: 2.5")],
    "epochs-zero": [("epochs: 2", "epochs: 0")],
    "batch-size-zero": [("batch_size: 32", "batch_size: 0")],
    "std-zero": [("std: [0.25]", "std: [0]")],
    "nesterov-without-momentum": [("momentum: 0.9", "nesterov: true")],
    "smoothing-over-one": [(_LOSS, "loss: {cross_entropy: {label_smoothing: 1.5}}")],
    "key-twice": [("      lr: 0.02\n", "      lr: 0.02\n      lr: 0.2\n")],
    "bare-no": [("root: data/train", "root: no")],
    "indented-too-little": [("      momentum: 0.9", "    momentum: 0.9")],
    "tab": [("      momentum: 0.9", "\tmomentum: 0.9")],
    "exponent-without-dot": [("lr: 0.02", "lr: 2e-2")],
    "no-space-after-colon": [("lr: 0.02", "lr:0.02")],
    "decimal-comma": [("lr: 0.02", "lr: 0,02")],
    "bracket-open": [("mean: [0.5]", "mean: [0.5")],
    "empty-component": [(_SGD, "")],
    "unknown-alias": [("mean: [0.5]", "mean: *mean")],
    "unknown-variable": [("lr: 0.02", "lr: ${rate}")],
    "leading-zero": [("batch_size: 32", "batch_size: 032")],
    "to-tensor-twice": [("      - to_tensor\n", "      - to_tensor\n      - to_tensor\n")],
    "crop-over-image": [(_FLIP, "{random_crop: {size: 32}}")],
    "no-to-tensor": [(_TRAIN, f"      - {_FLIP}\n")],
    "normalize-before-to-tensor": [(_TRAIN, f"      - {_FLIP}\n      - {_NORMALIZE}\n      - to_tensor\n")],
    "to-pil-last": [(_TRAIN, f"{_TRAIN}      - to_pil_image\n")],
    "normalize-twice": [(_TRAIN, f"{_TRAIN}      - {_NORMALIZE}\n")],
    "normalize-three-values": [(_NORMALIZE, _THREE), (_NORMALIZE, _THREE)],
    "normalize-broadcasts": [(_NORMALIZE, _THREE), (_NORMALIZE, _THREE), ("in_channels: 1", "in_channels: 3")],
    "mean-of-255": [(_NORMALIZE, "{normalize: {mean: [127.5], std: [63.75]}}")] * 2,
    "val-not-normalized": [(_VAL, "      - grayscale\n      - to_tensor\n")],
    "channels": [("in_channels: 1", "in_channels: 3")],
    "too-many-outputs": [("num_classes: 10", "num_classes: 100")],
    "too-few-outputs": [("num_classes: 10", "num_classes: 5")],
    "size-of-model": [("size: 28", "size: 32")],
    "val-of-other-size": [(_VAL, f"      - {{resize: {{size: 32}}}}\n{_VAL}")],
    "image-too-small": [
        (_TRAIN, f"      - {{resize: {{size: [4, 4]}}}}\n{_TRAIN}"),
        (_VAL, f"      - {{resize: {{size: [4, 4]}}}}\n{_VAL}"),
    ],
    "unequal-sizes": [],
    "oblong-images": [],
    "nll-on-logits": [(_LOSS, "loss: nll")],
    "mixup-with-nll": [
        (_LOSS, "loss: nll"),
        _ending_in("log_softmax"),
        (_TRAIN, f"{_TRAIN}    batch_transforms: [mixup]\n"),
    ],
    "softmax-then-cross-entropy": [_ending_in("softmax")],
    "sigmoid-then-cross-entropy": [_ending_in("sigmoid")],
    "bce-on-class-numbers": [(_LOSS, "loss: bce_with_logits")],
    "mse-on-class-numbers": [(_LOSS, "loss: mse")],
    "kl-div-on-class-numbers": [(_LOSS, "loss: kl_div"), _ending_in("log_softmax")],
    "class-weights-too-few": [(_LOSS, "loss: {cross_entropy: {weight: [1.0, 2.0, 3.0]}}")],
    "margin-power-three": [(_LOSS, "loss: {multi_margin: {p: 3}}")],
    "milestones-after-end": [(_SCHEDULER, "    multi_step: {milestones: [30, 60]}\n")],
    "step-size-after-end": [("step_size: 1", "step_size: 30")],
    "cosine-over-run": [(_SCHEDULER, "    cosine_annealing: {t_max: 100}\n")],
    "warmup-over-run": [(_SCHEDULER, "    linear: {start_factor: 0.01, total_iters: 50}\n")],
    "one-cycle-too-short": [(_SCHEDULER, "    one_cycle: {max_lr: 0.1, total_steps: 4}\n"), _ONE_RATE],
    "plateau-misspelt": [(_SCHEDULER, _PLATEAU.format("val/lss", "min", 0.5))],
    "plateau-factor": [(_SCHEDULER, _PLATEAU.format("val/loss", "min", 1.5))],
    "plateau-mode": [(_SCHEDULER, _PLATEAU.format("val/loss", "max", 0.5))],
    "early-stopping-misspelt": [("monitor: val/loss", "monitor: val/los")],
    "early-stopping-mode": [("monitor: val/loss", "better: higher, monitor: val/loss")],
    "best-misspelt": [("best: val/accuracy", "best: val/acuracy")],
    "best-mode": "which way is better follows from the metric",
    "patience-over-run": [("patience: 1", "patience: 50")],
    "group-matches-nothing": [("parameters: 'conv.*'", "parameters: 'backbone.*'")],
    "group-pattern-invalid": [("parameters: 'conv.*'", "parameters: '('")],
    "group-option-misspelt": [("'conv.*', lr: 0.01", "'conv.*', lrr: 0.01")],
    "freeze-matches-nothing": _finetune("{freeze: ['backbone.*']}"),
    "freeze-everything": _finetune("{freeze: ['.*']}"),
    "init-matches-nothing": [("modules: [Conv2d, Linear]", "modules: [ConvTranspose2d]")],
    "init-misspelt": [("kaiming_normal", "kaimng_normal")],
    "weights-fit-nothing": _finetune("{weights: data/other.pt, strict: false}"),
    "weights-missing": _finetune("{weights: data/lenet-last.pt}"),
    "weights-of-other-head": _finetune("{weights: data/head100.pt}"),
    "weights-with-prefix": _finetune("{weights: data/prefixed.pt}"),
    "weights-are-text": _finetune("{weights: data/notes.pt}"),
    "folder-missing": [("root: data/train", "root: data/trian")],
    "batch-over-data": [("batch_size: 32", "batch_size: 512\n  drop_last: true")],
    "val-is-train": [("root: data/val", "root: data/train")],
    "val-lacks-first-class": [],
    "class-in-other-case": [],
    "eleventh-class": [],
    "empty-class": [],
    "no-folders": [],
    "broken-image": [],
    "not-shuffled": [(_TRAIN, f"{_TRAIN}    sampler: sequential\n")],
    "fp16-on-cpu": [("precision: fp32", "precision: fp16")],
    "no-gpu": [("device: cpu", "device: cuda")],
    "workers-negative": [("batch_size: 32", "batch_size: 32\n  workers: -1")],
    "output-is-a-file": [("--out=run", "--out=taken/run")],
    "package-missing": [(_NET, "  timm_resnet18: {in_channels: 1, num_classes: 10}\n")],
}
