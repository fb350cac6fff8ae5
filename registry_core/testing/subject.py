"""The component under test: its declaration, its example, and what it builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from registry_core.assembly.building import build
from registry_core.assembly.model.objective import Objective
from registry_core.catalog import Record
from registry_core.components import Component, ExampleTensor, Horizon, ParameterFacts
from registry_core.components.facts import CheckFailed
from registry_core.components.target import load_target
from registry_core.config.loading.resolve import Resolver
from registry_core.config.text.tree import Tree
from registry_core.planning.step import TermPlan
from registry_core.registry.registries import BY_KIND
from registry_core.testing.not_applicable import NotApplicable, reading_files

CLASSES = 5
"""Classes of example data."""

HORIZON = Horizon(epochs=90, steps_per_epoch=10, total_steps=900)
"""The run that schedules are tested with."""


@dataclass(frozen=True)
class Subject:
    """A registered component with an example of its parameters, and of what it is called with."""

    record: Record
    example: Mapping[str, Any] | None = None
    """Parameters; None for those that the declaration has as its example."""
    inputs: Mapping[str, ExampleTensor] = field(default_factory=dict)
    """What it is called with; empty for what the declaration has as its example, or what its forms say."""

    @cached_property
    def declaration(self) -> type[Component]:
        """The declaration; BrokenComponent if there is none that works."""
        return BY_KIND[self.record.kind].declaration(self.record)

    @cached_property
    def is_plain(self) -> bool:
        """Whether it is a plain class or function, declared by its signature."""
        found = load_target(self.record.target)
        return not self.record.provided and not (isinstance(found, type) and issubclass(found, Component))

    @property
    def written(self) -> Any:
        """The example as a pipeline file has it."""
        name = f"{self.record.distribution}:{self.record.name}"
        return {name: dict(self.declaration.example if self.example is None else self.example)}

    @property
    def example_inputs(self) -> Mapping[str, ExampleTensor]:
        """What the example is called with, where that is said."""
        return self.inputs or self.declaration.example_inputs

    def component(self) -> Any:
        """The example as a component; AssertionError with what is wrong with it."""
        return resolved(self.record.kind, self.written)

    def build(self) -> Any:
        """What the example builds, checked against the type of its kind; NotApplicable if it reads what is not here."""
        with reading_files():
            return BUILDERS[self.record.kind](self.component())


def resolved(kind: str, written: Any) -> Any:
    """The component of something written in a pipeline file; AssertionError with what is wrong with it."""
    resolver = Resolver(Tree({}))
    component = resolver.component(BY_KIND[kind].base, written, ())
    assert not resolver.problems, "; ".join(str(problem) for problem in resolver.problems)
    return component


def built_transform(component: Any) -> Any:
    """A transform, for data of some classes."""
    made = component.for_classes(getattr(component, "num_classes", None) or CLASSES)
    return build(made, made.build)


@dataclass(frozen=True)
class Trainable:
    """Parameters that an optimizer can train, and whether their gradients are sparse."""

    parameters: list[torch.nn.Parameter]
    sparse: bool

    @classmethod
    def of(cls, optimizer: Any) -> Trainable:
        """Two matrices and a vector, or matrices alone, as the optimizer takes them."""
        matrices: dict[str, tuple[int, ...]] = {"weight": (6, 4), "second": (6, 4)}
        for shapes, sparse in (({**matrices, "bias": (6,)}, False), (matrices, False), (matrices, True)):
            try:
                optimizer.check_parameters([ParameterFacts(name, shape, sparse) for name, shape in shapes.items()])
            except CheckFailed:
                continue
            generator = torch.Generator().manual_seed(0)
            made = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes.values()]
            return cls(made, sparse)
        raise NotApplicable("it takes no matrices, with dense gradients or with sparse ones")


def built_optimizer(component: Any) -> Any:
    """An optimizer of a few parameters."""
    return build(component, component.build, Trainable.of(component).parameters)


def built_scheduler(component: Any) -> Any:
    """A scheduler of an optimizer with the rate 0.1, for a short run."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1, momentum=0.9)
    return build(component, component.build, optimizer, component.horizon_after_warmup(HORIZON))


def built_sampler(component: Any) -> Any:
    """The order of 20 samples of 5 classes."""
    targets = [number % CLASSES for number in range(20)] if component.needs_targets else None
    return build(component, component.build, 20, targets)


LAYER_SHAPES: tuple[tuple[int, ...], ...] = ((4, 8, 8), (8, 8, 8), (16,), (256,), (4, 16))
"""What samples of layers are tried to be."""


def built_layer(component: Any) -> Any:
    """A layer, sized for the first sample that it takes."""
    for shape in LAYER_SHAPES:
        try:
            sized = component.with_sizes(shape)
        except CheckFailed:
            continue
        return build(sized, sized.build)
    raise NotApplicable("it takes no ordinary sample")


def built_loss(component: Any) -> Any:
    """A loss; the objective of a run, for one that is a sum of losses."""
    if component.terms()[0].loss is component:
        return build(component, component.build)
    terms = [
        TermPlan(term.loss, term.weight, term.inputs, None, term.loss.class_dimension) for term in component.terms()
    ]
    return Objective(terms)


def _built(component: Any) -> Any:
    return build(component, component.build)


BUILDERS: dict[str, Any] = {
    "transform": built_transform,
    "optimizer": built_optimizer,
    "scheduler": built_scheduler,
    "sampler": built_sampler,
    "loss": built_loss,
    "layer": built_layer,
    "metric": lambda component: build(component, component.build, getattr(component, "num_classes", None) or CLASSES),
    **dict.fromkeys(("init", "dataset", "model", "hook", "function"), _built),
}
"""How a component of each kind is built for its checks."""
