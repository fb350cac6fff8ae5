"""Checks for metrics."""

from __future__ import annotations

import math
from typing import Any

from registry_core.assembly.building import build
from registry_core.testing.checks import check
from registry_core.testing.inputs import activated, of_forms
from registry_core.testing.subject import CLASSES, Subject


def built_metric(component: Any) -> Any:
    """A metric for a model with a few classes."""
    return build(component, component.build, getattr(component, "num_classes", None) or CLASSES)


def _updated(subject: Subject, component: Any, metric: Any, *seeds: int) -> float:
    output = next((form for form in component.output_forms), "any")
    targets = component.get_target_forms()
    for seed in seeds:
        inputs = of_forms(subject, component.inputs, output, targets, seed)
        arguments = [inputs[name] for name in component.inputs]
        arguments[0] = activated(output, targets, arguments[0], 1)
        metric.update(*arguments)
    return float(metric.compute())


@check()
def measures(subject: Subject) -> None:
    """After example batches its value is one finite number."""
    component = subject.component()
    value = _updated(subject, component, built_metric(component), 0, 1)
    assert math.isfinite(value), f"its value is {value}"


@check()
def starts_anew(subject: Subject) -> None:
    """A reset restores the initial state."""
    component = subject.component()
    expected = _updated(subject, component, built_metric(component), 1)
    metric = built_metric(component)
    _updated(subject, component, metric, 0)
    metric.reset()
    found = _updated(subject, component, metric, 1)
    assert found == expected, f"after a reset its value is {found}, but that of a new one is {expected}"
