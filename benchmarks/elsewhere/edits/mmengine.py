"""The mistakes in a configuration of MMEngine, which is Python."""

from __future__ import annotations

_SGD = 'dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=0.001)'
_STEP = 'dict(type="StepLR", by_epoch=True, step_size=1, gamma=0.5)'
_LOSS = 'dict(type="CrossEntropyLoss")'
_GREY = '            dict(type="Grayscale"),\n'
_FLIP = '            dict(type="RandomHorizontalFlip", p=0.5),\n'
_TENSOR = '            dict(type="ToTensor"),\n'
_NORMALIZE = '            dict(type="Normalize", mean=[0.5], std=[0.25]),\n'
_THREE = '            dict(type="Normalize", mean=[0.5, 0.5, 0.5], std=[0.25, 0.25, 0.25]),\n'
_TRAIN = f"{_FLIP}{_TENSOR}{_NORMALIZE}"
_VAL = f"{_GREY}{_TENSOR}{_NORMALIZE}"
_SMALL = '            dict(type="Resize", size=[4, 4]),\n'
_PYTHON = "configurations are Python, which has no such trap"


def _ending_in(activation: str) -> tuple[str, str]:
    return ("num_classes=10)", f"num_classes=10, activation=dict(type={activation}))")


def _loss(text: str) -> tuple[str, str]:
    return (_LOSS, f"dict(type={text})")


def _weights(file: str) -> list[tuple[str, str]]:
    return [("load_from = None", f'load_from = "data/{file}"')]


def _plateau(monitor: str, rule: str, factor: float) -> list[tuple[str, str]]:
    return [(_STEP, f'dict(type="ReduceOnPlateauLR", monitor="{monitor}", rule="{rule}", factor={factor})')]


