"""The component under test: its declaration, its example, and what it builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pkgutil import resolve_name
from typing import Any

from registry_core.assembly.building import build
from registry_core.catalog import KINDS, Record
from registry_core.components import Component, ExampleTensor
from registry_core.components.target import load_target
from registry_core.config.loading.resolve import Resolver
from registry_core.config.text.tree import Tree
from registry_core.registry.registries import BY_KIND
from registry_core.testing.not_applicable import reading_files

CLASSES = 5
"""The number of classes of example data."""


@dataclass(frozen=True)
class Subject:
    """A registered component with an example of its parameters and of its inputs."""

    record: Record
    example: Mapping[str, Any] | None = None
    """Parameters; None for the declared example."""
    inputs: Mapping[str, ExampleTensor] = field(default_factory=dict)
    """Inputs; empty for the declared example inputs, or those of its forms."""

    @cached_property
    def declaration(self) -> type[Component]:
        """The declaration; BrokenComponent if it cannot be loaded."""
        return BY_KIND[self.record.kind].declaration(self.record)

    @cached_property
    def is_plain(self) -> bool:
        """True for a plain class or function, declared by its signature."""
        found = load_target(self.record.target)
        return not self.record.provided and not (isinstance(found, type) and issubclass(found, Component))

    @property
    def written(self) -> Any:
        """The example as written in a pipeline file."""
        name = f"{self.record.distribution}:{self.record.name}"
        return {name: dict(self.declaration.example if self.example is None else self.example)}

    @property
    def example_inputs(self) -> Mapping[str, ExampleTensor]:
        """The inputs of the example, if they are declared."""
        return self.inputs or self.declaration.example_inputs

    def component(self) -> Any:
        """The example as a component; AssertionError with the problems if it is wrong."""
        return resolved(self.record.kind, self.written)

    def build(self) -> Any:
        """The object that the example builds, of the type of its kind; NotApplicable if its files do not exist."""
        trial = KINDS[self.record.kind].trial
        with reading_files():
            component = self.component()
            return resolve_name(trial)(component) if trial else build(component, component.build)


def resolved(kind: str, written: Any) -> Any:
    """The component of a value in a pipeline file; AssertionError with the problems if it is wrong."""
    resolver = Resolver(Tree({}))
    component = resolver.component(BY_KIND[kind].base, written, ())
    assert not resolver.problems, "; ".join(str(problem) for problem in resolver.problems)
    return component
