"""Functions: named code that other components refer to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

from registry_core.components.base import Component
from registry_core.components.facts import Image, ParameterError
from registry_core.components.target import load_target

Use = Literal["images", "learning rates", "distances", "any"]


class Function(Component):
    """A named function; its parameters here are the keyword arguments that are fixed in the pipeline."""

    kind: ClassVar[str] = "function"
    use: ClassVar[Use] = "any"
    """The use that it is made for; components that accept functions refuse those for another use."""
    function_leading_arguments: ClassVar[int] = 1

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def infer_image(self, image: Image) -> Image | None:
        """For functions of images: the image after it, None if unknown; CheckFailed if it cannot be applied."""
        return None

    def build(self) -> Callable[..., Any]:
        """The function, with its parameters fixed."""
        return partial(load_target(self.target), **self.arguments())


def used_for(use: Use, such_as: str, found: Function | tuple[Function, ...] | None) -> None:
    """Raise ParameterError if a function is for another use; ``such_as`` is the name of a suitable one."""
    for function in found if isinstance(found, tuple) else (found,):
        if function is not None and function.use not in (use, "any"):
            message = f"the function {function.name!r} is for {function.use}"
            raise ParameterError(message, f"Name one for {use}, such as {such_as}")
