"""Hooks that write to TensorBoard: all of a run write into one event file, in ``tensorboard/`` of the run directory."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Every, Hook, Interval, RunFacts, written_shape
from registry_core.components.forms import TargetForm, words
from registry_core.components.types import NonNegativeInt, PositiveFloat, PositiveInt
from registry_core.errors import near

if TYPE_CHECKING:
    from torch import nn

_EXTRA = "registry-core[tensorboard]"
_OBJECTS = "registry_builtin.objects"
_EVERY = "How often it is drawn, besides once before the first step."
_SECTION = "The data section whose samples are shown."
_COUNT = "How many samples are shown, from sample 0 on."

Section = Literal["train", "val", "test"]


class TensorBoard(Hook):
    """Write metrics and learning rates as scalars, with charts of several, and the pipeline as text.

    Every metric of every row, and the learning rate of every parameter group (`lr`, `lr/1`, ...), is a scalar. A chart
    shows several of them as lines; each line is a TensorBoard run of its own, as with `add_scalars`. The text
    `pipeline` is the resolved pipeline as YAML; the hyperparameters are its values outside of `hooks` and of the data's
    `dataset` and `transforms`, under dotted names, with all metrics of the run. A resumed run purges what lies after
    its start, so that every step stands once. Source: tensorboardX.SummaryWriter.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard:TensorBoard"
    told_apart_by: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[Mapping[str, Any]] = {"charts": {"loss": ["train/loss", "val/loss"]}, "export": True}

    charts: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default={}, description="Charts of several scalars: title to the names of the scalars."
    )
    text: bool = Field(default=True, description="Write the resolved pipeline as text.")
    hparams: bool = Field(default=True, description="Write the hyperparameters, for comparing runs.")
    export: bool = Field(
        default=False,
        description="Write all scalars to scalars.json too, when the run ends: for each name [time, step, value].",
    )

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if a chart names what is not measured, or has a title that is no folder's name."""
        for title, names in self.charts.items():
            if not re.fullmatch(r"[\w.-]+", title) or title.startswith("."):
                message = f"The chart {title!r} has a title with other signs than letters, digits, `_`, `-` and `.`."
                raise CheckFailed(message, "Change its title.")
            for name in names:
                if name not in facts.measured and not re.fullmatch(r"lr(/[1-9][0-9]*)?", name):
                    message = f"The chart {title!r} names {name!r}, which this run does not measure."
                    raise CheckFailed(message, near(name, (*facts.measured, "lr")))


class TensorBoardHistograms(Hook):
    """Draw histograms of the weights and of the gradients, one of each for every parameter.

    Weights are as they are after the step; gradients are those of the step, accumulated and clipped, before the
    optimizer sees them. Values that are not finite are left out. Source: tensorboardX.SummaryWriter.add_histogram.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_network:Histograms"

    weights: bool = Field(default=True, description="Draw the weights.")
    gradients: bool = Field(default=True, description="Draw the gradients.")
    every: Interval = Field(default=Every(1, "epoch"), description=_EVERY)

    @model_validator(mode="after")
    def _draws_something(self) -> Self:
        if not self.weights and not self.gradients:
            raise ValueError("neither `weights` nor `gradients` are drawn; set one to true, or remove the hook")
        return self


class TensorBoardGraph(Hook):
    """Draw the graph of the model's operations, once.

    The model is traced in evaluation mode with the first validation sample, or training sample where there is none.
    Source: tensorboardX.SummaryWriter.add_graph, which uses torch.utils.tensorboard.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_network:Graph"
    needs: ClassVar[Mapping[str, str]] = {"tensorboard": _EXTRA}


