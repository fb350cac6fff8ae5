"""Models for image classification."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.models.small_networks import multilayer_perceptron, two_convolutions
from registry_core.components import CheckFailed, Image, Model, Modules, ParameterError, Shape
from registry_core.components.forms import OutputForm, counted
from registry_core.components.model import OutputEnd
from registry_core.components.types import NonNegativeInt, PositiveInt, Probability, Size

_CLASSES = "Number of classes: logits per image."
_CHANNELS = "Number of image channels: 1 for grayscale, 3 for RGB."
_SIZE = "Height and width of the images in pixels; a single number sets both."


class Classifier(Model):
    """Base of models that emit one vector of logits per image."""

    output_form: ClassVar[OutputForm] = "logits"

    def output_shape(self) -> Shape | None:
        """Return the shape of the output: one logit per class."""
        classes = self.num_outputs()
        return None if classes is None else (classes,)

    def output_end(self) -> OutputEnd:
        """Return the model itself, whose logits are unbounded."""
        return OutputEnd(self.name)


class Net(Classifier):
    """Convolutional network with two convolutions, max pooling and three linear layers, with ReLU activations.

    Input: float images [batch, in_channels, height, width]. Output: logits [batch, num_classes]. 5 x 5 convolutions to
    6 and 16 channels, each followed by 2 x 2 max pooling, then 120 and 84 features. Source: the network of PyTorch's
    classifier tutorial for CIFAR-10, after LeCun et al., "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE, 1998.
    """

    target = "registry_builtin.objects.nets:Net"
    example: ClassVar[Mapping[str, Any]] = {"in_channels": 1, "size": 28, "num_classes": 10}

    in_channels: PositiveInt = Field(default=3, description=_CHANNELS)
    size: Size = Field(default=(32, 32), description=_SIZE)
    num_classes: PositiveInt = Field(default=10, description=_CLASSES)
    padding: NonNegativeInt = Field(default=0, description="Zero padding of both convolutions, in pixels.")

    @model_validator(mode="after")
    def _size_survives(self) -> Self:
        _check_size(self.size, (self.padding, self.padding), "Increase size, or set padding to 2")
        return self

    def modules(self) -> Modules | None:
        """Return the convolutions, pooling layers and linear layers."""
        return two_convolutions("Net", self.in_channels, self.size, self.num_classes, (self.padding, self.padding))

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the images differ from the declared channels or size."""
        check_channels(self.name, self.in_channels, image)
        check_exact_size(self.name, self.size, image, write_size(image))


class LeNet(Classifier):
    """LeNet-5 in its modern form: two convolutions with max pooling and three linear layers, with ReLU activations.

    Input: float images [batch, in_channels, height, width]. Output: logits [batch, num_classes]. The first convolution
    has a padding of 2, so that 28 x 28 images replace the 32 x 32 images of the paper. In contrast to the paper, it
    uses max pooling, ReLU, full connections and a linear output layer. Source: LeCun et al., "Gradient-based learning
    applied to document recognition", Proceedings of the IEEE, 1998.
    """

    target = "registry_builtin.objects.nets:LeNet"
    example: ClassVar[Mapping[str, Any]] = {"num_classes": 10}

    in_channels: PositiveInt = Field(default=1, description=_CHANNELS)
    size: Size = Field(default=(28, 28), description=_SIZE)
    num_classes: PositiveInt = Field(default=10, description=_CLASSES)

    @model_validator(mode="after")
    def _size_survives(self) -> Self:
        _check_size(self.size, (2, 0), "Increase size")
        return self

    def modules(self) -> Modules | None:
        """Return the convolutions, pooling layers and linear layers."""
        return two_convolutions("LeNet", self.in_channels, self.size, self.num_classes, (2, 0))

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the images differ from the declared channels or size."""
        check_channels(self.name, self.in_channels, image)
        check_exact_size(self.name, self.size, image, write_size(image))


class MLP(Classifier):
    """Multilayer perceptron on the flattened image, with ReLU activations.

    Input: float images [batch, in_channels, height, width]. Output: logits [batch, num_classes]. Dropout, if enabled,
    follows each activation. Without hidden layers, the model is linear (softmax) regression.
    """

    target = "registry_builtin.objects.nets:MLP"
    example: ClassVar[Mapping[str, Any]] = {"size": 8, "hidden": [64], "num_classes": 10}

    in_channels: PositiveInt = Field(default=1, description=_CHANNELS)
    size: Size = Field(description=_SIZE)
    hidden: tuple[PositiveInt, ...] = Field(default=(128,), description="Number of features of each hidden layer.")
    num_classes: PositiveInt = Field(default=10, description=_CLASSES)
    dropout: Probability = Field(default=0.0, description="Dropout probability of hidden features.")
    bias: bool = Field(default=True, description="If true, the linear layers have a bias.")

    def modules(self) -> Modules | None:
        """Return the linear layers, activations and dropout."""
        return multilayer_perceptron(
            [self.in_channels * math.prod(self.size), *self.hidden, self.num_classes], self.dropout, self.bias
        )

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the images differ from the declared channels or size."""
        check_channels(self.name, self.in_channels, image)
        check_exact_size(self.name, self.size, image, write_size(image))


