"""Init schemes: first values of a parameter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from registry_core.components.base import Component
from registry_core.components.target import load_target

if TYPE_CHECKING:
    from torch import Tensor


class Init(Component):
    """Fills a parameter in place; the target is a function of the tensor and the component's parameters."""

    kind: ClassVar[str] = "init"
    function_leading: ClassVar[int] = 1

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def build(self) -> Callable[[Tensor], Tensor]:
        """The function that fills a tensor and returns it."""
        return partial(load_target(self.target), **self.arguments())
