"""Augmentations that combine several images of a batch, or rearrange pieces of an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Image, ParameterError
from registry_core.components.forms import TargetForm, words
from registry_core.components.types import NonNegativeInt, PositiveFloat, PositiveInt, Probability, Size
from registry_core_kornia.declaring import KorniaTransform, Uncovering
from registry_core_kornia.facts import least, sized, with_values
from registry_core_kornia.parameters import P_BATCH, SAME, Kernel, P, Parts

_MIXED: tuple[TargetForm, ...] = ("class_indices", "one_hot", "multi_hot", "distributions")
_CLASSES = "Number of classes; null for that of the model or of the training data."


class _Mixing(KorniaTransform):
    """Base class of augmentations that mix images and their classes."""

    p: Probability = Field(default=1.0, description=P_BATCH)
    same_on_batch: bool = Field(default=False, description=SAME)
    num_classes: PositiveInt | None = Field(default=None, description=_CLASSES)

    def arguments(self) -> dict[str, Any]:
        """Return the parameters of kornia, which has no number of classes."""
        return {name: value for name, value in super().arguments().items() if name != "num_classes"}

    def for_classes(self, classes: int | None) -> Self:
        """Return a copy with the number of classes; raise CheckFailed if it is unknown or contradicts the model."""
        if self.num_classes is None and classes is None:
            message = f"{self.name} cannot infer the number of classes from the model or the data."
            raise CheckFailed(message, "Set num_classes.")
        if self.num_classes is None:
            return self.model_copy(update={"num_classes": classes})
        if classes not in (None, self.num_classes):
            message = f"{self.name} has {self.num_classes} classes, but the model or the data has {classes}."
            raise CheckFailed(message, f"Set num_classes to {classes}, or omit it.", ("num_classes",))
        return self

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Return distributions; raise CheckFailed unless the targets are classes."""
        if form not in (*_MIXED, "any"):
            message = f"{self.name} mixes classes, but the targets are {words(form)}."
            raise CheckFailed(message, f"Remove {self.name}.")
        return "distributions"

    def build(self) -> Callable[..., Any]:
        """Build the augmentation for batches with classes."""
        from registry_core_kornia.objects import mixing

        if self.num_classes is None:
            raise CheckFailed(f"{self.name} does not know the number of classes.", "Set num_classes.")
        return getattr(mixing, type(self).__name__)(self, self.make(), self.num_classes)  # type: ignore[no-any-return]  # one of three classes of that module


