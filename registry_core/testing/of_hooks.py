"""Checks of hooks."""

from __future__ import annotations

import json
from typing import Any

from registry_core.engine.checkpoint.tensor_tree import take_apart
from registry_core.engine.hooks import Hooks
from registry_core.testing.checks import check
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import Subject


@check()
def answers_known_events(subject: Subject) -> None:
    """Every event that it implements exists, with arguments that the event has, and there is at least one."""
    built = subject.build()
    hooks = Hooks([(subject.record.name, built)])
    assert any(hooks.listened(event) for event in hooks.events), "it implements no event of a run"


@check()
def has_plain_memory(subject: Subject) -> None:
    """What it remembers over a resume is plain data and tensors, and can be given back."""
    built: Any = subject.build()
    if not hasattr(built, "state_dict"):
        raise NotApplicable("it has no memory")
    assert hasattr(built, "load_state_dict"), "it has state_dict, and no load_state_dict"
    state = built.state_dict()
    json.dumps(take_apart(state)[0])
    again: Any = subject.build()
    again.load_state_dict(state)
    assert repr(again.state_dict()) == repr(state), "what it was given back is not what it remembers"
