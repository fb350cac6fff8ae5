"""Augmentations that put together images of several samples of a batch, or pieces of one in another order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Image
from registry_core.components.forms import TargetForm, words
from registry_core.components.types import NonNegativeInt, PositiveFloat, PositiveInt, Probability, Size
from registry_core_kornia.declaring import KorniaTransform
from registry_core_kornia.facts import least, sized, with_values
from registry_core_kornia.parameters import P_BATCH, SAME, Kernel, P, Parts

_MIXED: tuple[TargetForm, ...] = ("class_indices", "one_hot", "multi_hot", "distributions")
_CLASSES = "Number of classes; null: that of the model, or of the training data."


class _Mixing(KorniaTransform):
    """What mixing of images and their classes shares."""

    p: Probability = Field(default=1.0, description=P_BATCH)
    same_on_batch: bool = Field(default=False, description=SAME)
    num_classes: PositiveInt | None = Field(default=None, description=_CLASSES)

    def arguments(self) -> dict[str, Any]:
        """The parameters of kornia, which knows no number of classes."""
        return {name: value for name, value in super().arguments().items() if name != "num_classes"}

    def for_classes(self, classes: int | None) -> Self:
        """The same with the number of classes; CheckFailed if it is not that of the model, or not known."""
        if self.num_classes is None and classes is None:
            message = f"{self.name} cannot tell the number of classes from the model or the data."
            raise CheckFailed(message, "Set num_classes.")
        if self.num_classes is None:
            return self.model_copy(update={"num_classes": classes})
        if classes not in (None, self.num_classes):
            message = f"{self.name} is for {self.num_classes} classes, but the model or the data have {classes}."
            raise CheckFailed(message, f"Set num_classes to {classes}, or leave it out.", ("num_classes",))
        return self

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Classes become distributions; CheckFailed if the targets are no classes."""
        if form not in (*_MIXED, "any"):
            message = f"{self.name} mixes classes, and the targets are {words(form)}."
            raise CheckFailed(message, f"Remove {self.name}.")
        return "distributions"

    def build(self) -> Callable[..., Any]:
        """The augmentation, for batches with classes."""
        from registry_core_kornia.objects import mixing

        if self.num_classes is None:
            raise CheckFailed(f"{self.name} does not know the number of classes.", "Set num_classes.")
        return getattr(mixing, type(self).__name__)(self, self.make(), self.num_classes)  # type: ignore[no-any-return]  # one of three classes there