class _OfSamples(Hook):
    """What has a section of the data."""

    section: Section = Field(default="val", description=_SECTION)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such section, sample or entry."""
        if self.section not in facts.sections:
            message = f"The hook {self.name!r} shows data.{self.section}, which this pipeline does not have."
            raise CheckFailed(message, f"Set section to {' or '.join(facts.sections)}.")
        length, index = facts.sections[self.section].length, getattr(self, "index", 0)
        if length is not None and index >= length:
            message = f"The hook {self.name!r} shows sample {index}, but data.{self.section} has {length} samples."
            raise CheckFailed(message, f"Set index to less than {length}.")
        entries, wanted = facts.sections[self.section].entries, self._entry()
        if entries is not None and wanted is not None and wanted not in entries:
            message = f"The hook {self.name!r} shows the entry {wanted!r}, which data.{self.section} does not have."
            raise CheckFailed(message, near(wanted, entries))

    def _entry(self) -> str | None:
        """The entry of a sample that it cannot do without."""
        return None


class TensorBoardEmbedding(_OfSamples):
    """Draw samples as points in the projector, with thumbnails and class names.

    A point is what the model, or one of its layers, gives for the sample, flattened. Thumbnails are the samples after
    their transforms, with `normalize` undone, on a square. Source: tensorboardX.SummaryWriter.add_embedding.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_network:Embedding"
    example: ClassVar[Mapping[str, Any]] = {"count": 64, "every": "5 epochs"}

    layer: str | None = Field(default=None, description="Name of the module, such as fc2; null for the model's output.")
    count: PositiveInt = Field(default=256, description=_COUNT)
    every: Interval = Field(default=Every(1, "epoch"), description=_EVERY)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such section, sample, entry or layer."""
        super().check(facts)
        if self.layer is not None:
            _check_layer(self.name, self.layer, facts.parts)

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model has no such layer."""
        if self.layer is not None:
            _find_layer(self.name, self.layer, model)


class TensorBoardImages(_OfSamples):
    """Draw a grid of samples as the model is given them in the epoch under way, so that augmentations can be seen.

    `normalize` is undone for the eye; pixels outside 0 to 1 are then stretched to it. Pixels are enlarged without
    smoothing to sides of 64 or more. Source: tensorboardX.SummaryWriter.add_image.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_images:Images"

    section: Section = Field(default="train", description=_SECTION)
    count: PositiveInt = Field(default=16, description=_COUNT)
    every: Interval = Field(default=Every(1, "epoch"), description=_EVERY)


class TensorBoardVideo(_OfSamples):
    """Draw one sample through its random transforms as a video, one frame an epoch, once.

    Frames are drawn as by `tensorboard_images`; the video is an animated GIF. What an epoch does to a sample is known
    before it, so the whole video stands at the start of the run. Source: the summary of
    tensorboardX.SummaryWriter.add_video, with frames that Pillow writes.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_images:Video"

    section: Section = Field(default="train", description=_SECTION)
    index: NonNegativeInt = Field(default=0, description="Number of the sample, from 0.")
    frames: PositiveInt = Field(default=16, description="How many epochs are shown.")
    fps: PositiveInt = Field(default=4, le=50, description="Frames a second.")


class TensorBoardBoxes(_OfSamples):
    """Draw samples with their bounding boxes.

    A sample has boxes [n, 4] in pixels: torchvision tv_tensors.BoundingBoxes of any format, or a tensor of left, top,
    right, bottom. Class numbers in `labels` (one for each box), or in `target` for a single box, are written as class
    names. Source: tensorboardX.SummaryWriter.add_image_with_boxes.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_images:Boxes"

    boxes: str = Field(default="boxes", description="The entry of a sample that has its boxes.")
    labels: str = Field(default="labels", description="The entry that has their class numbers, if there is one.")
    count: PositiveInt = Field(default=4, description=_COUNT)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such section or entry, or if the entry is known to have no boxes."""
        super().check(facts)
        known = facts.sections[self.section]
        if self.boxes == "input" or (known.boxes and self.boxes not in known.boxes):
            message = f"The hook {self.name!r} draws boxes, and the entry {self.boxes!r} has none."
            raise CheckFailed(message, near(self.boxes, known.boxes))

    def _entry(self) -> str:
        return self.boxes


