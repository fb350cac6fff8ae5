"""Call the hooks of a run through pluggy, in the order of the pipeline file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import pluggy

from registry_core.components.events import EVENTS, PROJECT, QUESTIONS, Events
from registry_core.diagnostics import BrokenComponent


@dataclass(frozen=True)
class _Call:
    """One hook's implementation of one event, with the arguments that it takes: it may leave some out."""

    name: str
    function: Callable[..., Any]
    inputs: tuple[str, ...]

    @classmethod
    def of(cls, found: pluggy.HookImpl) -> _Call:
        return cls(found.plugin_name, found.function, tuple(signature(found.function).parameters))

    def __call__(self, arguments: dict[str, Any]) -> Any:
        return self.function(**{name: arguments[name] for name in self.inputs})


class Hooks:
    """The hooks of one run; an event that no hook listens to costs nothing (see ``listened``)."""

    def __init__(self, hooks: list[tuple[str, object]], first: int = 0) -> None:
        """Hooks under their names; ``first`` is the place of the first of them in the file."""
        self.hooks = [(f"hooks[{place}] {name}", hook) for place, (name, hook) in enumerate(hooks, first)]
        self.errors: list[str] = []
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Events)
        for name, hook in reversed(self.hooks):  # pluggy calls the last one registered first
            try:
                self._manager.register(hook, name)
            except pluggy.PluginValidationError as error:
                raise BrokenComponent(f"The {name} does not fit the events of a run: {error}") from error
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise BrokenComponent(f"A hook implements an event that does not exist: {error}") from error
        self._calls = {
            event: [_Call.of(found) for found in reversed(self._caller(event).get_hookimpls())]
            for event in (*EVENTS, *QUESTIONS)
        }

    @property
    def events(self) -> tuple[str, ...]:
        """All events and questions of a run."""
        return tuple(self._calls)

    def _caller(self, event: str) -> Any:
        return getattr(self._manager.hook, event)

    def listened(self, event: str) -> bool:
        """Whether any hook implements the event or question."""
        return bool(self._calls[event])

    def tell(self, event: str, **arguments: Any) -> None:
        """Tell all observers; one that raises is reported and noted in ``errors``, and the others still hear of it."""
        for call in self._calls[event]:
            try:
                call(arguments)
            except (Exception, SystemExit) as error:  # an observer may raise anything, and must not end a run
                message = f"The {call.name} failed in {event}: {type(error).__name__}: {error}"
                if message not in self.errors:
                    self.errors.append(message)
                    print(message, file=sys.stderr)

    def ask(self, question: str, **arguments: Any) -> list[Any]:
        """The answers of all hooks that have one, in the order of the file; one that raises ends the run."""
        answers = []
        for call in self._calls[question]:
            try:
                answer = call(arguments)
            except (Exception, SystemExit) as error:  # a hook may raise anything
                message = f"The {call.name} failed in {question}: {type(error).__name__}: {error}"
                raise BrokenComponent(message) from error
            if answer is not None:
                answers.append(answer)
        return answers

    def state_dict(self) -> dict[str, Any]:
        """The memory of the hooks that have one."""
        return {name: hook.state_dict() for name, hook in self.hooks if hasattr(hook, "state_dict")}

    def load_state_dict(self, states: dict[str, Any]) -> None:
        """Give each hook its memory back."""
        for name, hook in self.hooks:
            if name in states and hasattr(hook, "load_state_dict"):
                hook.load_state_dict(states[name])
