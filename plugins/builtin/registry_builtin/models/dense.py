"""Models with an output for every pixel, or for every column of the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.models.classifiers import check_channels, check_exact_size, write_size
from registry_builtin.models.small_networks import line_reader, u_net
from registry_core.components import CheckFailed, ExampleTensor, Image, Model, Modules, Shape
from registry_core.components.forms import OutputForm
from registry_core.components.types import PositiveInt, Size

_CHANNELS = "Channels of the images: 1 for gray, 3 for colours."


class UNet(Model):
    """A network that tells the class of every pixel, from fine and coarse features of the image.

    Input: float images [batch, in_channels, height, width], both sides divisible by 2 ** `depth`; output: logits
    [batch, num_classes, height, width]. `depth` times two convolutions and 2 x 2 max pooling, two convolutions, then
    `depth` times a transposed convolution, the features of the same size from the way down, and two convolutions.
    Unlike the paper's, convolutions are padded and followed by batch normalization. Source: Ronneberger et al.,
    "U-Net: Convolutional networks for biomedical image segmentation", MICCAI 2015.
    """

    target = "registry_builtin.objects.dense:UNet"
    output_form: ClassVar[OutputForm] = "logits"

    in_channels: PositiveInt = Field(default=1, description=_CHANNELS)
    num_classes: PositiveInt = Field(default=2, description="How many classes of pixels it tells apart.")
    width: PositiveInt = Field(default=16, description="Features at full size; they double with each halving.")
    depth: Annotated[int, Field(ge=1, le=6)] = Field(default=2, description="How often the size is halved.")

    def modules(self) -> Modules | None:
        """The convolutions on the way down and up."""
        return u_net(self.in_channels, self.num_classes, self.width, self.depth)

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the channels differ, or a side cannot be halved so often."""
        check_channels(self.name, self.in_channels, image)
        step = 2**self.depth
        for name, side in (("height", image.height), ("width", image.width)):
            if side is not None and side % step:
                message = f"The model {self.name!r} halves images {self.depth} times, and their {name} is {side}."
                raise CheckFailed(message, f"Pad or resize to a multiple of {step}, or set a smaller depth.")

    def check_batch(self, samples: int, image: Image | None) -> None:
        """Raise CheckFailed for a single image that is halved to one pixel, of which there is no variance."""
        step = 2**self.depth
        if samples == 1 and image is not None and image.height == image.width == step:
            message = f"The model {self.name!r} halves an image of {step} x {step} to one pixel, and normalizes it."
            raise CheckFailed(message, "Use larger batches or images, or set a smaller depth.")

    def output_shape(self) -> Shape:
        """Logits for each pixel."""
        return (self.num_classes, None, None)


class CRNN(Model):
    """A network that reads a line: convolutions, then a recurrent layer in both directions over the columns.

    Input: float images [batch, in_channels, height, width] of `size`; output: logits [batch, width // 4, num_classes],
    one for every 4 columns of the image, class 0 being the blank. Two 3 x 3 convolutions to `features` and twice as
    many, each with batch normalization, rectifier and 2 x 2 max pooling; `ctc` needs more columns than there are
    labels. Source: Shi et al., "An end-to-end trainable neural network for image-based sequence recognition", 2015.
    """

    target = "registry_builtin.objects.dense:CRNN"
    example_inputs: ClassVar[Mapping[str, ExampleTensor]] = {"input": ExampleTensor((2, 1, 32, 128), low=0)}
    output_form: ClassVar[OutputForm] = "logits"

    in_channels: PositiveInt = Field(default=1, description=_CHANNELS)
    size: Size = Field(default=(32, 128), description="Height and width of the images in pixels, each at least 4.")
    num_classes: PositiveInt = Field(default=11, description="Classes of labels, and one more for the blank.")
    features: PositiveInt = Field(default=16, description="Features of the first convolution.")
    hidden: PositiveInt = Field(default=64, description="Features of the recurrent layer, in each direction.")
    recurrent: Literal["lstm", "gru"] = Field(default="lstm", description="The recurrent layer.")

    def modules(self) -> Modules | None:
        """The convolutions, the recurrent layer and the head."""
        column = 2 * self.features * (self.size[0] // 2 // 2)
        return line_reader(
            self.in_channels, self.features, column, self.hidden, self.num_classes, self.recurrent.upper()
        )

    @model_validator(mode="after")
    def _size_survives(self) -> Self:
        if min(self.size) < 4:
            raise ValueError(
                f"nothing is left of {self.size[0]} x {self.size[1]} pixels after both poolings; let both be 4 or more"
            )
        return self

    def output_shape(self) -> Shape:
        """Columns, and the logits of each."""
        return (self.size[1] // 4, self.num_classes)

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if channels or size differ from the declared ones."""
        check_channels(self.name, self.in_channels, image)
        check_exact_size(self.name, self.size, image, write_size(image))