class TensorBoardKernels(Hook):
    """Draw the kernels of a convolution.

    Each row of the grid is an output channel, each column an input channel; with three input channels a kernel is one
    picture in colour. The smallest weight of all is black, the largest white. At most 256 kernels are drawn. Source:
    tensorboardX.SummaryWriter.add_image.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_images:Kernels"

    layer: str | None = Field(default=None, description="Name of the module; null for the first 2-D convolution.")
    every: Interval = Field(default=Every(1, "epoch"), description=_EVERY)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such layer."""
        if self.layer is not None:
            _check_layer(self.name, self.layer, facts.parts)

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model has no such layer, or if that has no kernels in two dimensions."""
        named = dict(model.named_modules())
        convolutions = [name for name, module in named.items() if _has_kernels(module)]
        if not convolutions:
            raise CheckFailed(f"The hook {self.name!r} draws kernels, and this model has no 2-D convolution.")
        if self.layer is not None:
            layer = _find_layer(self.name, self.layer, model)
            if not _has_kernels(layer):
                message = f"The hook {self.name!r} draws kernels, but {self.layer!r} is a {type(layer).__name__}."
                raise CheckFailed(message, near(self.layer, convolutions))


class TensorBoardFeatureMaps(_OfSamples):
    """Draw what a layer gives for one sample, a tile for each channel.

    The layer gives [1, channels, height, width]. The smallest value of all is black, the largest white. Source:
    tensorboardX.SummaryWriter.add_image.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_images:FeatureMaps"
    example: ClassVar[Mapping[str, Any]] = {"layer": "conv1"}

    layer: str = Field(description="Name of the module, such as conv1 or layer1.0.conv2.")
    index: NonNegativeInt = Field(default=0, description="Number of the sample, from 0.")
    every: Interval = Field(default=Every(1, "epoch"), description=_EVERY)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such section, sample, entry or layer, or if the layer gives no image."""
        super().check(facts)
        _check_layer(self.name, self.layer, facts.parts)
        shape = facts.parts.get(self.layer)
        if shape is not None and len(shape) != 3:
            message = f"The hook {self.name!r} draws images, and the layer {self.layer!r} gives {written_shape(shape)}."
            images = [name for name, each in facts.parts.items() if each is not None and len(each) == 3]
            raise CheckFailed(message, near(self.layer, images))

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model has no such layer."""
        _find_layer(self.name, self.layer, model)


class _OfEvaluation(Hook):
    """What is drawn at every evaluation."""

    _targets: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "class_maps")

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the run does not evaluate, or if its outputs and targets are not those of classes."""
        if not facts.evaluates:
            remedy = "Add data.val, and leave train.evaluate_every at its default."
            raise CheckFailed(f"The hook {self.name!r} draws evaluations, and this run has none.", remedy)
        if facts.target_form not in (*self._targets, "any"):
            message = (
                f"The hook {self.name!r} is for {words(self._targets[0])} as targets, not {words(facts.target_form)}."
            )
            raise CheckFailed(message, "Remove the hook.")
        if "output" not in facts.gives:
            message = (
                f"The hook {self.name!r} is for models that give 'output', and this one gives {', '.join(facts.gives)}."
            )
            raise CheckFailed(message, "Remove the hook.")
        if facts.emits in ("embeddings", "values"):
            message = f"The hook {self.name!r} is for models of classes, and this one emits {facts.emits}."
            raise CheckFailed(message, "Remove the hook.")
        classes = facts.sections["val"].classes
        if None not in (facts.outputs, classes) and facts.outputs != classes:
            message = f"The hook {self.name!r} is for an output a class, but the model has {facts.outputs} outputs"
            raise CheckFailed(f"{message}, and data.val has {classes} classes.", "Remove the hook.")


class TensorBoardConfusionMatrix(_OfEvaluation):
    """Draw the confusion matrix of every evaluation: rows are true classes, columns what the model says.

    Output: logits or probabilities [batch, classes, ...]; target: class numbers [batch, ...]; those below 0 are left
    out. Numbers are written into matrices of up to 20 classes. Source: tensorboardX.SummaryWriter.add_figure.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_evaluation:ConfusionMatrix"
    needs: ClassVar[Mapping[str, str]] = {"matplotlib": _EXTRA}

    normalize: bool = Field(default=False, description="Show shares of each true class, 0 to 1, instead of counts.")


