"""What older versions of torch and torchvision called otherwise is refused, and the message names today's spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry_core.catalog import installed
from registry_core.config.loading.resolve import Resolver
from registry_core.config.text.tree import Tree, read_value
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load
from registry_core.registry.registries import BY_KIND


def all_old_spellings() -> Iterator[Any]:
    for record in installed().records:
        if record.distribution == "registry-core":
            for old, new in BY_KIND[record.kind][record.name].old_spellings.items():
                yield pytest.param(record.kind, record.name, old, new, id=f"{record.kind}/{record.name}: {old}")


@pytest.mark.covers("spelling/old", reference="the names of torch 1.0 and torchvision 0.2")
@pytest.mark.parametrize(
    ("section", "component", "today"),
    [
        ("loss", {"mse": {"reduction": "elementwise_mean"}}, "reduction: mean"),
        ("loss", {"cross_entropy": {"size_average": True}}, "reduction"),
        ("loss", {"l1": {"reduce": False}}, "reduction"),
        ("transform", {"random_rotation": {"degrees": 10, "resample": "bilinear"}}, "interpolation"),
        ("transform", {"random_affine": {"degrees": 10, "resample": "bilinear"}}, "interpolation"),
        ("transform", {"random_affine": {"degrees": 10, "fillcolor": 0}}, "fill"),
        ("scheduler", {"step": {"step_size": 1, "verbose": True}}, "verbose"),
    ],
)
def test_the_spellings_of_old(section: str, component: dict[str, Any], today: str) -> None:
    resolver = Resolver(Tree({}))
    resolver.component(BY_KIND[section].base, component, ())
    assert any(today in problem.remedy + problem.message for problem in resolver.problems), resolver.problems
    assert any("old spelling" in problem.message for problem in resolver.problems), resolver.problems


@pytest.mark.parametrize(("kind", "name", "old", "new"), [*all_old_spellings()])
def test_every_old_spelling_is_refused_with_todays(kind: str, name: str, old: str, new: str) -> None:
    parameter, colon, value = old.partition(": ")
    declaration = BY_KIND[kind][name]
    written = read_value(value) if colon else True
    resolver = Resolver(Tree({}))
    resolver.component(BY_KIND[kind].base, {name: {**declaration.example, parameter: written}}, ())
    assert [problem.remedy for problem in resolver.problems if "old spelling" in problem.message] == [f"Write {new}."]
    assert colon or parameter not in declaration.model_fields, "what is taken is no old spelling"


def test_the_place_of_an_old_spelling(pipeline: Callable[..., Path]) -> None:
    with pytest.raises(PipelineError) as refused:
        load(pipeline(loss={"cross_entropy": {"size_average": True}}))
    problem = refused.value.problems[0]
    assert problem.place is not None
    assert problem.path == "loss.cross_entropy.size_average"
    assert str(problem).endswith(
        "The loss 'cross_entropy' has no parameter 'size_average', which is an old spelling. "
        "Write reduction: mean or reduction: sum. [old-spelling]"
    )
