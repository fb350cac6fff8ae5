"""Declaration of EfficientNet-Lite0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import CheckFailed, Image, Model
from registry_core.components.forms import OutputForm, counted
from registry_core.components.types import PositiveInt, Probability, Size


class EfficientNetLite0(Model):
    """EfficientNet-Lite0: inverted residual blocks with ReLU6, without squeeze-and-excitation; 4.7 million parameters.

    Input: float images [batch, in_channels, height, width] of `size`; output: logits [batch, num_classes]. ImageNet
    weights expect channels normalized with mean [0.485, 0.456, 0.406] and std [0.229, 0.224, 0.225]. The network is
    that of the package efficientnet-lite-pytorch. Source: Tan and Le, "EfficientNet", ICML 2019, in the form of
    github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
    """

    target: ClassVar[str] = "registry_efficientnet_lite.objects:efficientnet_lite0"
    output_form: ClassVar[OutputForm] = "logits"
    example: ClassVar[Mapping[str, Any]] = {"num_classes": 10, "size": 64}

    num_classes: PositiveInt = Field(default=1000, description="Number of classes: logits per image.")
    in_channels: PositiveInt = Field(default=3, description="Channels of the images.")
    size: Size = Field(default=(224, 224), description="Height and width of the images in pixels; determines padding.")
    dropout: Probability = Field(default=0.2, description="Dropout probability before the last layer.")
    drop_connect: Probability = Field(
        default=0.2, description="Probability of skipping the last block in training; lower for earlier blocks."
    )
    norm_momentum: Probability = Field(
        default=0.01, description="Weight of the newest batch in the running statistics of batch norms."
    )

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if channels or size differ from the declared ones."""
        if image.channels not in (None, self.in_channels):
            wanted = counted(self.in_channels, "input channel")
            message = f"The model {self.name!r} expects {wanted}, but the image has {image.channels}."
            remedy = f"Add `grayscale: {{num_output_channels: 3}}`, or set in_channels to {image.channels}."
            raise CheckFailed(message, remedy)
        height, width = self.size
        for side, length in ((image.height, height), (image.width, width)):
            if side not in (None, length):
                message = f"The model {self.name!r} expects {height} x {width} pixels, but the image has"
                remedy = f"Set size to [{image.height}, {image.width}], or resize the images."
                raise CheckFailed(f"{message} {image.height} x {image.width}.", remedy)
