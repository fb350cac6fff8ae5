"""Call the hooks of a run through pluggy, in the order of the pipeline file."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import pluggy

from registry_core.components.events import EVENTS, PROJECT, QUESTIONS, Events
from registry_core.diagnostics import BrokenComponent, RegistryError, RunError
from registry_core.diagnostics.foreign_code import failure, foreign_code, pass_interrupt
from registry_core.diagnostics.printable import warn
from registry_core.registry.blame import origin_in

_CANNOT_WRITE = frozenset(
    getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS") if hasattr(errno, name)
)


def _writer_ended(name: str, error: OSError) -> RunError:
    what = f"{str(error.filename)!r}" if error.filename else "its file"
    message = f"The {name} cannot write {what}: {error.strerror}."
    return RunError(message, "Free some space, and resume the run.")


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
        self._places = {name: place for place, (name, _) in enumerate(self.hooks)}
        self._reported: dict[tuple[str, str, type[BaseException]], str] = {}
        self._unwritten: RunError | None = None
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
    def errors(self) -> list[str]:
        """The errors of observers: for each, event and type of error the first."""
        return list(self._reported.values())

    @property
    def events(self) -> tuple[str, ...]:
        """All events and questions of a run."""
        return tuple(self._calls)

    def _caller(self, event: str) -> Any:
        return getattr(self._manager.hook, event)

    def listened(self, event: str) -> bool:
        """True if any hook implements the event or question."""
        return bool(self._calls[event])

    def tell(self, event: str, **arguments: Any) -> None:
        """Tell all observers; one that raises is reported once, and the others still hear of it.

        If one cannot write, as on a full disk, ``require_writers`` raises; at the end of a run that is only reported.
        """
        for call in self._calls[event]:
            try:
                call(arguments)
            except OSError as error:
                if error.errno in _CANNOT_WRITE and event != "run_ended":
                    self._unwritten = self._unwritten or _writer_ended(call.name, error)
                else:
                    self._report(call, event, error)
            except BaseException as error:  # an observer may raise anything, and must not end a run
                pass_interrupt(error)
                self._report(call, event, error)

    def require_writers(self) -> None:
        """Raise RunError if an observer could not write: what it should write from then on would be lost.

        It is asked between two steps, when all observers have heard of all that happened.
        """
        if self._unwritten is not None:
            raise self._unwritten

    def _report(self, call: _Call, event: str, error: BaseException) -> None:
        key = (call.name, event, type(error))
        if key not in self._reported:
            self._reported[key] = str(failure(f"The {call.name}{origin_in(error)} failed in {event}", error))
            warn(self._reported[key])

    def ask(self, question: str, **arguments: Any) -> list[Any]:
        """The answers of all hooks that have one, in the order of the file; one that raises ends the run."""
        return [answer for _, answer in self.answers(question, **arguments)]

    def answers(self, question: str, **arguments: Any) -> list[tuple[int, Any]]:
        """The same answers, each with the place of its hook among the hooks of this process."""
        found = []
        for call in self._calls[question]:
            try:
                answer = call(arguments)
            except RegistryError:
                raise
            except BaseException as error:  # a plugin may raise anything
                pass_interrupt(error)
                raise failure(f"The {call.name}{origin_in(error)} failed in {question}", error) from error
            if answer is not None:
                found.append((self._places[call.name], answer))
        return found

    def states(self) -> list[Any]:
        """The memory of each hook; None for a hook without one."""
        found = []
        for name, hook in self.hooks:
            with foreign_code(f"The {name} failed in state_dict"):
                found.append(hook.state_dict() if hasattr(hook, "state_dict") else None)
        return found

    def has_memory(self, place: int) -> bool:
        """True if the hook at a place has a memory."""
        return hasattr(self.hooks[place][1], "state_dict")

    def remember(self, place: int, state: Any) -> None:
        """Give the hook at a place its memory back."""
        name, hook = self.hooks[place]
        if state is not None and hasattr(hook, "load_state_dict"):
            with foreign_code(f"The {name} failed in load_state_dict"):
                hook.load_state_dict(state)
