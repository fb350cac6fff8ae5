"""Automatic augmentation: several operations that torchvision draws from a list of its own.

All of them move pixels as well as colours, but only of images: a sample with a mask is refused when it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.transforms.image_facts import anywhere, coloured, not_float, tones_known, warped
from registry_builtin.transforms.parameters import OLD_WARP, WARP, torch_fill, torch_mode
from registry_core.components import CheckFailed, DataFacts, Image, Transform
from registry_core.components.transform import Randomness
from registry_core.components.types import Fill, NonNegativeInt, PositiveFloat, PositiveInt, WarpInterpolation

_FILL = "Value of uncovered pixels, 0 to 255, or one for each channel; null: black."
_BINS = "Number of steps of strength, at least 2."


class _Automatic(Transform):
    random: ClassVar[Randomness] = "generators"
    old_spellings: ClassVar[Mapping[str, str]] = OLD_WARP

    interpolation: WarpInterpolation = Field(default="nearest", description=WARP)
    fill: Fill | None = Field(default=None, description=_FILL)

    def arguments(self) -> dict[str, Any]:
        """The parameters as torchvision takes them."""
        fill = None if self.fill is None else torch_fill(self.fill)
        return {**super().arguments(), "interpolation": torch_mode(self.interpolation), "fill": fill}

    def build(self) -> Callable[..., Any]:
        """The transform of torchvision, for samples."""
        from registry_builtin.objects.sample_images import OnEachImage

        return OnEachImage(super().build(), name=self.name_in_file)

    def infer_image(self, image: Image) -> Image:
        """The size stays; values may go anywhere from 0 to 255."""
        name = self.name_in_file
        image = coloured(not_float(tones_known(image, name), name), name)
        return anywhere(warped(image, self.interpolation, 0 if self.fill is None else self.fill))

    def check_sample(self, facts: DataFacts) -> None:
        """Nothing has to move with the image."""
        for entry in (*facts.masks, *facts.boxes):
            message = f"{self.name_in_file} may move the image, but cannot move the entry {entry!r} with it."
            raise CheckFailed(message, "Use geometric and colour transforms of their own instead.")


class AutoAugment(_Automatic):
    """Two operations, as a policy that was learnt on a data set wants them: shear, shift, turn, colours, tones.

    In and out: a Pillow image or a uint8 tensor, [1 or 3, height, width], of the same size. torchvision's own random
    numbers, from generators seeded for the sample; all images of a sample get the same ones. As
    torchvision.transforms.v2.AutoAugment (Cubuk et al., "AutoAugment: Learning augmentation strategies from data",
    CVPR 2019).
    """

    target = "torchvision.transforms.v2:AutoAugment"
    example: ClassVar[Mapping[str, Any]] = {"policy": "cifar10"}

    policy: Literal["imagenet", "cifar10", "svhn"] = Field(
        default="imagenet", description="The data set that the policy was learnt on."
    )

    def arguments(self) -> dict[str, Any]:
        """The parameters as torchvision takes them."""
        from torchvision.transforms import AutoAugmentPolicy

        return {**super().arguments(), "policy": AutoAugmentPolicy(self.policy)}


class RandAugment(_Automatic):
    """`num_ops` operations from a list of 14, all of strength `magnitude`: shear, shift, turn, colours, tones.

    In and out: a Pillow image or a uint8 tensor, [1 or 3, height, width], of the same size. torchvision's own random
    numbers, from generators seeded for the sample; all images of a sample get the same ones. As
    torchvision.transforms.v2.RandAugment (Cubuk et al., "RandAugment: Practical automated data augmentation with a
    reduced search space", 2019).
    """

    target = "torchvision.transforms.v2:RandAugment"
    example: ClassVar[Mapping[str, Any]] = {"num_ops": 2, "magnitude": 9}

    num_ops: PositiveInt = Field(default=2, description="Number of operations, one after the other.")
    magnitude: NonNegativeInt = Field(default=9, description="Strength, 0 to num_magnitude_bins - 1.")
    num_magnitude_bins: Annotated[int, Field(ge=2)] = Field(default=31, description=_BINS)

    @model_validator(mode="after")
    def _magnitude_is_a_step(self) -> Self:
        if self.magnitude >= self.num_magnitude_bins:
            raise ValueError(f"magnitude {self.magnitude} must be below num_magnitude_bins, {self.num_magnitude_bins}")
        return self


class TrivialAugmentWide(_Automatic):
    """One operation from a list of 14, of random strength: shear, shift, turn, colours, tones.

    In and out: a Pillow image or a uint8 tensor, [1 or 3, height, width], of the same size. torchvision's own random
    numbers, from generators seeded for the sample; all images of a sample get the same ones. As
    torchvision.transforms.v2.TrivialAugmentWide (Müller and Hutter, "TrivialAugment: Tuning-free yet state-of-the-art
    data augmentation", ICCV 2021).
    """

    target = "torchvision.transforms.v2:TrivialAugmentWide"

    num_magnitude_bins: Annotated[int, Field(ge=2)] = Field(default=31, description=_BINS)


class AugMix(_Automatic):
    """Mix the image with several chains of random operations on it, with random weights.

    In and out: a Pillow image or a uint8 tensor, [1 or 3, height, width], of the same size. torchvision's own random
    numbers, from generators seeded for the sample; all images of a sample get the same ones. As
    torchvision.transforms.v2.AugMix (Hendrycks et al., "AugMix: A simple data processing method to improve robustness
    and uncertainty", ICLR 2020).
    """

    target = "torchvision.transforms.v2:AugMix"
    example: ClassVar[Mapping[str, Any]] = {"severity": 3, "mixture_width": 3}

    interpolation: Literal["nearest", "bilinear"] = Field(
        default="bilinear", description="How new pixels are made from old ones."
    )
    severity: Annotated[int, Field(ge=1, le=10)] = Field(default=3, description="Largest strength, 1 to 10.")
    mixture_width: PositiveInt = Field(default=3, description="Number of chains.")
    chain_depth: Annotated[int, Field(ge=-1)] = Field(
        default=-1, description="Operations in a chain; 0 or -1: 1 to 3, drawn for each chain."
    )
    alpha: PositiveFloat = Field(default=1.0, description="Parameter of the distributions of weights, above 0.")
    all_ops: bool = Field(
        default=True, description="Whether brightness, contrast, colour and sharpness are among the operations."
    )

    def infer_image(self, image: Image) -> Image:
        """As for the others; Pillow images become grey or RGB."""
        return super().infer_image(image.changed(mode=None))
