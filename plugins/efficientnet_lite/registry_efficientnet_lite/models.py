"""The declaration of EfficientNet-Lite0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import CheckFailed, Image, Model
from registry_core.components.forms import OutputForm
from registry_core.components.types import PositiveInt, Probability, Size


class EfficientNetLite0(Model):
    """EfficientNet-Lite0: inverted residual blocks with ReLU6 and without squeeze and excitation, 4.7 million numbers.

    Input: float images [batch, in_channels, height, width] of `size`; output: logits [batch, num_classes]. ImageNet
    weights expect channels normalised by mean [0.485, 0.456, 0.406] and std [0.229, 0.224, 0.225]. The network is that
    of the package efficientnet-lite-pytorch. Source: Tan and Le, "EfficientNet", ICML 2019, in the form of
    github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
    """

    target: ClassVar[str] = "registry_efficientnet_lite.objects:efficientnet_lite0"
    output_form: ClassVar[OutputForm] = "logits"
    example: ClassVar[Mapping[str, Any]] = {"num_classes": 10, "size": 64}

    num_classes: PositiveInt = Field(default=1000, description="Classes: numbers that come out for an image.")
    in_channels: PositiveInt = Field(default=3, description="Channels of an image.")
    size: Size = Field(default=(224, 224), description="Height and width of an image in pixels: they fix the padding.")
    dropout: Probability = Field(default=0.2, description="Chance of each feature before the last layer to be dropped.")
    drop_connect: Probability = Field(
        default=0.2, description="Chance of the last block to be skipped in training; lower for earlier blocks."
    )
    norm_momentum: Probability = Field(
        default=0.01, description="Weight of the newest batch in the running statistics of batch norms."
    )

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if channels or size differ from the declared ones."""
        if image.channels not in (None, self.in_channels):
            message = f"The model {self.name!r} takes images of {self.in_channels} channels, and is given"
            remedy = f"Add `grayscale: {{num_output_channels: 3}}`, or set in_channels to {image.channels}."
            raise CheckFailed(f"{message} {image.channels}.", remedy)
        for side, wanted in ((image.height, self.size[0]), (image.width, self.size[1])):
            if side not in (None, wanted):
                message = (
                    f"The model {self.name!r} takes images of {self.size[0]} x {self.size[1]} pixels, and is given"
                )
                remedy = f"Set size to [{image.height}, {image.width}], or resize the images."
                raise CheckFailed(f"{message} {image.height} x {image.width}.", remedy)
