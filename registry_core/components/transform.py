"""Transforms: what happens to a sample on its way to the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from registry_core.components.base import Component
from registry_core.components.facts import CheckFailed, DataFacts, Image
from registry_core.components.forms import TargetForm

Randomness = Literal["none", "counter", "generators"]
Scope = Literal["sample", "batch"]
At = tuple[str | int, ...]
"""A place among a component's parameters, such as ``("transforms", 1)``."""


class Transform(Component):
    """Changes a sample: a mapping with ``input`` (an image), ``target``, and what else its data set declares.

    ``random`` says how the built object gets its random numbers:

    - ``none``: it is called with the sample and always does the same;
    - ``counter``: it is called with the sample and ``Draws``, and takes all its numbers from them;
    - ``generators``: it is called with the sample while the global generators of torch, NumPy and Python are seeded for
      this sample. The right choice for foreign code, and what plain classes get.

    One with ``scope`` ``batch`` is called with a collated batch, and stands in ``batch_transforms``; with ``on_device``
    the batch is on the device that trains, else it is in the process that loads it. One with
    ``views_made`` above 1 returns so many samples of one. One with ``parts`` is called with the sample, ``Draws``, and
    a list of its parts: callables that take a sample, with random numbers of their own.
    """

    kind: ClassVar[str] = "transform"
    random: ClassVar[Randomness] = "none"
    function_leading: ClassVar[int] = 1
    takes_image_only: ClassVar[bool] = False
    """Whether the built object takes and returns the image alone instead of the sample."""
    adds: ClassVar[tuple[str, ...]] = ()
    """Entries that a sample has after it, and need not have before."""
    scope: ClassVar[Scope] = "sample"
    on_device: ClassVar[bool] = False
    """For those of batches: whether it is called where the model is, after the batch was moved there."""
    views_made: ClassVar[int] = 1

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def follow(self, image: Image) -> Image | None:
        """What an image is after this transform, None where that is unknown; CheckFailed if it cannot be applied."""
        return None

    def doubts(self, image: Image) -> Sequence[CheckFailed]:
        """What it hardly does as is meant with such an image, though it can be applied: warnings."""
        return ()

    def entries(self) -> tuple[str, ...]:
        """Entries of a sample that it is told to work on, besides the image."""
        return ()

    def follow_target(self, form: TargetForm) -> TargetForm:
        """What the target is after this transform; CheckFailed if it cannot be applied."""
        return form

    def check_data(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the samples that come to it have entries that it cannot take, or lack one."""

    def parts(self) -> Mapping[At, Transform]:
        """The transforms that it is made of, by their places among its parameters."""
        return {}

    def works_on(self) -> Scope:
        """Whether it takes samples or batches: with parts, as the first of them."""
        return next((part.works_on() for part in self.parts().values()), self.scope)

    def for_classes(self, classes: int | None) -> Self:
        """The same for data of so many classes (None: not known); CheckFailed if that does not fit, or is needed."""
        return self

    def build(self) -> Callable[..., Any]:
        """The callable that does it."""
        built: Callable[..., Any] = self.make()
        return built
