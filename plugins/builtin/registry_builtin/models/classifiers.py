"""Models: networks that classify images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.models.small_networks import multilayer_perceptron, two_convolutions
from registry_core.components import CheckFailed, Image, Model, Modules, Shape
from registry_core.components.forms import OutputForm
from registry_core.components.types import NonNegativeInt, PositiveInt, Probability, Size

_CLASSES = "How many classes it tells apart: logits for each image."
_CHANNELS = "Channels of the images: 1 for gray, 3 for colours."
_SIZE = "Height and width of the images in pixels; one number stands for both."


class Classifier(Model):
    """What models that emit one row of logits for an image share."""

    output_form: ClassVar[OutputForm] = "logits"

    def output_shape(self) -> Shape | None:
        """One logit for each class."""
        classes = self.num_outputs()
        return None if classes is None else (classes,)


class Net(Classifier):
    """Two convolutions with pooling and three linear layers, with rectifiers between them.

    Input: float images [batch, in_channels, height, width]; output: logits [batch, num_classes]. 5 x 5 convolutions to
    6 and 16 channels, each followed by 2 x 2 max pooling, then 120 and 84 features. Source: the network of PyTorch's
    classifier tutorial for CIFAR-10, after LeCun et al., "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE, 1998.
    """

    target = "registry_builtin.objects.nets:Net"
    example: ClassVar[Mapping[str, Any]] = {"in_channels": 1, "size": 28, "num_classes": 10}

    in_channels: PositiveInt = Field(default=3, description=_CHANNELS)
    size: Size = Field(default=(32, 32), description=_SIZE)
    num_classes: PositiveInt = Field(default=10, description=_CLASSES)
    padding: NonNegativeInt = Field(default=0, description="Pixels around the input of both convolutions.")

    @model_validator(mode="after")
    def _size_survives(self) -> Self:
        _check_size(self.size, (self.padding, self.padding), "enlarge size, or set padding to 2")
        return self

    def modules(self) -> Modules | None:
        """The convolutions, poolings and linear layers."""
        return two_convolutions("Net", self.in_channels, self.size, self.num_classes, (self.padding, self.padding))

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if channels or size differ from the declared ones."""
        check_channels(self.name, self.in_channels, image)
        check_exact_size(self.name, self.size, image, write_size(image))


class LeNet(Classifier):
    """LeNet-5 in today's form: two convolutions with max pooling and three linear layers, with rectifiers.

    Input: float images [batch, in_channels, height, width]; output: logits [batch, num_classes]. The first convolution
    is padded by 2, so that 28 x 28 images take the place of the paper's 32 x 32. Unlike the paper's it has max pooling,
    rectifiers, full connections and linear outputs. Source: LeCun et al., "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE, 1998.
    """

    target = "registry_builtin.objects.nets:LeNet"
    example: ClassVar[Mapping[str, Any]] = {"num_classes": 10}

    in_channels: PositiveInt = Field(default=1, description=_CHANNELS)
    size: Size = Field(default=(28, 28), description=_SIZE)
    num_classes: PositiveInt = Field(default=10, description=_CLASSES)

    @model_validator(mode="after")
    def _size_survives(self) -> Self:
        _check_size(self.size, (2, 0), "enlarge size")
        return self

    def modules(self) -> Modules | None:
        """The convolutions, poolings and linear layers."""
        return two_convolutions("LeNet", self.in_channels, self.size, self.num_classes, (2, 0))

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if channels or size differ from the declared ones."""
        check_channels(self.name, self.in_channels, image)
        check_exact_size(self.name, self.size, image, write_size(image))


class MLP(Classifier):
    """Linear layers with rectifiers between them, on the flattened image.

    Input: float images [batch, in_channels, height, width]; output: logits [batch, num_classes]. Dropout, if any,
    follows each rectifier. Without hidden layers it is linear (softmax) regression.
    """

    target = "registry_builtin.objects.nets:MLP"
    example: ClassVar[Mapping[str, Any]] = {"size": 8, "hidden": [64], "num_classes": 10}

    in_channels: PositiveInt = Field(default=1, description=_CHANNELS)
    size: Size = Field(description=_SIZE)
    hidden: tuple[PositiveInt, ...] = Field(default=(128,), description="Features of each hidden layer.")
    num_classes: PositiveInt = Field(default=10, description=_CLASSES)
    dropout: Probability = Field(default=0.0, description="Chance of each hidden feature to be dropped in training.")
    bias: bool = Field(default=True, description="Whether the linear layers have a bias.")

    def modules(self) -> Modules | None:
        """The linear layers, with what is between them."""
        return multilayer_perceptron(
            [self.in_channels * math.prod(self.size), *self.hidden, self.num_classes], self.dropout, self.bias
        )

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if channels or size differ from the declared ones."""
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
"""Families whose images must have exactly this height and width."""

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
"""Architectures or families that pool or stride a smaller image away."""


