"""Automatic augmentation: torchvision draws several operations from a fixed list.

The operations change geometry as well as colour, but only of images: a sample with a mask is rejected when it is
loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.transforms.image_facts import anywhere, coloured, not_float, tones_known, warped
from registry_builtin.transforms.parameters import OLD_WARP, WARP, torch_fill, torch_mode
from registry_core.components import CheckFailed, DataFacts, Image, ParameterError, Transform
from registry_core.components.forms import Aspect
from registry_core.components.transform import Randomness
from registry_core.components.types import Fill, NonNegativeInt, PositiveFloat, PositiveInt, WarpInterpolation

_FILL = "Value of uncovered pixels, 0 to 255, or one value per channel; null for black."
_BINS = "Number of magnitude levels, at least 2."


class _Automatic(Transform):
    random: ClassVar[Randomness] = "generators"
    old_spellings: ClassVar[Mapping[str, str]] = OLD_WARP

    interpolation: WarpInterpolation = Field(default="nearest", description=WARP)
    fill: Fill | None = Field(default=None, description=_FILL)

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in torchvision's form."""
        fill = None if self.fill is None else torch_fill(self.fill)
        return {**super().arguments(), "interpolation": torch_mode(self.interpolation), "fill": fill}

    def build(self) -> Callable[..., Any]:
        """Wrap torchvision's transform so that it accepts samples."""
        from registry_builtin.objects.sample_images import OnEachImage

        return OnEachImage(super().build(), name=self.name_in_file)

    def infer_image(self, image: Image) -> Image:
        """Keep the size; values may lie anywhere from 0 to 255."""
        name = self.name_in_file
        image = coloured(not_float(tones_known(image, name), name), name)
        return anywhere(warped(image, self.interpolation, 0 if self.fill is None else self.fill))

    def is_random(self, image: Image | None = None) -> bool:
        """Return True: operations are drawn."""
        return True

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """Return the direction of things: shear and rotation are among the operations."""
        return frozenset({"angle"})

    def check_sample(self, facts: DataFacts) -> None:
        """Raise CheckFailed if a mask or box would have to move with the image."""
        for entry in (*facts.masks, *facts.boxes):
            message = f"{self.name_in_file} may move the image, but cannot move the entry {entry!r} with it."
            raise CheckFailed(message, "Use separate geometric and colour transforms instead.")


class AutoAugment(_Automatic):
    """Apply two operations of a learned policy: shear, translation, rotation, colour and tone changes.

    Input and output: a Pillow image or a uint8 tensor, [1 or 3, height, width]; the size does not change. torchvision
    draws its own random numbers, from generators seeded for the sample; all images of a sample receive the same ones.
    Equivalent to torchvision.transforms.v2.AutoAugment (Cubuk et al., "AutoAugment: Learning augmentation strategies
    from data", CVPR 2019).
    """

    target = "torchvision.transforms.v2:AutoAugment"
    example: ClassVar[Mapping[str, Any]] = {"policy": "cifar10"}

    policy: Literal["imagenet", "cifar10", "svhn"] = Field(
        default="imagenet", description="Data set that the policy was learned on."
    )

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in torchvision's form."""
        from torchvision.transforms import AutoAugmentPolicy

        return {**super().arguments(), "policy": AutoAugmentPolicy(self.policy)}


class RandAugment(_Automatic):
    """Apply `num_ops` of 14 operations at strength `magnitude`: shear, translation, rotation, colour and tones.

    Input and output: a Pillow image or a uint8 tensor, [1 or 3, height, width]; the size does not change. torchvision
    draws its own random numbers, from generators seeded for the sample; all images of a sample receive the same ones.
    Equivalent to torchvision.transforms.v2.RandAugment (Cubuk et al., "RandAugment: Practical automated data
    augmentation with a reduced search space", 2019).
    """

    target = "torchvision.transforms.v2:RandAugment"
    example: ClassVar[Mapping[str, Any]] = {"num_ops": 2, "magnitude": 9}

    num_ops: PositiveInt = Field(default=2, description="Number of operations applied in sequence.")
    magnitude: NonNegativeInt = Field(default=9, description="Strength of all operations, 0 to num_magnitude_bins - 1.")
    num_magnitude_bins: Annotated[int, Field(ge=2)] = Field(default=31, description=_BINS)

    @model_validator(mode="after")
    def _magnitude_is_a_step(self) -> Self:
        if self.magnitude >= self.num_magnitude_bins:
            message = (
                f"`magnitude` must be less than num_magnitude_bins ({self.num_magnitude_bins}), not {self.magnitude}"
            )
            raise ParameterError(message, f"Set magnitude to {self.num_magnitude_bins - 1} or less")
        return self


class TrivialAugmentWide(_Automatic):
    """Apply one of 14 operations at random strength: shear, translation, rotation, colour and tone changes.

    Input and output: a Pillow image or a uint8 tensor, [1 or 3, height, width]; the size does not change. torchvision
    draws its own random numbers, from generators seeded for the sample; all images of a sample receive the same ones.
    Equivalent to torchvision.transforms.v2.TrivialAugmentWide (Müller and Hutter, "TrivialAugment: Tuning-free yet
    state-of-the-art data augmentation", ICCV 2021).
    """

    target = "torchvision.transforms.v2:TrivialAugmentWide"

    num_magnitude_bins: Annotated[int, Field(ge=2)] = Field(default=31, description=_BINS)


class AugMix(_Automatic):
    """Blend the image with the results of several chains of random operations, using random weights.

    Input and output: a Pillow image or a uint8 tensor, [1 or 3, height, width]; the size does not change. torchvision
    draws its own random numbers, from generators seeded for the sample; all images of a sample receive the same ones.
    Equivalent to torchvision.transforms.v2.AugMix (Hendrycks et al., "AugMix: A simple data processing method to
    improve robustness and uncertainty", ICLR 2020).
    """

    target = "torchvision.transforms.v2:AugMix"
    example: ClassVar[Mapping[str, Any]] = {"severity": 3, "mixture_width": 3}

    interpolation: Literal["nearest", "bilinear"] = Field(default="bilinear", description="Interpolation mode.")
    severity: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="Maximum strength of an operation, 1 to 10."
    )
    mixture_width: PositiveInt = Field(default=3, description="Number of chains.")
    chain_depth: Annotated[int, Field(ge=-1)] = Field(
        default=-1, description="Operations per chain; 0 or -1 draws 1 to 3 for each chain."
    )
    alpha: PositiveFloat = Field(
        default=1.0,
        description="Concentration parameter of the Dirichlet distributions of the weights, above 0.",
    )
    all_ops: bool = Field(
        default=True, description="If true, brightness, contrast, colour and sharpness are among the operations."
    )

    def infer_image(self, image: Image) -> Image:
        """As for the others; Pillow images become grayscale or RGB."""
        return super().infer_image(image.changed(mode=None))
