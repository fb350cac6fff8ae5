"""Checks of metrics, hooks and functions."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import PIL.Image
import torch

from registry_core.components.target import load_target
from registry_core.engine.checkpoint.tensor_tree import take_apart
from registry_core.engine.hooks import Hooks
from registry_core.testing.checks import check
from registry_core.testing.inputs import activated, of_forms
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import BUILDERS, Subject


def _updated(subject: Subject, component: Any, metric: Any, *seeds: int) -> float:
    output = next((form for form in component.output_forms), "any")
    targets = component.get_target_forms()
    for seed in seeds:
        inputs = of_forms(subject, component.inputs, output, targets, seed)
        arguments = [inputs[name] for name in component.inputs]
        arguments[0] = activated(output, targets, arguments[0], 1)
        metric.update(*arguments)
    return float(metric.compute())


@check("metric")
def measures(subject: Subject) -> None:
    """Updated with example batches, it gives one finite number."""
    component = subject.component()
    value = _updated(subject, component, BUILDERS["metric"](component), 0, 1)
    assert math.isfinite(value), f"it gives {value}"


@check("metric")
def starts_anew(subject: Subject) -> None:
    """After a reset it has forgotten what it was given."""
    component = subject.component()
    expected = _updated(subject, component, BUILDERS["metric"](component), 1)
    metric = BUILDERS["metric"](component)
    _updated(subject, component, metric, 0)
    metric.reset()
    found = _updated(subject, component, metric, 1)
    assert found == expected, f"after a reset it gives {found}, and a new one {expected}"


@check("hook")
def answers_known_events(subject: Subject) -> None:
    """Every event that it implements exists, with arguments that the event has, and there is at least one."""
    built = subject.build()
    hooks = Hooks([(subject.record.name, built)])
    assert any(hooks.listened(event) for event in hooks.events), "it implements no event of a run"


@check("hook")
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


_IMAGE = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)


@check("function")
def does_what_it_is_for(subject: Subject) -> None:
    """Called as what takes functions calls it, it gives what they need."""
    component = subject.component()
    function = subject.build()
    if component.use == "images":
        made = function(PIL.Image.fromarray(_IMAGE))
        assert isinstance(made, (PIL.Image.Image, torch.Tensor)), f"of an image it makes a {type(made).__name__}"
    elif component.use == "learning rates":
        factors = [function(step) for step in range(5)]
        assert all(math.isfinite(factor) and factor >= 0 for factor in factors), f"it gives the factors {factors}"
    elif component.use == "distances":
        rows = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
        distances = function(rows, rows.flip(0))
        assert distances.shape == (4,), f"for 4 pairs it gives {tuple(distances.shape)}"
        assert torch.equal(function(rows, rows.flip(0)), distances), "the same pairs have another distance"
    else:
        raise NotApplicable("it does not say what it is for: set `use`")


@check("function")
def is_found_by_name(subject: Subject) -> None:
    """Its target is a function that other processes can import by name."""
    if subject.declaration.target:
        assert callable(load_target(subject.declaration.target)), "its target is not a function"