_NORMALIZING = (
    "densenet", "efficientnet", "googlenet", "mnasnet", "mobilenet", "regnet", "resnet", "resnext", "shufflenet",
    "wide_resnet",
)  # fmt: skip
"""Families that normalize over the batch what 32 pixels a side have become: one."""

_ONE_PIXEL = 32


class TorchvisionModel(Classifier):
    """A classifier of torchvision, with random first values.

    Input: float images [batch, in_channels, height, width]; output: logits [batch, num_classes]. With ``in_channels``
    other than 3 the first convolution is replaced by one for so many channels, with the first values that torch gives
    convolutions. ``googlenet`` and ``inception_v3`` come without auxiliary classifiers. Source: ``torchvision.models``,
    whose pages name the paper of each architecture.
    """

    target = "registry_builtin.objects.torchvision_models:torchvision_model"
    example: ClassVar[Mapping[str, Any]] = {"arch": "resnet18", "num_classes": 10}

    arch: Architecture = Field(description="The architecture, by its name in torchvision.")
    num_classes: PositiveInt = Field(default=1000, description=_CLASSES)
    in_channels: PositiveInt = Field(default=3, description=_CHANNELS)

    def modules(self) -> Modules | None:
        """Those of the architecture, with the last layer for the classes and the first for the channels."""
        from registry_builtin.models.torchvision_modules import torchvision_modules

        return torchvision_modules(self.arch, self.num_classes, self.in_channels)

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the channels differ from the declared ones, or the architecture cannot take the size."""
        check_channels(self.name, self.in_channels, image)
        fixed = _side_for(_FIXED_SIDES, self.arch)
        if fixed is not None:
            remedy = f"Add `resize: {{size: [{fixed}, {fixed}]}}`, or choose another arch."
            check_exact_size(f"{self.name}: {self.arch}", (fixed, fixed), image, remedy)
        smallest = _side_for(_SMALLEST_SIDES, self.arch) or 1
        shorter = min((side for side in (image.height, image.width) if side is not None), default=smallest)
        if shorter < smallest:
            raise CheckFailed(
                f"The model '{self.name}: {self.arch}' takes images of {smallest} x {smallest} pixels or more, "
                f"and is given {_sides(image)}.",
                f"Add `resize: {{size: [{smallest}, {smallest}]}}` or larger, or choose another arch.",
            )

    def check_batch(self, samples: int, image: Image | None) -> None:
        """Raise CheckFailed for a single small image, of which batch normalization would be given one pixel."""
        if samples > 1 or image is None or image.height is None or image.width is None:
            return
        if self.arch.startswith(_NORMALIZING) and max(image.height, image.width) <= _ONE_PIXEL:
            message = f"batch normalization in '{self.name}: {self.arch}' would be given a single pixel"
            raise CheckFailed(f"{message}, of an image of {_sides(image)}.", "Use larger batches, or larger images.")


def _side_for(table: dict[str, int], arch: str) -> int | None:
    return next((side for family, side in table.items() if arch.startswith(family)), None)


def _check_size(size: tuple[int, int], paddings: tuple[int, int], remedy: str) -> None:
    for side in size:
        left = side
        for padding in paddings:
            left = (left + 2 * padding - 4) // 2
            if left < 1:
                raise ValueError(f"nothing is left of {size[0]} x {size[1]} pixels after both convolutions; {remedy}")


def check_channels(name: str, channels: int, image: Image) -> None:
    """Raise CheckFailed if an image has another number of channels than the model takes."""
    if image.channels is None or image.channels == channels:
        return
    gray = ", or add grayscale" if channels == 1 else ""
    raise CheckFailed(
        f"The model {name!r} takes images of {_channels(channels)}, and is given {_channels(image.channels)}.",
        f"Set in_channels to {image.channels}{gray}.",
    )


def check_exact_size(name: str, size: tuple[int, int], image: Image, remedy: str) -> None:
    """Raise CheckFailed with this remedy if an image has another size than the model takes."""
    given = (image.height, image.width)
    if any(side is not None and side != wanted for side, wanted in zip(given, size, strict=True)):
        raise CheckFailed(
            f"The model {name!r} takes images of {size[0]} x {size[1]} pixels, and is given {_sides(image)}.", remedy
        )


def write_size(image: Image) -> str:
    """The remedy for a model whose parameter ``size`` is not that of the images."""
    if image.height is None or image.width is None:
        return "Add resize or a crop of the model's size."
    return f"Set size to [{image.height}, {image.width}], or add resize."


def _channels(count: int) -> str:
    return f"{count} channel{'' if count == 1 else 's'}"


def _sides(image: Image) -> str:
    height, width = ("?" if side is None else side for side in (image.height, image.width))
    return f"{height} x {width}"