class RandomMixUpV2(_Mixing):
    """Mix each image of a batch with another one, and their targets alike: 1 - l of its own, l of the other.

    In: float images [batch, channels, height, width] of any values, as `input`; `target`, class numbers [batch] or
    float [batch, classes]. Out: the same, `target` as float32 [batch, classes]. l is drawn for each image. As
    kornia.augmentation.RandomMixUpV2 (Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018), with
    targets as distributions.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomMixUpV2"
    example: ClassVar[Mapping[str, Any]] = {"lambda_val": [0.0, 0.4], "num_classes": 10}

    lambda_val: Parts | None = Field(default=None, description="Smallest and largest l, 0 to 1; null: [0, 1].")


class RandomCutMixV2(_Mixing):
    """Put a rectangle of another image of a batch into each one, and mix their targets by its area.

    In: float images [batch, channels, height, width] of any values, as `input`; `target`, class numbers [batch] or
    float [batch, classes]. Out: the same, `target` as float32 [batch, classes], by the pixels that are seen of each
    image. The rectangle has 1 - l of the area, with l from Beta(`beta`, `beta`). As
    kornia.augmentation.RandomCutMixV2 with use_correct_lambda (Yun et al., "CutMix: Regularization strategy to train
    strong classifiers with localizable features", ICCV 2019), with targets as distributions.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomCutMixV2"
    example: ClassVar[Mapping[str, Any]] = {"num_classes": 10}

    num_mix: PositiveInt = Field(default=1, description="How many rectangles an image gets, one over the other.")
    cut_size: Parts | None = Field(default=None, description="Smallest and largest l, 0 to 1; null: [0, 1].")
    beta: PositiveFloat | None = Field(
        default=None, description="Both parameters of the Beta distribution, above 0; null: 1."
    )

    @model_validator(mode="after")
    def _cuts(self) -> Self:
        if self.cut_size is not None and self.cut_size[0] >= 1:
            raise ValueError("cut_size [1, 1] cuts nothing; give a smallest l below 1")
        return self

    def arguments(self) -> dict[str, Any]:
        """The parameters of kornia, whose other formula takes the area for what is left."""
        return {**super().arguments(), "use_correct_lambda": True}


class PatchMix(_Mixing):
    """Put a square of another image of a batch into each one, and mix their targets by its area.

    In: float images [batch, channels, height, width] of any values, as `input`; `target`, class numbers [batch] or
    float [batch, classes]. Out: the same, `target` as float32 [batch, classes]. As kornia.augmentation.PatchMix, which
    changes images alone, with targets by the pixels that are seen of each image.
    """

    target: ClassVar[str] = "kornia.augmentation:PatchMix"
    example: ClassVar[Mapping[str, Any]] = {"patch_size": 4, "num_classes": 10}

    alpha: PositiveFloat = Field(
        default=1.0,
        description="Both parameters of a Beta distribution, above 0, from which kornia draws to no effect.",
    )
    patch_size: PositiveInt = Field(default=16, description="Side of the square in pixels, at most that of the image.")

    def after(self, image: Image) -> Image:
        """Nothing that is known changes; CheckFailed if the square is larger than the images."""
        sides = (self.patch_size, self.patch_size)
        least(image, self.name, sides, " for this patch_size", "Use a smaller patch_size, or larger images.")
        return image


class _Pieces(KorniaTransform):
    """What augmentations share that move pixels as they are."""

    def build(self) -> Callable[..., Any]:
        """The augmentation, for batches, and the masks in them."""
        from registry_core_kornia.objects.adapters import Rearranged

        return Rearranged(self, self.make(), {})


class RandomJigsaw(_Pieces):
    """Cut images of a batch into pieces, and put them together in random order, each image with probability `p`.

    In and out: float images [batch, channels, height, width] of any values, of which the pieces are equal, and masks of
    their height and width. As kornia.augmentation.RandomJigsaw, with masks cut alike.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomJigsaw"
    example: ClassVar[Mapping[str, Any]] = {"grid": [2, 2]}

    p: Probability = Field(default=0.5, description=P)
    same_on_batch: bool = Field(default=False, description=SAME)
    grid: Kernel = Field(default=(4, 4), description="Rows and columns of pieces; one number stands for both.")
    ensure_perm: bool = Field(default=True, description="Whether the order is never that of the image.")

    @model_validator(mode="after")
    def _pieces(self) -> Self:
        if self.ensure_perm and self.grid == (1, 1):
            raise ValueError("a grid of one piece has one order only; use more pieces, or ensure_perm: false")
        return self

    def after(self, image: Image) -> Image:
        """Nothing that is known changes; CheckFailed if the pieces are not equal."""
        for side, length, pieces in zip(("height", "width"), (image.height, image.width), self.grid, strict=True):
            if length is not None and length % pieces:
                message = f"Images of {side} {length} cannot be cut into {pieces} equal pieces."
                raise CheckFailed(message, "Change grid, or resize before it.", ("grid",))
        return image


class RandomMosaic(_Pieces):
    """Put images of a batch side by side, and cut a window out of them, each image with probability `p`.

    In: float images [batch, channels, height, width] of any values, as `input`; `target`, class maps of their height
    and width. Out: the same, of height and width `output_size`; both are put together of the same images. As
    kornia.augmentation.RandomMosaic, with masks cut alike.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomMosaic"

    p: Probability = Field(default=0.7, description=P)
    output_size: Size | None = Field(
        default=None, description="Height and width of the result in pixels, at least those of images; null: theirs."
    )
    mosaic_grid: Kernel = Field(default=(2, 2), description="Rows and columns of images; one number stands for both.")
    start_ratio_range: Parts = Field(
        default=(0.3, 0.7), description="Smallest and largest place of the window's corner in the first image, 0 to 1."
    )

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Class maps stay; CheckFailed if the targets are anything else."""
        return _maps_only(form, self.name, "shows parts of several images")

    def build(self) -> Callable[..., Any]:
        """The augmentation, for batches with class maps."""
        from registry_core_kornia.objects.mixing import Mosaic

        return Mosaic(self, self.make(), {})

    def after(self, image: Image) -> Image:
        """The image has the size of the window; CheckFailed if that is smaller than the images."""
        if self.output_size is None:
            return with_values(image, 0.0)
        for side, length, wanted in zip(
            ("height", "width"), (image.height, image.width), self.output_size, strict=True
        ):
            if length is not None and length > wanted:
                message = f"output_size has the {side} {wanted}, below that of the images, {length}."
                raise CheckFailed(message, "Use a larger one, and a crop behind it.", ("output_size",))
        return sized(with_values(image, 0.0), self.output_size, 1.0)


class RandomTransplantation(KorniaTransform):
    """Put what belongs to one class of another image of a batch into an image, with its class map.

    In and out: float images [batch, channels, height, width] of any values, as `input`; `target`, class maps int64
    [batch, height, width]. The class is drawn among those of the image before it in the batch. As
    kornia.augmentation.RandomTransplantation (Sellner et al., "Semantic segmentation of surgical hyperspectral images
    under geometric domain shifts", MICCAI 2023).
    """

    target: ClassVar[str] = "kornia.augmentation:RandomTransplantation"
    example: ClassVar[Mapping[str, Any]] = {"excluded_labels": [0]}

    p: Probability = Field(default=0.5, description="Probability that an image gets a piece of another, 0 to 1.")
    p_batch: Probability = Field(default=1.0, description="Probability that a batch is changed at all, 0 to 1.")
    excluded_labels: tuple[NonNegativeInt, ...] | None = Field(
        default=None, description="Classes that are never put into other images, such as the background; null: none."
    )

    def arguments(self) -> dict[str, Any]:
        """The parameters as kornia takes them: classes as a list."""
        return {**super().arguments(), "excluded_labels": list(self.excluded_labels or ())}

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Class maps stay; CheckFailed if the targets are anything else."""
        return _maps_only(form, self.name, "moves pieces of images by their class maps")

    def build(self) -> Callable[..., Any]:
        """The augmentation, for batches with class maps."""
        from registry_core_kornia.objects.mixing import Transplantation

        return Transplantation(self, self.make())


def _maps_only(form: TargetForm, name: str, why: str) -> TargetForm:
    if form not in ("class_maps", "any"):
        message = f"{name} {why}, and needs class maps as targets; these are {words(form)}."
        raise CheckFailed(message, f"Remove {name}, or use kornia_random_cut_mix_v2.")
    return form
