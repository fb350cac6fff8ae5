"""Checks for losses."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from registry_core.assembly.building import build
from registry_core.assembly.model.objective import Objective
from registry_core.components import DataFacts
from registry_core.planning.step import TermPlan
from registry_core.testing.checks import check
from registry_core.testing.inputs import activated, of_forms
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import Subject, resolved


def built_loss(component: Any) -> Any:
    """A loss, or the objective of a run for a sum of losses."""
    if component.terms()[0].loss is component:
        return build(component, component.build)
    terms = [
        TermPlan(term.loss, term.weight, term.inputs, None, term.loss.class_dimension) for term in component.terms()
    ]
    return Objective(terms)


def _called(subject: Subject, component: Any, seed: int = 0) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of example inputs, and these inputs, which require gradients if they are outputs of the model."""
    if component.terms()[0].loss is not component:
        raise NotApplicable("it is a sum of other losses, which are checked separately")
    inputs = of_forms(subject, component.inputs, component.output_form, component.target_forms, seed)
    for name in _given(component):
        inputs[name].requires_grad_()
    torch.manual_seed(0)
    return _value(component, component.build(), inputs), inputs


def _value(component: Any, module: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """The value of the loss, after the activation that a pipeline would add."""
    form, targets = component.output_form, component.target_forms
    arguments = [inputs[name] for name in component.inputs]
    arguments[0] = activated(form, targets, arguments[0], component.class_dimension)
    result: Tensor = module(*arguments)
    return result


def _given(component: Any) -> list[str]:
    """The arguments that are outputs of a model."""
    return [name for name in component.inputs if name == "output" or name.endswith("_output")] or [component.inputs[0]]


@check()
def is_a_finite_number(subject: Subject) -> None:
    """It is finite for example inputs, and a scalar if it is averaged."""
    loss, _ = _called(subject, subject.component())
    assert isinstance(loss, Tensor), f"it returns a {type(loss).__name__}, not a tensor"
    assert loss.isfinite().all(), f"it is {loss} for common inputs"
    assert loss.is_floating_point(), f"it returns {loss.dtype}"


@check()
def is_differentiable(subject: Subject) -> None:
    """Its gradients with respect to the model's outputs are finite and not all zero."""
    component = subject.component()
    loss, inputs = _called(subject, component)
    loss.mean().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    gradients = [inputs[name].grad for name in _given(component)]
    assert all(g is not None and g.isfinite().all() for g in gradients), "it has no finite gradient"
    assert any(g is not None and g.abs().sum() > 0 for g in gradients), "its gradient is zero everywhere"


@check()
def has_the_gradients_of_its_value(subject: Subject) -> None:
    """Its gradients equal finite differences of its value, in double precision."""
    component = subject.component()
    _, inputs = _called(subject, component)
    given = _given(component)
    fixed = {name: value.detach().double() if value.is_floating_point() else value for name, value in inputs.items()}
    module = component.build().double()

    def value(*outputs: Tensor) -> Tensor:
        return _value(component, module, {**fixed, **dict(zip(given, outputs, strict=True))}).mean()

    variables = [fixed[name].clone().requires_grad_() for name in given]
    assert torch.autograd.gradcheck(value, variables, raise_exception=False), (
        "its gradient differs from finite differences of its value"
    )


@check()
def is_right_under_reduction(subject: Subject) -> None:
    """With reduction sum it is the sum of its values with reduction none, and the mean is the sum by its divisor."""
    if "reduction" not in subject.declaration.model_fields:
        raise NotApplicable("it has no parameter `reduction`")
    (name, parameters), *_ = subject.written.items()
    values = {}
    for reduction in ("none", "sum", "mean"):
        component = resolved("loss", {name: {**parameters, "reduction": reduction}})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # kl_div warns about its mean
            values[reduction] = _called(subject, component)[0].detach()
    torch.testing.assert_close(values["none"].sum(), values["sum"], msg="reduction sum is not the sum of none")
    assert values["mean"].ndim == 0, "reduction mean returns no scalar"
    assert values["mean"].abs() <= values["sum"].abs() + 1e-6, "reduction mean is larger than sum"
    component = subject.component()
    if component.mean_over(DataFacts()) == "targets":
        mean, inputs = _called(subject, component)
        divisor = component.build_divisor()(*[inputs[name] for name in component.inputs[1:]])
        summed = _value(component, component.summed().build(), inputs)
        torch.testing.assert_close(summed / divisor, mean, msg="the mean is not the sum divided by the divisor")


@check()
def repeats(subject: Subject) -> None:
    """The same inputs result in the same value, and inputs are not changed."""
    first, inputs = _called(subject, subject.component())
    second, fresh = _called(subject, subject.component())
    assert torch.equal(first, second), "it returns different values for the same inputs"
    assert all(torch.equal(inputs[name], fresh[name]) for name in inputs), "it changes its inputs"
