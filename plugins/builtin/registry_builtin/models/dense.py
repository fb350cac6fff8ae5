"""Models that predict an output for every pixel or for every column of the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.models.classifiers import check_channels, check_exact_size, write_size
from registry_builtin.models.small_networks import line_reader, u_net
from registry_core.components import CheckFailed, ExampleTensor, Image, Model, Modules, ParameterError, Shape
from registry_core.components.forms import OutputForm
from registry_core.components.types import PositiveInt, Size

_CHANNELS = "Number of image channels: 1 for grayscale, 3 for RGB."


class UNet(Model):
    """U-Net for semantic segmentation: an encoder and a decoder with skip connections.

    Input: float images [batch, in_channels, height, width], both sides divisible by 2 ** `depth`. Output: logits
    [batch, num_classes, height, width]. The encoder has `depth` blocks of two convolutions, each followed by 2 x 2 max
    pooling, then one block of two convolutions; the decoder has `depth` blocks of a transposed convolution,
    concatenation with the encoder features of the same size, and two convolutions. In contrast to the paper,
    convolutions are padded and followed by batch normalization. Source: Ronneberger et al., "U-Net: Convolutional
    networks for biomedical image segmentation", MICCAI 2015.
    """

    target = "registry_builtin.objects.dense:UNet"
    output_form: ClassVar[OutputForm] = "logits"

    in_channels: PositiveInt = Field(default=1, description=_CHANNELS)
    num_classes: PositiveInt = Field(default=2, description="Number of classes of pixels.")
    width: PositiveInt = Field(
        default=16, description="Number of features at full resolution; doubled with each halving."
    )
    depth: Annotated[int, Field(ge=1, le=6)] = Field(default=2, description="Number of times the size is halved.")

    def modules(self) -> Modules | None:
        """Return the convolutions of the encoder and the decoder."""
        return u_net(self.in_channels, self.num_classes, self.width, self.depth)

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the channels differ, or a side cannot be halved often enough."""
        check_channels(self.name, self.in_channels, image)
        step = 2**self.depth
        for name, side in (("height", image.height), ("width", image.width)):
            if side is not None and side % step:
                message = f"The model {self.name!r} expects a {name} divisible by {step}, but the images have {side}."
                raise CheckFailed(message, f"Pad or resize to a multiple of {step}, or set a smaller depth.")

    def check_batch(self, samples: int, image: Image | None) -> None:
        """Raise CheckFailed for a single image that is reduced to one pixel, which has no variance."""
        step = 2**self.depth
        if samples == 1 and image is not None and image.height == image.width == step:
            message = f"The model {self.name!r} cannot normalize the one pixel left of a single {step} x {step} image."
            raise CheckFailed(message, "Use larger batches or images, or set a smaller depth.")

    def output_shape(self) -> Shape:
        """Return the shape of the output: logits for each pixel."""
        return (self.num_classes, None, None)


class CRNN(Model):
    """Convolutional recurrent network that reads lines, with a bidirectional recurrent layer over columns.

    Input: float images [batch, in_channels, height, width] of `size`. Output: logits [batch, width // 4, num_classes],
    one time step per 4 columns of the image; class 0 is the blank. Two 3 x 3 convolutions to `features` and twice as
    many channels, each with batch normalization, ReLU and 2 x 2 max pooling, precede the recurrent layer. `ctc`
    requires more time steps than labels. Source: Shi et al., "An end-to-end trainable neural network for image-based
    sequence recognition", 2015.
    """

    target = "registry_builtin.objects.dense:CRNN"
    example_inputs: ClassVar[Mapping[str, ExampleTensor]] = {"input": ExampleTensor((2, 1, 32, 128), low=0)}
    output_form: ClassVar[OutputForm] = "logits"

    in_channels: PositiveInt = Field(default=1, description=_CHANNELS)
    size: Size = Field(default=(32, 128), description="Height and width of the images in pixels, each at least 4.")
    num_classes: PositiveInt = Field(default=11, description="Number of classes of labels, plus one for the blank.")
    features: PositiveInt = Field(default=16, description="Number of features of the first convolution.")
    hidden: PositiveInt = Field(default=64, description="Number of features of the recurrent layer per direction.")
    recurrent: Literal["lstm", "gru"] = Field(default="lstm", description="Type of the recurrent layer.")

    def modules(self) -> Modules | None:
        """Return the convolutions, the recurrent layer and the head."""
        column = 2 * self.features * (self.size[0] // 2 // 2)
        return line_reader(
            self.in_channels, self.features, column, self.hidden, self.num_classes, self.recurrent.upper()
        )

    @model_validator(mode="after")
    def _size_survives(self) -> Self:
        if min(self.size) < 4:
            message = f"images of {self.size[0]} x {self.size[1]} pixels are too small for both pooling layers"
            raise ParameterError(message, "Set both sides to 4 or more")
        return self

    def output_shape(self) -> Shape:
        """Return the shape of the output: time steps and their logits."""
        return (self.size[1] // 4, self.num_classes)

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the images differ from the declared channels or size."""
        check_channels(self.name, self.in_channels, image)
        check_exact_size(self.name, self.size, image, write_size(image))