EDITS: dict[str, list[tuple[str, str]] | str] = {
    "optimizer-misspelt": [('"SGD"', '"SDG"')],
    "transform-misspelt": [("HorizontalFlip", "HorizontalFilp")],
    "model-misspelt": [('"LeNet"', '"LeNett"')],
    "loss-misspelt": [("CrossEntropyLoss", "CrossEntropyLos")],
    "scheduler-misspelt": [("StepLR", "StpeLR")],
    "metric-misspelt": [('"Accuracy"', '"Acuracy"')],
    "hook-misspelt": [("EarlyStoppingHook", "EarlyStopingHook")],
    "name-in-other-case": [('"SGD"', '"sgd"')],
    "scheduler-as-optimizer": [(_SGD, 'dict(type="StepLR", step_size=1, gamma=0.5)')],
    "metric-as-loss": [(_LOSS, 'dict(type="Accuracy")')],
    "weight-decay-misspelt": [("weight_decay", "weigth_decay")],
    "length-misspelt": [("max_epochs", "max_epoch")],
    "batch-size-misspelt": [("batch_size", "batchsize")],
    "step-size-misspelt": [("step_size", "step_sise")],
    "section-misspelt": [("train_cfg", "trian_cfg")],
    "patience-misspelt": [("patience", "patiance")],
    "parameter-of-another": [("momentum=0.9", "betas=[0.9, 0.99]")],
    "required-left-out": [("mean=[0.5], std=[0.25]", "mean=[0.5]")],
    "lr-quoted": [("lr=0.02", 'lr="0.02"')],
    "bool-quoted": [("    batch_size=32,\n", '    batch_size=32,\n    drop_last="false",\n')],
    "lr-true": [("lr=0.02", "lr=True")],
    "lr-negative": [("lr=0.02", "lr=-0.02")],
    "lr-nan": [("lr=0.02", 'lr=float("nan")')],
    "lr-huge": [("lr=0.02", "lr=1000000.0")],
    "probability-over-one": [("p=0.5", "p=1.5")],
    "reduction-unknown": [_loss('"CrossEntropyLoss", reduction="avg"')],
    "epochs-fractional": [("max_epochs=2", "max_epochs=2.5")],
    "epochs-zero": [("max_epochs=2", "max_epochs=0")],
    "batch-size-zero": [("batch_size=32", "batch_size=0")],
    "std-zero": [("std=[0.25]", "std=[0]")],
    "nesterov-without-momentum": [("momentum=0.9", "nesterov=True")],
    "smoothing-over-one": [_loss('"CrossEntropyLoss", label_smoothing=1.5')],
    "key-twice": [("lr=0.02", "lr=0.02, lr=0.2")],
    "bare-no": [('root="data/train"', "root=no")],
    "indented-too-little": [(_SGD, 'dict(type="SGD", lr=0.02, weight_decay=0.001),\n    momentum=0.9')],
    "tab": _PYTHON,
    "exponent-without-dot": [("lr=0.02", "lr=2e-2")],
    "no-space-after-colon": _PYTHON,
    "decimal-comma": [("lr=0.02", "lr=0,02")],
    "bracket-open": [("mean=[0.5]", "mean=[0.5")],
    "empty-component": [(_SGD, "None")],
    "unknown-alias": [("mean=[0.5]", "mean=mean")],
    "unknown-variable": [("lr=0.02", "lr=rate")],
    "leading-zero": [("batch_size=32", "batch_size=032")],
    "to-tensor-twice": [(_TENSOR, _TENSOR * 2)],
    "crop-over-image": [(_FLIP, '            dict(type="RandomCrop", size=32),\n')],
    "no-to-tensor": [(_TRAIN, _FLIP)],
    "normalize-before-to-tensor": [(_TRAIN, f"{_FLIP}{_NORMALIZE}{_TENSOR}")],
    "to-pil-last": [(_TRAIN, f'{_TRAIN}            dict(type="ToPILImage"),\n')],
    "normalize-twice": [(_TRAIN, f"{_TRAIN}{_NORMALIZE}")],
    "normalize-three-values": [(_NORMALIZE, _THREE), (_NORMALIZE, _THREE)],
    "normalize-broadcasts": [(_NORMALIZE, _THREE), (_NORMALIZE, _THREE), ("in_channels=1", "in_channels=3")],
    "mean-of-255": [("mean=[0.5], std=[0.25]", "mean=[127.5], std=[63.75]")] * 2,
    "val-not-normalized": [(_VAL, f"{_GREY}{_TENSOR}")],
    "channels": [("in_channels=1", "in_channels=3")],
    "too-many-outputs": [("num_classes=10", "num_classes=100")],
    "too-few-outputs": [("num_classes=10", "num_classes=5")],
    "size-of-model": [("size=28", "size=32")],
    "val-of-other-size": [(_VAL, f'            dict(type="Resize", size=32),\n{_VAL}')],
    "image-too-small": [(_TRAIN, f"{_SMALL}{_TRAIN}"), (_VAL, f"{_SMALL}{_VAL}")],
    "unequal-sizes": [],
    "oblong-images": [],
    "nll-on-logits": [_loss('"NLLLoss"')],
    "mixup-with-nll": [
        _loss('"NLLLoss"'),
        _ending_in('"LastLogSoftmax", dim=1'),
        ("    init_cfg=", '    batch_transform=dict(type="MixUp", num_classes=10),\n    init_cfg='),
    ],
    "softmax-then-cross-entropy": [_ending_in('"LastSoftmax", dim=1')],
    "sigmoid-then-cross-entropy": [_ending_in('"LastSigmoid"')],
    "bce-on-class-numbers": [_loss('"BCEWithLogitsLoss"')],
    "mse-on-class-numbers": [_loss('"MSELoss"')],
    "kl-div-on-class-numbers": [_loss('"KLDivLoss"'), _ending_in('"LastLogSoftmax", dim=1')],
    "class-weights-too-few": "a configuration holds no tensors",
    "margin-power-three": [_loss('"MultiMarginLoss", p=3')],
    "milestones-after-end": [(_STEP, 'dict(type="MultiStepLR", by_epoch=True, milestones=[30, 60])')],
    "step-size-after-end": [("step_size=1", "step_size=30")],
    "cosine-over-run": [(_STEP, 'dict(type="CosineAnnealingLR", by_epoch=True, T_max=100)')],
    "warmup-over-run": [(_STEP, 'dict(type="LinearLR", by_epoch=True, start_factor=0.01, begin=0, end=50)')],
    "one-cycle-too-short": [(_STEP, 'dict(type="OneCycleLR", by_epoch=False, eta_max=0.1, total_steps=4)')],
    "plateau-misspelt": _plateau("lss", "less", 0.5),
    "plateau-factor": _plateau("loss", "less", 1.5),
    "plateau-mode": _plateau("loss", "greater", 0.5),
    "early-stopping-misspelt": [('monitor="loss"', 'monitor="los"')],
    "early-stopping-mode": [('rule="less"', 'rule="greater"')],
    "best-misspelt": [('save_best="accuracy"', 'save_best="acuracy"')],
    "best-mode": [('rule="greater"', 'rule="less"')],
    "patience-over-run": [("patience=1", "patience=50")],
    "group-matches-nothing": [('"conv"', '"backbone"')],
    "group-pattern-invalid": "parameter groups have substrings of names, not patterns",
    "group-option-misspelt": [("lr_mult", "lrr_mult")],
    "freeze-matches-nothing": [("    init_cfg=", '    freeze=["^backbone"],\n    init_cfg=')],
    "freeze-everything": [("    init_cfg=", '    freeze=[".*"],\n    init_cfg=')],
    "init-matches-nothing": [('["Conv2d", "Linear"]', '["ConvTranspose2d"]')],
    "init-misspelt": [('"Kaiming"', '"Kaimng"')],
    "weights-fit-nothing": _weights("other.pt"),
    "weights-missing": _weights("lenet-last.pt"),
    "weights-of-other-head": _weights("net-head100.pt"),
    "weights-with-prefix": _weights("prefixed.pt"),
    "weights-are-text": _weights("notes.pt"),
    "folder-missing": [('root="data/train"', 'root="data/trian"')],
    "batch-over-data": [("    batch_size=32,\n", "    batch_size=512,\n    drop_last=True,\n")],
    "val-is-train": [('root="data/val"', 'root="data/train"')],
    "val-lacks-first-class": [],
    "class-in-other-case": [],
    "eleventh-class": [],
    "empty-class": [],
    "no-folders": [],
    "broken-image": [],
    "not-shuffled": [("shuffle=True", "shuffle=False")],
    "fp16-on-cpu": [('type="OptimWrapper",', 'type="AmpOptimWrapper",\n    dtype="float16",')],
    "no-gpu": "the device is chosen by MMEngine",
    "workers-negative": [("num_workers=0", "num_workers=-1")],
    "output-is-a-file": [('work_dir = "run"', 'work_dir = "taken/run"')],
    "package-missing": [('imports=["registered"]', 'imports=["registered", "vit_pytorch"]')],
}
