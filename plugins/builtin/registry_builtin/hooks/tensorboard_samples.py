"""Hooks that show samples in TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from registry_core.components import CheckFailed, Every, Interval, RunFacts
from registry_core.components.types import NonNegativeInt, PositiveFloat, PositiveInt
from registry_core.diagnostics import near

if TYPE_CHECKING:
    from torch import nn
from registry_builtin.hooks.tensorboard_network import _check_layer, _find_layer
from registry_builtin.hooks.tensorboard_parts import COUNT, EVERY, EXTRA, OBJECTS, SECTION, OfSamples, Section


class TensorBoardEmbedding(OfSamples):
    """Draw samples as points in the projector, with thumbnails and class names.

    A point is what the model, or one of its layers, gives for the sample, flattened. Thumbnails are the samples after
    their transforms, with `normalize` undone, on a square. Source: tensorboardX.SummaryWriter.add_embedding.
    """

    target = f"{OBJECTS}.tensorboard_network:Embedding"
    example: ClassVar[Mapping[str, Any]] = {"count": 64, "every": "5 epochs"}

    layer: str | None = Field(default=None, description="Name of the module, such as fc2; null for the model's output.")
    count: PositiveInt = Field(default=256, description=COUNT)
    every: Interval = Field(default=Every(1, "epoch"), description=EVERY)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such section, sample, entry or layer."""
        super().check(facts)
        if self.layer is not None:
            _check_layer(self.name, self.layer, facts.layers)

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model has no such layer."""
        if self.layer is not None:
            _find_layer(self.name, self.layer, model)


class TensorBoardImages(OfSamples):
    """Draw a grid of samples as the model is given them in the epoch under way, so that augmentations can be seen.

    `normalize` is undone for the eye; pixels outside 0 to 1 are then stretched to it. Pixels are enlarged without
    smoothing to sides of 64 or more. Source: tensorboardX.SummaryWriter.add_image.
    """

    target = f"{OBJECTS}.tensorboard_images:Images"

    section: Section = Field(default="train", description=SECTION)
    count: PositiveInt = Field(default=16, description=COUNT)
    every: Interval = Field(default=Every(1, "epoch"), description=EVERY)


class TensorBoardVideo(OfSamples):
    """Draw one sample through its random transforms as a video, one frame an epoch, once.

    Frames are drawn as by `tensorboard_images`; the video is an animated GIF. What an epoch does to a sample is known
    before it, so the whole video stands at the start of the run. Source: the summary of
    tensorboardX.SummaryWriter.add_video, with frames that Pillow writes.
    """

    target = f"{OBJECTS}.tensorboard_images:Video"

    section: Section = Field(default="train", description=SECTION)
    index: NonNegativeInt = Field(default=0, description="Number of the sample, from 0.")
    frames: PositiveInt = Field(default=16, description="How many epochs are shown.")
    fps: PositiveInt = Field(default=4, le=50, description="Frames a second.")


class TensorBoardBoxes(OfSamples):
    """Draw samples with their bounding boxes.

    A sample has boxes [n, 4] in pixels: torchvision tv_tensors.BoundingBoxes of any format, or a tensor of left, top,
    right, bottom. Class numbers in `labels` (one for each box), or in `target` for a single box, are written as class
    names. Source: tensorboardX.SummaryWriter.add_image_with_boxes.
    """

    target = f"{OBJECTS}.tensorboard_images:Boxes"

    boxes: str = Field(default="boxes", description="The entry of a sample that has its boxes.")
    labels: str = Field(default="labels", description="The entry that has their class numbers, if there is one.")
    count: PositiveInt = Field(default=4, description=COUNT)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such section or entry, or if the entry is known to have no boxes."""
        super().check(facts)
        known = facts.sections[self.section]
        if self.boxes == "input" or (known.boxes and self.boxes not in known.boxes):
            message = f"The hook {self.name!r} draws boxes, and the entry {self.boxes!r} has none."
            raise CheckFailed(message, near(self.boxes, known.boxes))

    def _entry(self) -> str:
        return self.boxes


class TensorBoardMesh(OfSamples):
    """Draw one sample as a surface in three dimensions, once.

    If the sample has `vertices` [n, 3], and perhaps `faces` [m, 3] (numbers of vertices) and `colors` [n, 3] (0 to
    255), these are drawn. Otherwise its image is drawn as a field of heights: a vertex for each pixel, one unit apart,
    bright pixels high. Source: tensorboardX.SummaryWriter.add_mesh.
    """

    target = f"{OBJECTS}.tensorboard_samples:Mesh"

    index: NonNegativeInt = Field(default=0, description="Number of the sample, from 0.")
    height: PositiveFloat = Field(default=0.25, description="Height of a white pixel, as a share of the longer side.")


class TensorBoardAudio(OfSamples):
    """Write the sound of samples, once.

    A sample has sound [channels, time] or [time], with one or two channels, float, -1 to 1, and its rate in the entry
    `sample_rate`, unless the parameter gives it. Source: tensorboardX.SummaryWriter.add_audio.
    """

    target = f"{OBJECTS}.tensorboard_samples:Audio"
    requirements: ClassVar[Mapping[str, str]] = {"soundfile": EXTRA}

    audio: str = Field(default="audio", description="The entry of a sample that has its sound.")
    sample_rate: PositiveInt | None = Field(
        default=None, description="Values a second, in Hz; null for the sample's entry sample_rate."
    )
    count: PositiveInt = Field(default=4, description=COUNT)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such section or entry, or no sample rate."""
        super().check(facts)
        entries = facts.sections[self.section].entries
        if self.sample_rate is None and entries is not None and "sample_rate" not in entries:
            message = f"The hook {self.name!r} needs a sample rate, and data.{self.section} has no entry sample_rate."
            raise CheckFailed(message, "Set sample_rate.")

    def _entry(self) -> str:
        return self.audio