class TensorBoardPrCurve(_OfEvaluation):
    """Draw precision and recall of every class over all thresholds, at every evaluation.

    Output: logits, log-probabilities or probabilities [batch, classes]; target: class numbers [batch], those below 0
    left out, or multi-hot [batch, classes], for which logits go through a sigmoid instead of a softmax. Source:
    tensorboardX.SummaryWriter.add_pr_curve and add_pr_curve_raw.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_evaluation:PrCurve"
    _targets: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "multi_hot")

    raw: bool = Field(
        default=False,
        description="Count by threshold on the device, batch by batch, instead of keeping all scores; the same curves.",
    )
    thresholds: int = Field(default=127, ge=2, le=127, description="Number of thresholds, evenly from 0 to 1.")


class TensorBoardMesh(_OfSamples):
    """Draw one sample as a surface in three dimensions, once.

    If the sample has `vertices` [n, 3], and perhaps `faces` [m, 3] (numbers of vertices) and `colors` [n, 3] (0 to
    255), these are drawn. Otherwise its image is drawn as a field of heights: a vertex for each pixel, one unit apart,
    bright pixels high. Source: tensorboardX.SummaryWriter.add_mesh.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_samples:Mesh"

    index: NonNegativeInt = Field(default=0, description="Number of the sample, from 0.")
    height: PositiveFloat = Field(default=0.25, description="Height of a white pixel, as a share of the longer side.")


class TensorBoardAudio(_OfSamples):
    """Write the sound of samples, once.

    A sample has sound [channels, time] or [time], with one or two channels, float, -1 to 1, and its rate in the entry
    `sample_rate`, unless the parameter gives it. Source: tensorboardX.SummaryWriter.add_audio.
    """

    target: ClassVar[str] = f"{_OBJECTS}.tensorboard_samples:Audio"
    needs: ClassVar[Mapping[str, str]] = {"soundfile": _EXTRA}

    audio: str = Field(default="audio", description="The entry of a sample that has its sound.")
    sample_rate: PositiveInt | None = Field(
        default=None, description="Values a second, in Hz; null for the sample's entry sample_rate."
    )
    count: PositiveInt = Field(default=4, description=_COUNT)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such section or entry, or no sample rate."""
        super().check(facts)
        entries = facts.sections[self.section].entries
        if self.sample_rate is None and entries is not None and "sample_rate" not in entries:
            message = f"The hook {self.name!r} needs a sample rate, and data.{self.section} has no entry sample_rate."
            raise CheckFailed(message, "Set sample_rate.")

    def _entry(self) -> str:
        return self.audio


def _check_layer(hook: str, layer: str, known: Collection[str]) -> None:
    """Raise CheckFailed if the parts of a model are known, and none has this name, contains it, or is inside of it."""
    parts = {name[: len(name) - len(rest)] for name in known for rest in _endings(name)}
    if known and layer not in parts and not any(layer.startswith(f"{name}.") for name in known):
        raise CheckFailed(
            f"The hook {hook!r} names the layer {layer!r}, which the model does not have.", near(layer, known)
        )


def _endings(name: str) -> list[str]:
    """What may be cut off a dotted name to leave another."""
    return [name[place:] for place, sign in enumerate(name) if sign == "."] + [""]


def _find_layer(hook: str, layer: str, model: nn.Module) -> nn.Module:
    named: dict[str, nn.Module] = {name: module for name, module in model.named_modules() if name}
    if layer not in named:
        raise CheckFailed(
            f"The hook {hook!r} names the layer {layer!r}, which the model does not have.", near(layer, named)
        )
    return named[layer]


def _has_kernels(module: nn.Module) -> bool:
    return "Conv" in type(module).__name__ and getattr(getattr(module, "weight", None), "ndim", 0) == 4
