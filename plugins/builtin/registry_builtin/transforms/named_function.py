"""Transforms that call a registered function by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from registry_core.components import CheckFailed, DataFacts, Function, Image, ParameterError, Transform, used_for
from registry_core.components.transform import Randomness


class Lambda(Transform):
    """Replace the image, or another entry of the sample, by the result of a registered function.

    `function` is the name of a component of kind function with its parameters, never code: only registered functions
    can be called. The generators of torch, NumPy and Python are seeded for the sample before the call. Equivalent to
    torchvision.transforms.v2.Lambda.
    """

    target = "registry_builtin.objects.named_function:Applied"
    random: ClassVar[Randomness] = "generators"
    example: ClassVar[Mapping[str, Any]] = {"function": {"gamma": {"gamma": 0.5}}}
    old_spellings: ClassVar[Mapping[str, str]] = {"lambd": "function: the name of a registered function"}

    function: Function = Field(description="Function of one argument, with its parameters.")
    entry: str = Field(
        default="input", description="Entry of the sample that is passed to the function and replaced by its result."
    )

    @field_validator("function")
    @classmethod
    def _is_for_images(cls, function: Function) -> Function:
        used_for("images", "invert", function)
        return function

    @model_validator(mode="after")
    def _is_given_images(self) -> Self:
        if self.entry == "target" and self.function.use == "images":
            message = f"the function {self.function.name!r} expects images, but `entry` is target"
            raise ParameterError(message, "Remove entry")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the built function and the entry."""
        return {"function": self.function.build(), "entry": self.entry}

    def entries(self) -> tuple[str, ...]:
        """Return the entry that is passed to the function."""
        return () if self.entry == "input" else (self.entry,)

    def check_sample(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the function expects an image and the entry is not one."""
        not_images = {*facts.masks, *facts.boxes}
        not_images |= {"target_length"} if facts.target_form == "sequences" else set()
        if self.function.use == "images" and self.entry in not_images:
            message = f"The function {self.function.name!r} expects an image, but the entry {self.entry!r} is not one."
            raise CheckFailed(message, "Remove entry, or choose a function for it.", ("entry",))

    def infer_image(self, image: Image) -> Image | None:
        """Return the image that the function declares as its result."""
        return self.function.infer_image(image) if self.entry == "input" else image
