"""The mistakes: what each is, in words that hold for every tool."""

from __future__ import annotations

from typing import NamedTuple


class Mistake(NamedTuple):
    """A mistake; how it is made in a tool's set-up stands in `edits`."""

    category: str
    slug: str
    says: str
    remedy: str
    near: str = ""
    """A misspelt name: the right one, in any case, as a regular expression."""
    world: str = ""
    """How the data is changed, a key of `worlds.CHANGES`."""
    same: bool = False
    """Whether a tool may read it as it was meant: then the run gives the figures of the good set-up."""


_NAMES = "component names"
_PARAMETERS = "parameter names"
_VALUES = "value types and ranges"
_YAML = "YAML traps"
_TRANSFORMS = "transform order and types"
_SHAPES = "shapes"
_LOSS = "loss, target, activation"
_SCHEDULE = "scheduler and length"
_MONITOR = "monitor names"
_RULES = "rules"
_WEIGHTS = "finetune weights"
_DATA = "data and paths"
_ENVIRONMENT = "environment"

MISTAKES = [
    Mistake(_NAMES, "optimizer-misspelt", "The name of the optimizer is misspelt (SDG).", "Write SGD.", "sgd"),
    Mistake(
        _NAMES, "transform-misspelt", "The name of a transform is misspelt (Filp).", "Write Flip.", "horizontal_?flip"
    ),
    Mistake(
        _NAMES, "model-misspelt", "The name of the model is misspelt (LeNett).", "Write LeNet.", "lenet|stacked_cnn"
    ),
    Mistake(_NAMES, "loss-misspelt", "The name of the loss is misspelt (Los).", "Write Loss.", "cross_?entropy"),
    Mistake(
        _NAMES,
        "scheduler-misspelt",
        "The name of the scheduler is misspelt.",
        "Write the right one.",
        "step|exponential",
    ),
    Mistake(_NAMES, "metric-misspelt", "The name of the metric is misspelt (Acuracy).", "Write Accuracy.", "accuracy"),
    Mistake(
        _NAMES, "hook-misspelt", "The name of a hook is misspelt (EarlyStoping).", "Write Stopping.", "early_?stop"
    ),
    Mistake(
        _NAMES,
        "name-in-other-case",
        "The name of the optimizer is in the wrong case.",
        "Mind the case.",
        "sgd",
        same=True,
    ),
    Mistake(
        _NAMES, "scheduler-as-optimizer", "A scheduler stands where the optimizer belongs.", "Put an optimizer there."
    ),
    Mistake(_NAMES, "metric-as-loss", "A metric stands where the loss belongs.", "Put a loss there."),
    Mistake(
        _PARAMETERS,
        "weight-decay-misspelt",
        "The optimizer is given weigth_decay.",
        "Write weight_decay.",
        "weight_decay",
    ),
    Mistake(_PARAMETERS, "length-misspelt", "The key of the training length is misspelt.", "Write it right.", "epochs"),
    Mistake(
        _PARAMETERS,
        "batch-size-misspelt",
        "The key of the batch size is misspelt (batchsize).",
        "Write batch_size.",
        "batch_size",
    ),
    Mistake(
        _PARAMETERS,
        "step-size-misspelt",
        "A parameter of the scheduler is misspelt.",
        "Write it right.",
        "step_size|decay_rate",
    ),
    Mistake(_PARAMETERS, "section-misspelt", "A whole section is misspelt (trian...).", "Write train....", "train"),
    Mistake(
        _PARAMETERS,
        "patience-misspelt",
        "A parameter of early stopping is misspelt.",
        "Write it right.",
        "patience|early_stop",
    ),
    Mistake(
        _PARAMETERS, "parameter-of-another", "The optimizer SGD is given betas, which Adam takes.", "Leave betas out."
    ),
    Mistake(_PARAMETERS, "required-left-out", "Normalize is given no std.", "Give std."),
    Mistake(_VALUES, "lr-quoted", 'The learning rate is a quoted text ("0.02").', "Leave the quotes out.", same=True),
    Mistake(_VALUES, "bool-quoted", 'drop_last is the quoted text "false".', "Leave the quotes out.", same=True),
    Mistake(_VALUES, "lr-true", "The learning rate is true.", "Write a number."),
    Mistake(_VALUES, "lr-negative", "The learning rate is below 0.", "Use one above 0."),
    Mistake(_VALUES, "lr-nan", "The learning rate is not a number (.nan).", "Use a finite one."),
    Mistake(_VALUES, "lr-huge", "The learning rate is 1,000,000.", "Use a smaller one."),
    Mistake(_VALUES, "probability-over-one", "The probability of a flip is 1.5.", "Use one from 0 to 1."),
    Mistake(_VALUES, "reduction-unknown", "The reduction of the loss is avg.", "Use mean."),
    Mistake(_VALUES, "epochs-fractional", "The length is 2.5 epochs.", "Use a whole number."),
    Mistake(_VALUES, "epochs-zero", "The length is 0 epochs.", "Train at least one."),
    Mistake(_VALUES, "batch-size-zero", "The batch size is 0.", "Use at least 1."),
    Mistake(_VALUES, "std-zero", "Normalize divides by 0.", "Use a std above 0."),
    Mistake(
        _VALUES, "nesterov-without-momentum", "Nesterov's momentum is asked for, but no momentum.", "Set momentum."
    ),
    Mistake(_VALUES, "smoothing-over-one", "The label smoothing is 1.5.", "Use one from 0 to 1."),
    Mistake(_YAML, "key-twice", "The key of the learning rate stands twice, with two values.", "Delete one."),
    Mistake(
        _YAML,
        "bare-no",
        "A name is the bare word no, which YAML 1.1 reads as false.",
        'Write "no".',
        world="named-no",
        same=True,
    ),
    Mistake(_YAML, "indented-too-little", "A parameter of the optimizer stands a level too far left.", "Indent it."),
    Mistake(_YAML, "tab", "A line is indented by a tab.", "Use spaces."),
    Mistake(
        _YAML, "exponent-without-dot", "The learning rate is 2e-2, a text in YAML 1.1.", "Write 2.0e-2.", same=True
    ),
    Mistake(_YAML, "no-space-after-colon", "The space after a colon is missing.", "Put one."),
    Mistake(_YAML, "decimal-comma", "The learning rate is written 0,02.", "Write 0.02."),
    Mistake(_YAML, "bracket-open", "A bracket of a list is not closed.", "Close it."),
    Mistake(
        _YAML, "empty-component", "The optimizer's key is there, but nothing stands under it.", "Name an optimizer."
    ),
    Mistake(_YAML, "unknown-alias", "An alias (*mean) has no anchor.", "Define it."),
    Mistake(_YAML, "unknown-variable", "A variable (${rate}) is not defined.", "Define it."),
    Mistake(_YAML, "leading-zero", "The batch size is written 032, which is 26 in YAML 1.1.", "Write 32.", same=True),
    Mistake(_TRANSFORMS, "to-tensor-twice", "ToTensor stands twice.", "Remove one."),
    Mistake(_TRANSFORMS, "crop-over-image", "A crop of 32 is larger than the image (28).", "Crop 28, or pad."),
    Mistake(_TRANSFORMS, "no-to-tensor", "Nothing makes the image a tensor.", "Add ToTensor."),
    Mistake(_TRANSFORMS, "normalize-before-to-tensor", "Normalize stands before ToTensor.", "Swap them."),
    Mistake(_TRANSFORMS, "to-pil-last", "The last transform makes a Pillow image of the tensor.", "Remove it."),
    Mistake(_TRANSFORMS, "normalize-twice", "Normalize stands twice.", "Remove one."),
    Mistake(_TRANSFORMS, "normalize-three-values", "Normalize has 3 means, the image 1 channel.", "Give 1 mean."),
    Mistake(
        _TRANSFORMS,
        "normalize-broadcasts",
        "Grey images, 3 means and a model of 3 channels.",
        "Give 1 mean, 1 channel.",
    ),
    Mistake(_TRANSFORMS, "mean-of-255", "Mean and std are for 0 to 255, the image has 0 to 1.", "Divide them by 255."),
    Mistake(
        _TRANSFORMS,
        "val-not-normalized",
        "Training images are normalized, validation images are not.",
        "Normalize both.",
    ),
    Mistake(_SHAPES, "channels", "The model takes 3 channels, the images have 1.", "Set in_channels to 1.", same=True),
    Mistake(_SHAPES, "too-many-outputs", "The model has 100 outputs, the data 10 classes.", "Set num_classes to 10."),
    Mistake(_SHAPES, "too-few-outputs", "The model has 5 outputs, the data 10 classes.", "Set num_classes to 10."),
    Mistake(
        _SHAPES, "size-of-model", "The model is made for 32 x 32, the images are 28 x 28.", "Set size to 28.", same=True
    ),
    Mistake(
        _SHAPES, "val-of-other-size", "Validation images are resized to 32, training images are not.", "Resize neither."
    ),
    Mistake(
        _SHAPES, "image-too-small", "Images are resized to 4 x 4, which the model pools away.", "Leave them larger."
    ),
    Mistake(_SHAPES, "unequal-sizes", "Images of two sizes, and no resize.", "Resize them.", world="unequal-sizes"),
    Mistake(
        _SHAPES, "oblong-images", "Images are 28 x 42, the model is made for 28 x 28.", "Resize them.", world="oblong"
    ),
    Mistake(_LOSS, "nll-on-logits", "NLLLoss on a model that gives logits.", "Use CrossEntropyLoss.", same=True),
    Mistake(_LOSS, "mixup-with-nll", "MixUp makes soft targets, NLLLoss takes class numbers.", "Use CrossEntropyLoss."),
    Mistake(
        _LOSS, "softmax-then-cross-entropy", "The model ends in Softmax, the loss is CrossEntropyLoss.", "Drop Softmax."
    ),
    Mistake(
        _LOSS, "sigmoid-then-cross-entropy", "The model ends in Sigmoid, the loss is CrossEntropyLoss.", "Drop Sigmoid."
    ),
    Mistake(_LOSS, "bce-on-class-numbers", "BCEWithLogitsLoss on class numbers.", "Use CrossEntropyLoss."),
    Mistake(_LOSS, "mse-on-class-numbers", "MSELoss on class numbers.", "Use CrossEntropyLoss."),
    Mistake(_LOSS, "kl-div-on-class-numbers", "KLDivLoss on class numbers.", "Use CrossEntropyLoss."),
    Mistake(_LOSS, "class-weights-too-few", "The loss has 3 class weights for 10 classes.", "Give 10."),
    Mistake(_LOSS, "margin-power-three", "MultiMarginLoss has p 3; there are 1 and 2.", "Use 1 or 2."),
    Mistake(
        _SCHEDULE,
        "milestones-after-end",
        "All milestones ([30, 60]) lie after the end (2 epochs).",
        "Use earlier ones.",
    ),
    Mistake(_SCHEDULE, "step-size-after-end", "The rate falls every 30 epochs, the run has 2.", "Use a smaller step."),
    Mistake(_SCHEDULE, "cosine-over-run", "The cosine takes 100 epochs, the run has 2.", "Take 2."),
    Mistake(_SCHEDULE, "warmup-over-run", "The warm-up takes 50 epochs, the run has 2.", "Shorten it."),
    Mistake(_SCHEDULE, "one-cycle-too-short", "OneCycleLR has 4 steps, the run 12.", "Give it 12."),
    Mistake(
        _SCHEDULE, "plateau-misspelt", "ReduceLROnPlateau watches val_lss.", "Watch val_loss.", "val(_|/)?loss|\\bloss"
    ),
    Mistake(_SCHEDULE, "plateau-factor", "ReduceLROnPlateau multiplies by 1.5.", "Use a factor below 1."),
    Mistake(_SCHEDULE, "plateau-mode", "ReduceLROnPlateau wants the loss to rise (mode max).", "Use min."),
    Mistake(
        _MONITOR,
        "early-stopping-misspelt",
        "Early stopping watches val_los.",
        "Watch val_loss.",
        "val(_|/)?loss|\\bloss",
    ),
    Mistake(_MONITOR, "early-stopping-mode", "Early stopping wants the loss to rise.", "Use min."),
    Mistake(_MONITOR, "best-misspelt", "The best checkpoint is chosen by val_acuracy.", "Write accuracy.", "accuracy"),
    Mistake(_MONITOR, "best-mode", "The best checkpoint is that of the lowest accuracy.", "Use max."),
    Mistake(
        _MONITOR, "patience-over-run", "Early stopping waits for 50 evaluations, the run has 2.", "Wait for fewer."
    ),
    Mistake(
        _RULES, "group-matches-nothing", "The pattern of a parameter group matches no parameter.", "Use one that does."
    ),
    Mistake(_RULES, "group-pattern-invalid", "The pattern of a parameter group is '('.", "Write a regular expression."),
    Mistake(_RULES, "group-option-misspelt", "A parameter group sets lrr.", "Write lr.", "\\blr"),
    Mistake(_RULES, "freeze-matches-nothing", "The pattern of frozen parameters matches none.", "Use one that does."),
    Mistake(_RULES, "freeze-everything", "All parameters are frozen.", "Freeze fewer."),
    Mistake(
        _RULES,
        "init-matches-nothing",
        "A rule for first values names a class that no module has.",
        "Name one that has.",
    ),
    Mistake(_RULES, "init-misspelt", "The scheme of first values is misspelt (kaimng).", "Write kaiming.", "kaiming"),
    Mistake(
        _WEIGHTS, "weights-fit-nothing", "No name in the weights file fits, loaded with strict off.", "Map the names."
    ),
    Mistake(_WEIGHTS, "weights-missing", "The weights file does not exist.", "Correct the path."),
    Mistake(_WEIGHTS, "weights-of-other-head", "The weights are of a model with 100 classes.", "Leave the head out."),
    Mistake(_WEIGHTS, "weights-with-prefix", "Each name in the weights file starts with model.", "Strip the prefix."),
    Mistake(_WEIGHTS, "weights-are-text", "The weights file is a text file.", "Name the right file."),
    Mistake(_DATA, "folder-missing", "The data folder does not exist.", "Correct the path."),
    Mistake(
        _DATA, "batch-over-data", "A batch is larger than the data, drop_last is on: no batch.", "Use smaller batches."
    ),
    Mistake(_DATA, "val-is-train", "The validation data is the training data.", "Hold data out."),
    Mistake(
        _DATA,
        "val-lacks-first-class",
        "The validation folder lacks the first class.",
        "Add its folder.",
        world="val-lacks-first-class",
    ),
    Mistake(
        _DATA,
        "class-in-other-case",
        "A class folder is class9 in train, Class9 in val.",
        "Rename it.",
        world="renamed-class",
    ),
    Mistake(
        _DATA,
        "eleventh-class",
        "A folder of rejected images stands among the classes.",
        "Move it.",
        world="eleventh-class",
    ),
    Mistake(_DATA, "empty-class", "A class folder is empty.", "Fill or remove it.", world="empty-class"),
    Mistake(
        _DATA,
        "no-folders",
        "The images stand beside each other, not in class folders.",
        "Sort them.",
        world="no-folders",
    ),
    Mistake(_DATA, "broken-image", "An image file is cut off.", "Replace it.", world="broken-image"),
    Mistake(_DATA, "not-shuffled", "Training data, sorted by class, is not shuffled.", "Shuffle it."),
    Mistake(_ENVIRONMENT, "fp16-on-cpu", "fp16 is asked for on the CPU.", "Use fp32 or bf16."),
    Mistake(_ENVIRONMENT, "no-gpu", "A GPU is asked for where there is none.", "Use the CPU."),
    Mistake(_ENVIRONMENT, "workers-negative", "There are to be -1 loader processes.", "Use 0 or more."),
    Mistake(_ENVIRONMENT, "output-is-a-file", "A file stands in the path of the output folder.", "Choose another."),
    Mistake(_ENVIRONMENT, "package-missing", "What is named needs a package that is not installed.", "Install it."),
]
