"""Functions: named code that other components refer to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from registry_core.components.base import Component
from registry_core.components.facts import Image
from registry_core.components.target import load_target


class Function(Component):
    """A named function; its parameters here are the keyword arguments that are fixed in the pipeline."""

    kind: ClassVar[str] = "function"
    function_leading: ClassVar[int] = 1

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def follow(self, image: Image) -> Image | None:
        """For functions of images: what an image is after it, None where that is unknown; CheckFailed if it cannot."""
        return None

    def build(self) -> Callable[..., Any]:
        """The function, with its parameters fixed."""
        return partial(load_target(self.target), **self.arguments())