# fmt: off
Architecture = Literal[
    "alexnet", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny", "densenet121", "densenet161",
    "densenet169", "densenet201", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3",
    "efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_l",
    "efficientnet_v2_m", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t", "mnasnet0_5", "mnasnet0_75",
    "mnasnet1_0", "mnasnet1_3", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_16gf",
    "regnet_x_1_6gf", "regnet_x_32gf", "regnet_x_3_2gf", "regnet_x_400mf", "regnet_x_800mf", "regnet_x_8gf",
    "regnet_y_128gf", "regnet_y_16gf", "regnet_y_1_6gf", "regnet_y_32gf", "regnet_y_3_2gf", "regnet_y_400mf",
    "regnet_y_800mf", "regnet_y_8gf", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50",
    "resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "squeezenet1_0", "squeezenet1_1", "swin_b", "swin_s", "swin_t",
    "swin_v2_b", "swin_v2_s", "swin_v2_t", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19",
    "vgg19_bn", "vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32", "wide_resnet101_2", "wide_resnet50_2",
]
# fmt: on

_FIXED_SIDES = {"maxvit": 224, "vit": 224}
"""Architecture families that require images of exactly this height and width."""

_SMALLEST_SIDES = {
    "alexnet": 63,
    "convnext": 32,
    "densenet": 29,
    "googlenet": 15,
    "inception": 75,
    "squeezenet1_0": 21,
    "squeezenet1_1": 17,
    "swin": 4,
    "vgg": 32,
}
"""Smallest side of an image that survives pooling and strides, by architecture or family."""


_NORMALIZING = (
    "densenet", "efficientnet", "googlenet", "mnasnet", "mobilenet", "regnet", "resnet", "resnext", "shufflenet",
    "wide_resnet",
)  # fmt: skip
"""Families with batch normalization after the stage at which 32 pixels per side have become one."""

_ONE_PIXEL = 32


class TorchvisionModel(Classifier):
    """Image classifier from torchvision, randomly initialized.

    Input: float images [batch, in_channels, height, width]. Output: logits [batch, num_classes]. If ``in_channels`` is
    not 3, the first convolution is replaced by one with that number of channels, with torch's default initialization.
    ``googlenet`` and ``inception_v3`` are built without auxiliary classifiers. Source: ``torchvision.models``, which
    cites the paper of each architecture.
    """

    target = "registry_builtin.objects.torchvision_models:torchvision_model"
    example: ClassVar[Mapping[str, Any]] = {"arch": "resnet18", "num_classes": 10}

    arch: Architecture = Field(description="Name of the architecture in torchvision.")
    num_classes: PositiveInt = Field(default=1000, description=_CLASSES)
    in_channels: PositiveInt = Field(default=3, description=_CHANNELS)

    def modules(self) -> Modules | None:
        """Return those of the architecture, adapted to the number of classes and channels."""
        from registry_builtin.models.torchvision_modules import torchvision_modules

        return torchvision_modules(self.arch, self.num_classes, self.in_channels)

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the channels differ from the declared ones, or the size is not supported."""
        check_channels(self.name, self.in_channels, image)
        fixed = _side_for(_FIXED_SIDES, self.arch)
        if fixed is not None:
            remedy = f"Add `resize: {{size: [{fixed}, {fixed}]}}`, or choose another arch."
            check_exact_size(f"{self.name}: {self.arch}", (fixed, fixed), image, remedy)
        smallest = _side_for(_SMALLEST_SIDES, self.arch) or 1
        shorter = min((side for side in (image.height, image.width) if side is not None), default=smallest)
        if shorter < smallest:
            raise CheckFailed(
                f"The model '{self.name}: {self.arch}' expects images of at least {smallest} x {smallest} pixels, "
                f"but the images are {_sides(image)}.",
                f"Add `resize: {{size: [{smallest}, {smallest}]}}` or larger, or choose another arch.",
            )

    def check_batch(self, samples: int, image: Image | None) -> None:
        """Raise CheckFailed if a batch of one small image leaves batch normalization with one value per channel."""
        if samples > 1 or image is None or image.height is None or image.width is None:
            return
        if self.arch.startswith(_NORMALIZING) and max(image.height, image.width) <= _ONE_PIXEL:
            message = f"batch normalization in '{self.name}: {self.arch}' expects more than one value per channel"
            message += f", but a single image of {_sides(image)} leaves one pixel."
            raise CheckFailed(message, "Use larger batches, or larger images.")


def _side_for(table: dict[str, int], arch: str) -> int | None:
    return next((side for family, side in table.items() if arch.startswith(family)), None)


def _check_size(size: tuple[int, int], paddings: tuple[int, int], remedy: str) -> None:
    for side in size:
        left = side
        for padding in paddings:
            left = (left + 2 * padding - 4) // 2
            if left < 1:
                message = f"images of {size[0]} x {size[1]} pixels are too small for both convolutions"
                raise ParameterError(message, remedy)


def check_channels(name: str, channels: int, image: Image) -> None:
    """Raise CheckFailed if the images do not have the number of channels that the model expects."""
    if image.channels is None or image.channels == channels:
        return
    gray = ", or add grayscale" if channels == 1 else ""
    raise CheckFailed(
        f"The model {name!r} expects {counted(channels, 'input channel')}, but the images have {image.channels}.",
        f"Set in_channels to {image.channels}{gray}.",
    )


def check_exact_size(name: str, size: tuple[int, int], image: Image, remedy: str) -> None:
    """Raise CheckFailed with this remedy if the images do not have the size that the model expects."""
    given = (image.height, image.width)
    if any(side is not None and side != wanted for side, wanted in zip(given, size, strict=True)):
        raise CheckFailed(
            f"The model {name!r} expects images of {size[0]} x {size[1]} pixels, but the images are {_sides(image)}.",
            remedy,
        )


def write_size(image: Image) -> str:
    """Return the remedy for a model whose parameter ``size`` differs from that of the images."""
    if image.height is None or image.width is None:
        return "Add resize or a crop to the size of the model."
    return f"Set size to [{image.height}, {image.width}], or add resize."


def _sides(image: Image) -> str:
    height, width = ("?" if side is None else side for side in (image.height, image.width))
    return f"{height} x {width}"
