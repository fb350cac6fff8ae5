"""Hooks: what watches or steers a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from registry_core.components.base import Component
from registry_core.components.facts import Horizon, RunFacts

if TYPE_CHECKING:
    from torch import nn


class Hook(Component):
    """An object with ``hookimpl`` methods of ``registry_core.components.events``.

    A hook with a memory has ``state_dict()`` and ``load_state_dict(state)``, with plain data, so that it
    survives a resume.
    """

    kind: ClassVar[str] = "hook"
    processes: ClassVar[Literal["first", "all"]] = "first"
    """In which processes of a run it is called: in the first alone, as what writes files should be, or in all."""
    distinct_by: ClassVar[tuple[str, ...] | None] = None
    """Parameters in which several of a run must differ, none if there can be one only; None: any number may be."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the run does not have what the hook wants."""

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model, which was just built, does not have what the hook wants."""

    def max_checkpoints(self, horizon: Horizon) -> int:
        """How many checkpoints there are at most at a time, in a run of this length, because the hook keeps them."""
        return 0

    def build(self) -> object:
        """The object whose methods are called."""
        built: object = self.make()
        return built
