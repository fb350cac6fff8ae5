"""Checks of models, layers and init schemes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn

from registry_core.assembly.model.module_facts import facts_of
from registry_core.assembly.model.objective import named_outputs
from registry_core.components import CheckFailed, Image, Layer, Model, Shape
from registry_core.testing.checks import check
from registry_core.testing.inputs import BATCH, tensors_of
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import LAYER_SHAPES, Subject

_SIDES = (8, 16, 28, 32, 64, 96, 224)


def model_inputs(subject: Subject, component: Any) -> list[Tensor]:
    """What the model is called with: as its example says, or images that it declares to take."""
    if subject.example_inputs:
        found = tensors_of(subject.example_inputs)
        return [found[name] for name in component.inputs]
    if type(component).check_input is Model.check_input:
        raise NotApplicable("it does not say which images it takes: give `example_inputs`, or override `check_input`")
    for side in _SIDES:
        for channels in (3, 1):
            try:
                component.check_input(Image("float", channels, side, side, 0.0, 1.0))
            except CheckFailed:
                continue
            generator = torch.Generator().manual_seed(1)
            return [torch.rand(BATCH, channels, side, side, generator=generator) for _ in component.inputs]
    raise NotApplicable("it takes no ordinary image: give `example_inputs`")


def _seeded(component: Any) -> nn.Module:
    torch.manual_seed(0)
    built: nn.Module = component.build()
    return built


@check("model")
def takes_what_it_declares(subject: Subject) -> None:
    """Called with what it takes, it gives what it declares: names, one row a sample, and as many numbers."""
    component = subject.component()
    inputs = model_inputs(subject, component)
    output = _seeded(component).eval()(*inputs)
    if len(component.outputs) > 1:
        assert set(component.outputs) <= set(output), f"it gives {sorted(output)}, and declares {component.outputs}"
    found = named_outputs(component.outputs, output)
    for name, value in found.items():
        assert isinstance(value, Tensor), f"its output {name!r} is a {type(value).__name__}, not a tensor"
        assert len(value) == len(inputs[0]), f"its output {name!r} has {len(value)} rows for {len(inputs[0])} samples"
        assert value.isfinite().all(), f"its output {name!r} is not finite"
    first = found[component.outputs[0]]
    outputs, shape = component.num_outputs(), component.output_shape()
    if outputs is not None and first.ndim == 2:
        assert first.shape[1] == outputs, f"it gives {first.shape[1]} numbers a sample, and declares {outputs}"
    if shape is not None:
        _same_shape(first.shape[1:], shape)
    _of_form(component.get_output_form(), first)


def _of_form(form: str, output: Tensor) -> None:
    if form == "probabilities":
        assert ((output >= 0) & (output <= 1)).all(), "it declares probabilities, and gives others numbers"
    if form == "log_probabilities":
        assert (output <= 0).all(), "it declares log-probabilities, and gives positive numbers"


def _same_shape(found: Any, said: Shape) -> None:
    wrong = len(found) != len(said) or any(s not in (None, f) for f, s in zip(found, said, strict=True))
    assert not wrong, f"a sample becomes {tuple(found)}, and it declares {said}"


@check("model")
def starts_from_the_seed(subject: Subject) -> None:
    """Built under the same seed of torch, it has the same first values."""
    component = subject.component()
    first, second = _seeded(component).state_dict(), _seeded(component).state_dict()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different, f"first values differ under the same seed: {', '.join(different[:5])}"


@check("model")
def keeps_its_weights(subject: Subject) -> None:
    """Its weights, loaded into a new one, give the same output; copies for averaged weights can be made."""
    component = subject.component()
    inputs = model_inputs(subject, component)
    model = _seeded(component).eval()
    again: nn.Module = component.build().eval()
    again.load_state_dict(model.state_dict())
    expected = named_outputs(component.outputs, model(*inputs))
    for other in (again, copy.deepcopy(model)):
        found = named_outputs(component.outputs, other(*inputs))
        assert all(torch.equal(found[name], expected[name]) for name in expected), "the same weights give other outputs"


@check("model")
def can_be_trained(subject: Subject) -> None:
    """It has parameters, and gradients reach some of them from its outputs."""
    component = subject.component()
    inputs = model_inputs(subject, component)
    model = _seeded(component).train()
    found = named_outputs(component.outputs, model(*inputs))
    torch.stack([value.float().square().mean() for value in found.values()]).sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert gradients, "no parameter has a gradient"


def _says_its_modules(subject: Subject) -> bool:
    """Whether a model or layer overrides `modules`; one that is broken has to say so in its checks."""
    try:
        return type(subject.component()).modules not in (Model.modules, Layer.modules)
    except (Exception, SystemExit):  # a component may raise anything
        return True


@check("model", "layer", where=_says_its_modules)
def has_the_modules_it_declares(subject: Subject) -> None:
    """Built, it has the modules, parameters and saved buffers that it says: names, classes, order and shapes."""
    component = subject.component()
    tried = 0
    for sized in [component] if isinstance(component, Model) else _sized(component):
        said = sized.modules()
        if said is None:
            continue
        tried += 1
        for declared, found in zip_longest(said, facts_of(sized.build())):
            assert declared == found, f"it declares {declared or 'nothing more'}, and has {found or 'nothing more'}"
    if not tried:
        raise NotApplicable("it does not say what it is made of: override `modules`")


def _sized(layer: Any) -> Iterator[Any]:
    """The layer with all sizes, for samples of each shape that it takes."""
    for shape in LAYER_SHAPES:
        with suppress(CheckFailed):
            yield layer.with_sizes(shape)


@check("layer")
def follows_shapes(subject: Subject) -> None:
    """What a sample is after it, is what it says; and it has as many numbers as it says."""
    component = subject.component()
    tried = 0
    for shape in LAYER_SHAPES:
        try:
            sized = component.with_sizes(shape)
            said = sized.infer_shape(shape)
        except CheckFailed:
            continue
        if said is None:
            continue
        tried += 1
        built = sized.build().eval()
        made = built(torch.randn(BATCH, *shape, generator=torch.Generator().manual_seed(0)))
        _same_shape(made.shape[1:], said)
        numbers = sum(parameter.numel() for parameter in built.parameters())
        assert sized.count_parameters() in (None, numbers), (
            f"it has {numbers} numbers, and declares {sized.count_parameters()}"
        )
    if not tried:
        raise NotApplicable("it does not say what a sample is after it: override `infer_image`")


def _filled(component: Any, shape: tuple[int, ...], seed: int) -> Tensor:
    torch.manual_seed(seed)
    tensor = torch.full(shape, 7.0)
    with torch.no_grad():
        returned = component.build()(tensor)
    assert returned is None or returned.data_ptr() == tensor.data_ptr(), "it does not fill the tensor in place"
    return tensor


def _fillable(component: Any) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    shapes: tuple[tuple[int, ...], ...] = ((6,), (6, 4), (6, 4, 3), (6, 4, 3, 3))
    for shape in shapes:
        try:
            component.check_shape(shape)
        except CheckFailed:
            continue
        found.append(shape)
    if not found:
        raise NotApplicable("it fills no ordinary parameter")
    return found


@check("init")
def fills_in_place(subject: Subject) -> None:
    """It fills every parameter of a shape that it takes, in place, with finite numbers."""
    component = subject.component()
    for shape in _fillable(component):
        tensor = _filled(component, shape, 0)
        assert tensor.shape == shape, f"it makes {tuple(tensor.shape)} of {shape}"
        assert tensor.isfinite().all(), "it fills with numbers that are not finite"
        assert not (tensor == 7.0).all() or _is_constant(component, shape), "it leaves the parameter as it was"


def _is_constant(component: Any, shape: tuple[int, ...]) -> bool:
    tensor = torch.full(shape, 3.0)
    with torch.no_grad():
        component.build()(tensor)
    return bool((tensor == 7.0).all())


@check("init")
def draws_from_the_generator(subject: Subject) -> None:
    """What it draws comes from torch's generator: the same seed gives the same values."""
    component = subject.component()
    for shape in _fillable(component):
        first, second = _filled(component, shape, 3), _filled(component, shape, 3)
        assert torch.equal(first, second), "the same seed gives other values"
