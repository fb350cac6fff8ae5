"""Transforms: what happens to a sample on its way to the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from registry_core.components.base import Component
from registry_core.components.facts import DataFacts, Image
from registry_core.components.forms import TargetForm

if TYPE_CHECKING:
    from torch import Tensor

Randomness = Literal["none", "counter", "generators"]
Unit = Literal["sample", "batch"]
At = tuple[str | int, ...]
"""A place among a component's parameters, such as ``("transforms", 1)``."""


class Transform(Component):
    """Changes a sample: a mapping with ``input`` (an image), ``target``, and what else its data set declares.

    ``random`` says how the built object gets its random numbers:

    - ``none``: it is called with the sample and always does the same;
    - ``counter``: it is called with the sample and ``Draws``, and takes all its numbers from them;
    - ``generators``: it is called with the sample while the global generators of torch, NumPy and Python are seeded for
      this sample. The right choice for foreign code, and what plain classes get.

    One with ``unit`` ``batch`` is called with a collated batch, and stands in ``batch_transforms``; with ``on_device``
    the batch is on the device that trains, else it is in the process that loads it. One with ``num_views`` above 1
    returns so many samples of one. One with ``children`` is called with the sample, ``Draws``, and a list of its parts:
    callables that take a sample, with random numbers of their own.
    """

    kind: ClassVar[str] = "transform"
    random: ClassVar[Randomness] = "none"
    function_leading_arguments: ClassVar[int] = 1
    image_only: ClassVar[bool] = False
    """Whether the built object takes and returns the image alone instead of the sample."""
    added_entries: ClassVar[tuple[str, ...]] = ()
    """Entries that a sample has after it, and need not have before."""
    unit: ClassVar[Unit] = "sample"
    on_device: ClassVar[bool] = False
    """For those of batches: whether it is called where the model is, after the batch was moved there."""
    num_views: ClassVar[int] = 1
    has_batch_form: ClassVar[bool] = False
    """``build_batch_form`` returns the same bits for a stack of images as the transform for each of them."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def infer_image(self, image: Image) -> Image | None:
        """What an image is after this transform, None where that is unknown; CheckFailed if it cannot be applied."""
        return None

    def entries(self) -> tuple[str, ...]:
        """Entries of a sample that it is told to work on, besides the image."""
        return ()

    def infer_target(self, form: TargetForm) -> TargetForm:
        """What the target is after this transform; CheckFailed if it cannot be applied."""
        return form

    def check_sample(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the samples that come to it have entries that it cannot take, or lack one."""

    def children(self) -> Mapping[At, Transform]:
        """The transforms that it is made of, by their places among its parameters."""
        return {}

    def get_unit(self) -> Unit:
        """Whether it takes samples or batches: with parts, as the first of them."""
        return next((part.get_unit() for part in self.children().values()), self.unit)

    def for_classes(self, classes: int | None) -> Self:
        """The same for data of so many classes (None: not known); CheckFailed if that does not fit, or is needed."""
        return self

    def build(self) -> Callable[..., Any]:
        """The callable that does it."""
        built: Callable[..., Any] = self.make()
        return built

    def build_batch_form(self) -> Callable[[Tensor], Tensor]:
        """The transform of a stack of images [batch, channels, height, width], for one with ``has_batch_form``.

        It is called with images of one size and type, and returns the bits that the transform returns for each alone.
        """
        built: Callable[[Tensor], Tensor] = self.make()
        return built
