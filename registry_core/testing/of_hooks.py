"""Checks for hooks."""

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
    """It implements at least one event, and only existing events and arguments."""
    built = subject.build()
    hooks = Hooks([(subject.record.name, built)])
    assert any(hooks.listened(event) for event in hooks.events), "it implements no event of a run"


@check()
def has_plain_memory(subject: Subject) -> None:
    """Its state for a resume is plain data and tensors, and can be loaded."""
    built: Any = subject.build()
    if not hasattr(built, "state_dict"):
        raise NotApplicable("it has no state")
    assert hasattr(built, "load_state_dict"), "it has state_dict, but no load_state_dict"
    state = built.state_dict()
    json.dumps(take_apart(state)[0])
    again: Any = subject.build()
    again.load_state_dict(state)
    assert repr(again.state_dict()) == repr(state), "the loaded state differs from the saved one"
