"""Hooks: the run has what each hook requires, and no two hooks conflict."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.checks.check import check, warning
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed, Hook
from registry_core.diagnostics import Problem


@check("hook", after=("watched_metrics_are_measured", "required_modules_are_installed"))
def run_has_what_hooks_ask_for(context: CheckContext) -> Iterator[Problem]:
    """The run has what each hook requires."""
    for index, hook in enumerate(context.spec.hooks):
        if not context.whole(("hooks", index), ("model",), ("metrics",), ("data",)):
            continue
        try:
            hook.check(context.analysis.run_facts)
        except CheckFailed as failed:
            yield context.rejected(("hooks", index), failed)


@warning("duplicate-hook")
def hooks_are_not_repeated(context: CheckContext) -> Iterator[Problem]:
    """No two hooks do the same, or write to the same file."""
    hooks = context.spec.hooks
    for index, hook in enumerate(hooks):
        if any(_in_each_others_way(hook, other) for other in hooks[:index]):
            message = f"The hook {hook.name!r} is listed twice{_alike(hook)}."
            yield context.problem(("hooks", index), message, "Remove one of them.")


def _in_each_others_way(hook: Hook, other: Hook) -> bool:
    if type(hook) is not type(other):
        return False
    by = hook.distinct_by
    return hook == other if by is None else all(getattr(hook, name) == getattr(other, name) for name in by)


def _alike(hook: Hook) -> str:
    names = hook.distinct_by or ()
    return f" with the same {' and '.join(names)}" if names else ""
