"""Hooks: objects that observe or control a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from registry_core.components.base import Component
from registry_core.components.facts import Horizon, RunFacts

if TYPE_CHECKING:
    from torch import nn


class Hook(Component):
    """An object with ``hookimpl`` methods of ``registry_core.components.events``.

    A hook with state has ``state_dict()`` and ``load_state_dict(state)``, with plain data and tensors, so that the
    state survives a resume.
    """

    kind: ClassVar[str] = "hook"
    processes: ClassVar[Literal["first", "all"]] = "first"
    """The processes of a run that call it: the first alone, as is right for hooks that write files, or all."""
    distinct_by: ClassVar[tuple[str, ...] | None] = None
    """Parameters in which several hooks of one run must differ; (): only one is allowed; None: any number is."""

    memory_of: ClassVar[tuple[str, ...] | None] = None
    """Parameters that its memory depends on: if one differs when a run is resumed, the hook starts anew. None: all."""

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the run lacks something that the hook requires."""

    def check_model(self, model: nn.Module) -> None:
        """Raise CheckFailed if the model, which was just built, lacks something that the hook requires."""

    def max_checkpoints(self, horizon: Horizon) -> int:
        """The largest number of checkpoints that the hook keeps at a time in a run of this length."""
        return 0

    def build(self) -> object:
        """The object whose methods are called."""
        built: object = self.make()
        return built
