"""Init schemes: functions that fill a parameter with initial values."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from registry_core.components.base import Component
from registry_core.components.facts import CheckFailed
from registry_core.components.target import load_target

if TYPE_CHECKING:
    from torch import Tensor


class Init(Component):
    """Fills a parameter in place; the target is a function of the tensor and the component's parameters."""

    kind: ClassVar[str] = "init"
    function_leading_arguments: ClassVar[int] = 1
    dimensions: ClassVar[tuple[int, int | None]] = (0, None)
    """Fewest and most dimensions of a parameter that it can fill; None: no limit."""

    draws: ClassVar[bool] = True
    """True if it draws random values, False if it sets known ones."""

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise CheckFailed if it cannot fill a parameter of this shape."""
        least, most = self.dimensions
        if least <= len(shape) and (most is None or len(shape) <= most):
            return
        limited = str(least) if least == most else f"{least} to {most}"
        needed = f"at least {least}" if most is None else limited
        raise CheckFailed(f"it needs {needed} dimensions", "Choose another scheme, such as zeros or normal.")

    def spread(self, shape: tuple[int, ...]) -> float | None:
        """The standard deviation of the values that it fills a parameter of this shape with; None: not known.

        0 means that all values are the same.
        """
        return None if self.constant_value() is None else 0.0

    def constant_value(self) -> float | None:
        """The value of all elements, if it fills with one value; else None."""
        return None

    def build(self) -> Callable[[Tensor], Tensor]:
        """The function that fills a tensor and returns it."""
        return partial(load_target(self.target), **self.arguments())
