"""Colours: grey."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from registry_builtin.image_facts import greyed
from registry_core.components import CheckFailed, Image, Transform


class Grayscale(Transform):
    """Turn colours into grey: 0.299 red + 0.587 green + 0.114 blue.

    In and out: a Pillow image, or a tensor [1 or 3, height, width]; out has `num_output_channels` equal channels. A
    grey image keeps its values. As torchvision.transforms.v2.Grayscale.
    """

    target: ClassVar[str] = "torchvision.transforms.v2:Grayscale"

    num_output_channels: Literal[1, 3] = Field(default=1, description="Channels of the result, all equal.")

    def follow(self, image: Image) -> Image:
        """The image has the given number of channels."""
        if image.form != "pil" and image.channels not in (None, 1, 3):
            message = f"Only 1 or 3 channels can be made grey, and this image has {image.channels}."
            raise CheckFailed(message, "Remove grayscale, or read the images as RGB.")
        return greyed(image, self.num_output_channels)
