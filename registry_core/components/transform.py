"""Transforms: operations on a sample before the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from registry_core.components.base import Component
from registry_core.components.facts import DataFacts, Image
from registry_core.components.forms import Aspect, TargetForm

if TYPE_CHECKING:
    from torch import Tensor

Randomness = Literal["none", "counter", "generators"]
Unit = Literal["sample", "batch"]
At = tuple[str | int, ...]
"""A place among a component's parameters, such as ``("transforms", 1)``."""


class Transform(Component):
    """Changes a sample: a mapping with ``input`` (an image), ``target``, and the other entries of its data set.

    ``random`` is the source of the built object's random numbers:

    - ``none``: it is called with the sample, and its result depends on nothing else;
    - ``counter``: it is called with the sample and ``Draws``, the source of all its random numbers;
    - ``generators``: it is called with the sample while the global generators of torch, NumPy and Python are seeded for
      this sample. It is meant for third-party code, and plain classes get it.

    A transform with the ``unit`` ``batch`` is called with a collated batch, and belongs to ``batch_transforms``; with
    ``on_device`` it runs on the device of the model, else in the process that loads the batch. A transform with
    ``num_views`` above 1 returns that number of samples for one. A transform with ``children`` is called with the
    sample, ``Draws``, and a list of its children: callables of a sample, with random numbers of their own.
    """

    kind: ClassVar[str] = "transform"
    random: ClassVar[Randomness] = "none"
    function_leading_arguments: ClassVar[int] = 1
    image_only: ClassVar[bool] = False
    """True if the built object is called with the image alone, and returns it, instead of the sample."""
    added_entries: ClassVar[tuple[str, ...]] = ()
    """Entries that it adds to a sample."""
    unit: ClassVar[Unit] = "sample"
    on_device: ClassVar[bool] = False
    """For batch transforms: True if it is called on the device of the model, after the batch was moved there."""
    num_views: ClassVar[int] = 1
    alternatives: ClassVar[bool] = False
    """True if it applies one of its children, False if it applies all of them in sequence."""
    has_batch_form: ClassVar[bool] = False
    """True if ``build_batch_form`` returns the same bits for a stack of images as the transform for each of them."""

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def infer_image(self, image: Image) -> Image | None:
        """The image after this transform, None if unknown; CheckFailed if it cannot be applied."""
        return None

    def entries(self) -> tuple[str, ...]:
        """Entries of a sample that its parameters name, besides the image."""
        return ()

    def infer_target(self, form: TargetForm) -> TargetForm:
        """The form of the target after this transform; CheckFailed if it cannot be applied."""
        return form

    def check_sample(self, facts: DataFacts) -> None:
        """Raise CheckFailed if samples have entries that it does not support, or lack one that it needs."""

    def children(self) -> Mapping[At, Transform]:
        """The transforms inside it, by their places among its parameters."""
        return {}

    def is_random(self, image: Image | None = None) -> bool:
        """True if its result differs from call to call, with these parameters and, if it is known, this input.

        A plain class does not say so: its name counts.
        """
        if getattr(self, "p", None) == 0:
            return False
        named = "random" in f"{self.name} {self.target.rpartition(':')[2]}".lower()
        return self.random == "counter" or (self.random == "generators" and named)

    def belongs_everywhere(self, image: Image | None = None) -> bool:
        """True if evaluations need it where training has it, because it changes the values of every image alike."""
        return False

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """The aspects of an image that it may change, with these parameters, and that targets may depend on."""
        return frozenset()

    def get_unit(self) -> Unit:
        """The unit that it works on, a sample or a batch: that of its first child, if it has children."""
        return next((part.get_unit() for part in self.children().values()), self.unit)

    def for_classes(self, classes: int | None) -> Self:
        """The same for this number of classes (None: unknown); CheckFailed if it does not fit, or is needed."""
        return self

    def for_data(self, facts: DataFacts) -> Self:
        """The same for samples of a data set with these facts, from which unset parameters may follow."""
        return self

    def build(self) -> Callable[..., Any]:
        """The callable that applies it."""
        built: Callable[..., Any] = self.make()
        return built

    def build_batch_form(self) -> Callable[[Tensor], Tensor]:
        """The transform of a stack of images [batch, channels, height, width], for one with ``has_batch_form``.

        It is called with images of one size and type, and returns the bits that the transform returns for each alone.
        """
        built: Callable[[Tensor], Tensor] = self.make()
        return built
