"""Hooks: what watches or steers a run."""

from __future__ import annotations

from typing import Any, ClassVar

from registry_core.components.base import Component


class Hook(Component):
    """An object with ``hookimpl`` methods of ``registry_core.components.events``.

    A hook with a memory has ``state_dict()`` and ``load_state_dict(state)``, with plain data, so that it
    survives a resume.
    """

    kind: ClassVar[str] = "hook"

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def build(self) -> object:
        """The object whose methods are called."""
        built: object = self.make()
        return built
