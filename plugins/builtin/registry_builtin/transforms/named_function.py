"""Transforms that call a function by its registered name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from registry_core.components import CheckFailed, DataFacts, Function, Image, Transform, used_for
from registry_core.components.transform import Randomness


class Lambda(Transform):
    """Call a registered function with the image, or another entry of the sample, and take what it returns.

    `function` is the name of a component of kind function with its parameters, never code: what is not registered
    cannot be called. Functions that draw random numbers find the generators of torch, NumPy and Python seeded for the
    sample. As torchvision.transforms.v2.Lambda.
    """

    target = "registry_builtin.objects.named_function:Applied"
    random: ClassVar[Randomness] = "generators"
    example: ClassVar[Mapping[str, Any]] = {"function": {"gamma": {"gamma": 0.5}}}
    old_spellings: ClassVar[Mapping[str, str]] = {"lambd": "function: the name of a registered function"}

    function: Function = Field(description="A function of one value, with its parameters.")
    entry: str = Field(default="input", description="Which entry of the sample it is called with and replaces.")

    @field_validator("function")
    @classmethod
    def _is_for_images(cls, function: Function) -> Function:
        used_for("images", "invert", function)
        return function

    @model_validator(mode="after")
    def _is_given_images(self) -> Self:
        if self.entry == "target" and self.function.use == "images":
            raise ValueError(f"the function {self.function.name!r} is for images, not for targets; leave entry out")
        return self

    def arguments(self) -> dict[str, Any]:
        """The function itself, and the entry."""
        return {"function": self.function.build(), "entry": self.entry}

    def entries(self) -> tuple[str, ...]:
        """The entry that the function is called with."""
        return () if self.entry == "input" else (self.entry,)

    def check_sample(self, facts: DataFacts) -> None:
        """The entry is an image if the function is for images."""
        not_images = {*facts.masks, *facts.boxes}
        not_images |= {"target_length"} if facts.target_form == "sequences" else set()
        if self.function.use == "images" and self.entry in not_images:
            message = f"The function {self.function.name!r} is for images, and the entry {self.entry!r} is none."
            raise CheckFailed(message, "Leave entry out, or name a function for it.", ("entry",))

    def infer_image(self, image: Image) -> Image | None:
        """What the function declares of its result."""
        return self.function.infer_image(image) if self.entry == "input" else image
