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
    """Show samples as points in the embedding projector, with thumbnails and class names.

    A point is the flattened output of the model, or of one of its layers, for the sample. Thumbnails are the samples
    after their transforms, with `normalize` reversed, on a square. Source: tensorboardX.SummaryWriter.add_embedding.
    """

    target = f"{OBJECTS}.tensorboard_network:Embedding"
    example: ClassVar[Mapping[str, Any]] = {"count": 64, "every": "5 epochs"}

    layer: str | None = Field(default=None, description="Name of the module, such as fc2; null for the model's output.")
    count: PositiveInt = Field(default=256, description=COUNT)
    every: Interval = Field(default=Every(1, "epoch"), description=EVERY)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the section, sample, entry or layer does not exist."""
        super().check(facts)
        if self.layer is not None:
            _check_layer(self.name, self.layer, facts.layers)

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model does not have the layer."""
        if self.layer is not None:
            _find_layer(self.name, self.layer, model)


class TensorBoardImages(OfSamples):
    """Show a grid of samples as the model receives them in the current epoch, including augmentations.

    `normalize` is reversed for display; images with values outside 0 to 1 are then rescaled to that range. Pixels are
    enlarged without smoothing to sides of at least 64. Source: tensorboardX.SummaryWriter.add_image.
    """

    target = f"{OBJECTS}.tensorboard_images:Images"

    section: Section = Field(default="train", description=SECTION)
    count: PositiveInt = Field(default=16, description=COUNT)
    every: Interval = Field(default=Every(1, "epoch"), description=EVERY)


class TensorBoardVideo(OfSamples):
    """Show the random transforms of one sample as a video with one frame per epoch, once.

    Frames are rendered as by `tensorboard_images`; the video is an animated GIF. The transforms of all epochs are known
    in advance, so the whole video is written at the start of the run. Source: the summary of
    tensorboardX.SummaryWriter.add_video, with frames encoded by Pillow.
    """

    target = f"{OBJECTS}.tensorboard_images:Video"

    section: Section = Field(default="train", description=SECTION)
    index: NonNegativeInt = Field(default=0, description="Index of the sample, from 0.")
    frames: PositiveInt = Field(default=16, description="Number of epochs to show.")
    fps: PositiveInt = Field(default=4, le=50, description="Frames per second.")


class TensorBoardBoxes(OfSamples):
    """Show samples with their bounding boxes.

    A sample has boxes [n, 4] in pixels: torchvision tv_tensors.BoundingBoxes of any format, or a tensor of left, top,
    right, bottom. Class indices in `labels` (one per box), or in `target` for a single box, are shown as class names.
    Source: tensorboardX.SummaryWriter.add_image_with_boxes.
    """

    target = f"{OBJECTS}.tensorboard_images:Boxes"

    boxes: str = Field(default="boxes", description="Entry of a sample that contains its boxes.")
    labels: str = Field(default="labels", description="Entry that contains their class indices, if it exists.")
    count: PositiveInt = Field(default=4, description=COUNT)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the section or entry does not exist, or the entry is known not to contain boxes."""
        super().check(facts)
        known = facts.sections[self.section]
        if self.boxes == "input" or (known.boxes and self.boxes not in known.boxes):
            message = f"The hook {self.name!r} requires boxes, but the entry {self.boxes!r} contains none."
            raise CheckFailed(message, near(self.boxes, known.boxes))

    def _entry(self) -> str:
        return self.boxes


class TensorBoardMesh(OfSamples):
    """Show one sample as a three-dimensional surface, once.

    If the sample has `vertices` [n, 3], and optionally `faces` [m, 3] (indices of vertices) and `colors` [n, 3] (0 to
    255), these are shown. Otherwise its image is shown as a height map: one vertex per pixel, one unit apart, with
    bright pixels high. Source: tensorboardX.SummaryWriter.add_mesh.
    """

    target = f"{OBJECTS}.tensorboard_samples:Mesh"

    index: NonNegativeInt = Field(default=0, description="Index of the sample, from 0.")
    height: PositiveFloat = Field(
        default=0.25, description="Height of a white pixel, as a fraction of the longer side."
    )


class TensorBoardAudio(OfSamples):
    """Write the audio of samples, once.

    A sample has audio [channels, time] or [time], with one or two channels, float, -1 to 1, and its sample rate in the
    entry `sample_rate`, unless the parameter is set. Source: tensorboardX.SummaryWriter.add_audio.
    """

    target = f"{OBJECTS}.tensorboard_samples:Audio"
    requirements: ClassVar[Mapping[str, str]] = {"soundfile": EXTRA}

    audio: str = Field(default="audio", description="Entry of a sample that contains its audio.")
    sample_rate: PositiveInt | None = Field(
        default=None, description="Sample rate in Hz; null for the sample's entry sample_rate."
    )
    count: PositiveInt = Field(default=4, description=COUNT)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the section or entry does not exist, or there is no sample rate."""
        super().check(facts)
        entries = facts.sections[self.section].entries
        if self.sample_rate is None and entries is not None and "sample_rate" not in entries:
            message = (
                f"The hook {self.name!r} requires a sample rate, but data.{self.section} has no entry sample_rate."
            )
            raise CheckFailed(message, "Set sample_rate.")

    def _entry(self) -> str:
        return self.audio
