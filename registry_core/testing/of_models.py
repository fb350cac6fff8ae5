"""Checks for models."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from registry_core.assembly.model.objective import named_outputs
from registry_core.components import CheckFailed, Image, Model
from registry_core.testing.checks import check
from registry_core.testing.inputs import BATCH, tensors_of
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.shapes import assert_shape
from registry_core.testing.subject import Subject

_SIDES = (8, 16, 28, 32, 64, 96, 224)


def model_inputs(subject: Subject, component: Any) -> list[Tensor]:
    """The inputs of the model: those of its example, or images that it declares to accept."""
    if subject.example_inputs:
        found = tensors_of(subject.example_inputs)
        return [found[name] for name in component.inputs]
    if type(component).check_input is Model.check_input:
        raise NotApplicable("it does not declare its images: declare `example_inputs` or override `check_input`")
    for side in _SIDES:
        for channels in (3, 1):
            try:
                component.check_input(Image("float", channels, side, side, 0.0, 1.0))
            except CheckFailed:
                continue
            generator = torch.Generator().manual_seed(1)
            return [torch.rand(BATCH, channels, side, side, generator=generator) for _ in component.inputs]
    raise NotApplicable("it accepts no common image: declare `example_inputs`")


def _seeded(component: Any) -> nn.Module:
    torch.manual_seed(0)
    built: nn.Module = component.build()
    return built


@check()
def takes_what_it_declares(subject: Subject) -> None:
    """Its outputs are the declared ones: their names, one row per sample, and the number of values."""
    component = subject.component()
    inputs = model_inputs(subject, component)
    output = _seeded(component).eval()(*inputs)
    if len(component.outputs) > 1:
        assert set(component.outputs) <= set(output), f"it returns {sorted(output)}, but declares {component.outputs}"
    found = named_outputs(component.outputs, output)
    for name, value in found.items():
        assert isinstance(value, Tensor), f"its output {name!r} is a {type(value).__name__}, not a tensor"
        assert len(value) == len(inputs[0]), f"its output {name!r} has {len(value)} rows for {len(inputs[0])} samples"
        assert value.isfinite().all(), f"its output {name!r} is not finite"
    first = found[component.outputs[0]]
    outputs, shape = component.num_outputs(), component.output_shape()
    if outputs is not None and first.ndim == 2:
        assert first.shape[1] == outputs, f"it returns {first.shape[1]} values per sample, but declares {outputs}"
    if shape is not None:
        assert_shape(first.shape[1:], shape)
    _of_form(component.get_output_form(), first)


def _of_form(form: str, output: Tensor) -> None:
    if form == "probabilities":
        assert ((output >= 0) & (output <= 1)).all(), "it declares probabilities, but returns other values"
    if form == "log_probabilities":
        assert (output <= 0).all(), "it declares log-probabilities, but returns positive values"


@check()
def starts_from_the_seed(subject: Subject) -> None:
    """Two builds under the same seed of torch have the same initial values."""
    component = subject.component()
    first, second = _seeded(component).state_dict(), _seeded(component).state_dict()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different, f"initial values differ under the same seed: {', '.join(different[:5])}"


@check()
def keeps_its_weights(subject: Subject) -> None:
    """A new one with its weights returns the same output, and it can be copied for averaged weights."""
    component = subject.component()
    inputs = model_inputs(subject, component)
    model = _seeded(component).eval()
    again: nn.Module = component.build().eval()
    again.load_state_dict(model.state_dict())
    expected = named_outputs(component.outputs, model(*inputs))
    for other in (again, copy.deepcopy(model)):
        found = named_outputs(component.outputs, other(*inputs))
        assert all(torch.equal(found[name], expected[name]) for name in expected), (
            "the same weights result in different outputs"
        )


@check()
def can_be_trained(subject: Subject) -> None:
    """It has parameters, and some of them get gradients from its outputs."""
    component = subject.component()
    inputs = model_inputs(subject, component)
    model = _seeded(component).train()
    found = named_outputs(component.outputs, model(*inputs))
    torch.stack([value.float().square().mean() for value in found.values()]).sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert gradients, "no parameter has a gradient"