class RandomMixUpV2(_Mixing):
    """Mix each image of a batch with another one, and their targets in the same way: weight 1 - l and l.

    Input: float images [batch, channels, height, width] of any values, as `input`; `target`, class indices [batch] or
    float [batch, classes]. Output: the same, `target` as float32 [batch, classes]. l is drawn for each image.
    Equivalent to kornia.augmentation.RandomMixUpV2 (Zhang et al., "mixup: Beyond empirical risk minimization", ICLR
    2018), with targets as distributions.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomMixUpV2"
    example: ClassVar[Mapping[str, Any]] = {"lambda_val": [0.0, 0.4], "num_classes": 10}

    lambda_val: Parts | None = Field(default=None, description="Smallest and largest l, 0 to 1; null: [0, 1].")


class RandomCutMixV2(_Mixing):
    """Paste a rectangle of another image of a batch into each image, and mix their targets by area.

    Input: float images [batch, channels, height, width] of any values, as `input`; `target`, class indices [batch] or
    float [batch, classes]. Output: the same, `target` as float32 [batch, classes], by the visible pixels of each
    image. The rectangle covers the fraction 1 - l of the area, with l from Beta(`beta`, `beta`). Equivalent to
    kornia.augmentation.RandomCutMixV2 with use_correct_lambda (Yun et al., "CutMix: Regularization strategy to train
    strong classifiers with localizable features", ICCV 2019), with targets as distributions.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomCutMixV2"
    example: ClassVar[Mapping[str, Any]] = {"num_classes": 10}

    num_mix: PositiveInt = Field(default=1, description="Number of rectangles per image, one on top of the other.")
    cut_size: Parts | None = Field(default=None, description="Smallest and largest l, 0 to 1; null: [0, 1].")
    beta: PositiveFloat | None = Field(
        default=None, description="Both parameters of the Beta distribution, above 0; null: 1."
    )

    @model_validator(mode="after")
    def _cuts(self) -> Self:
        if self.cut_size is not None and self.cut_size[0] >= 1:
            raise ParameterError("`cut_size` [1, 1] cuts nothing", "Set the smallest l below 1")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the parameters of kornia, with the formula that uses the remaining area."""
        return {**super().arguments(), "use_correct_lambda": True}


class PatchMix(_Mixing):
    """Paste a square of another image of a batch into each image, and mix their targets by area.

    Input: float images [batch, channels, height, width] of any values, as `input`; `target`, class indices [batch] or
    float [batch, classes]. Output: the same, `target` as float32 [batch, classes]. Equivalent to
    kornia.augmentation.PatchMix, which changes only images, with targets by the visible pixels of each image.
    """

    target: ClassVar[str] = "kornia.augmentation:PatchMix"
    example: ClassVar[Mapping[str, Any]] = {"patch_size": 4, "num_classes": 10}

    alpha: PositiveFloat = Field(
        default=1.0,
        description="Both parameters of a Beta distribution, above 0, whose value kornia draws but does not use.",
    )
    patch_size: PositiveInt = Field(
        default=16, description="Side length of the square in pixels, at most that of the image."
    )

    def after(self, image: Image) -> Image:
        """Return the image unchanged; raise CheckFailed if the square is larger than the image."""
        sides = (self.patch_size, self.patch_size)
        least(image, self.name, sides, " for this patch_size", "Use a smaller patch_size, or larger images.")
        return image


class _Pieces(KorniaTransform):
    """Base class of augmentations that move pixels without interpolation."""

    def build(self) -> Callable[..., Any]:
        """Build the augmentation for batches and their masks."""
        from registry_core_kornia.objects.adapters import Rearranged

        return Rearranged(self, self.make(), {})


class RandomJigsaw(_Pieces):
    """Cut images of a batch into pieces and shuffle these, each image with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values that can be cut into equal pieces, and
    masks of the same height and width. Equivalent to kornia.augmentation.RandomJigsaw, with masks cut in the same way.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomJigsaw"
    example: ClassVar[Mapping[str, Any]] = {"grid": [2, 2]}

    p: Probability = Field(default=0.5, description=P)
    same_on_batch: bool = Field(default=False, description=SAME)
    grid: Kernel = Field(default=(4, 4), description="Rows and columns of pieces; a single number sets both.")
    ensure_perm: bool = Field(default=True, description="If true, the order always differs from the original one.")

    @model_validator(mode="after")
    def _pieces(self) -> Self:
        if self.ensure_perm and self.grid == (1, 1):
            raise ParameterError(
                "`grid` has one piece, and so only one order", "Use more pieces, or set ensure_perm to false"
            )
        return self

    def after(self, image: Image) -> Image:
        """Return the image unchanged; raise CheckFailed if it cannot be cut into equal pieces."""
        for side, length, pieces in zip(("height", "width"), (image.height, image.width), self.grid, strict=True):
            if length is not None and length % pieces:
                message = f"Images with a {side} of {length} cannot be cut into {pieces} equal pieces."
                raise CheckFailed(message, "Change grid, or resize before it.", ("grid",))
        return image


class RandomMosaic(Uncovering, _Pieces):
    """Arrange images of a batch in a grid and crop a window, each image with probability `p`.

    Input: float images [batch, channels, height, width] of any values, as `input`; `target`, class maps of the same
    height and width. Output: the same, of height and width `output_size`; both combine the same images. Equivalent to
    kornia.augmentation.RandomMosaic, with masks cut in the same way; pixels of none of the images are 0, in masks
    `mask_fill`.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomMosaic"

    p: Probability = Field(default=0.7, description=P)
    output_size: Size | None = Field(
        default=None,
        description="Height and width of the result in pixels, at least those of the images; null for the same.",
    )
    mosaic_grid: Kernel = Field(default=(2, 2), description="Rows and columns of images; a single number sets both.")
    start_ratio_range: Parts = Field(
        default=(0.3, 0.7),
        description="Smallest and largest relative position of the window's corner in the first image, 0 to 1.",
    )

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Return the form unchanged; raise CheckFailed unless the targets are class maps."""
        return _maps_only(form, self.name, "combines parts of several images")

    def build(self) -> Callable[..., Any]:
        """Build the augmentation for batches with class maps."""
        from registry_core_kornia.objects.mixing import Mosaic

        return Mosaic(self, self.make(), {})

    def after(self, image: Image) -> Image:
        """Return an image with the size of the window; raise CheckFailed if that is smaller than the image."""
        if self.output_size is None:
            return with_values(image, 0.0)
        for side, length, wanted in zip(
            ("height", "width"), (image.height, image.width), self.output_size, strict=True
        ):
            if length is not None and length > wanted:
                message = f"output_size has the {side} {wanted}, which is less than that of the images, {length}."
                raise CheckFailed(message, "Use a larger output_size, followed by a crop.", ("output_size",))
        return sized(with_values(image, 0.0), self.output_size, 1.0)


class RandomTransplantation(KorniaTransform):
    """Paste the pixels of one class of another image of a batch into an image, together with its class map.

    Input and output: float images [batch, channels, height, width] of any values, as `input`; `target`, class maps
    int64 [batch, height, width]. The class is drawn from those of the previous image in the batch. Equivalent to
    kornia.augmentation.RandomTransplantation (Sellner et al., "Semantic segmentation of surgical hyperspectral images
    under geometric domain shifts", MICCAI 2023).
    """

    target: ClassVar[str] = "kornia.augmentation:RandomTransplantation"
    example: ClassVar[Mapping[str, Any]] = {"excluded_labels": [0]}

    p: Probability = Field(default=0.5, description="Probability of pasting into an image, 0 to 1.")
    p_batch: Probability = Field(default=1.0, description="Probability of changing a batch at all, 0 to 1.")
    excluded_labels: tuple[NonNegativeInt, ...] | None = Field(
        default=None, description="Classes that are never pasted, such as the background; null: none."
    )

    def arguments(self) -> dict[str, Any]:
        """Return the parameters of kornia, with classes as a list."""
        return {**super().arguments(), "excluded_labels": list(self.excluded_labels or ())}

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Return the form unchanged; raise CheckFailed unless the targets are class maps."""
        return _maps_only(form, self.name, "pastes pixels by their class")

    def build(self) -> Callable[..., Any]:
        """Build the augmentation for batches with class maps."""
        from registry_core_kornia.objects.mixing import Transplantation

        return Transplantation(self, self.make())


def _maps_only(form: TargetForm, name: str, why: str) -> TargetForm:
    if form not in ("class_maps", "any"):
        message = f"{name} {why} and expects class maps as targets, but they are {words(form)}."
        raise CheckFailed(message, f"Remove {name}, or use kornia_random_cut_mix_v2.")
    return form
