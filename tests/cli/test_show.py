"""What ``show`` tells of every component: parameters in words, and an example that validates."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from conftest import Ended

from registry_core.catalog import Record, installed
from registry_core.config.loading.resolve import Resolver
from registry_core.config.text.tree import Tree, read_value
from registry_core.registry.describe import describe
from registry_core.registry.registries import BY_KIND

OURS = [record for record in installed().records if record.distribution == "registry-core"]


@pytest.mark.parametrize("record", OURS, ids=lambda record: f"{record.kind}/{record.name}")
def test_every_component_describes_itself(record: Record) -> None:
    registry = BY_KIND[record.kind]
    found = describe(registry, record.name)
    assert found.summary.endswith(".")
    assert len(found.documentation.splitlines()) > 1, "only one sentence: shapes, errors or the source are missing"
    for parameter in found.parameters:
        assert parameter.description.endswith((".", ")", "]")), f"{parameter.name} is not described in a sentence"
        assert parameter.type, parameter.name
        assert not {"Annotated", "class", "typing", "Literal"} & set(parameter.type.split()), parameter.type
    example = read_value(found.example)
    resolver = Resolver(Tree({}))
    made = resolver.component(registry.base, example, ())
    assert not resolver.problems, (found.example, resolver.problems)
    assert made.name == record.name


def test_show_prints_the_example_as_yaml(command: Callable[..., Ended]) -> None:
    out = command("show", "loss/triplet_margin").out
    assert out.endswith("Example:\n  {triplet_margin: {margin: 0.5, swap: true}}\n")
    assert json.loads(command("show", "loss/mse", "--json").out)["example"] == "mse"


def test_list_shows_full_names(command: Callable[..., Ended]) -> None:
    rows = [line.split() for line in command("list").out.splitlines()]
    assert {row[0] for row in rows} >= {f"{record.kind}/{record.name}" for record in OURS}


def test_long_lists_of_choices_stand_below_the_table(command: Callable[..., Ended]) -> None:
    lines = command("show", "model/torchvision_model").out.splitlines()
    assert max(map(len, lines)) <= 160
    assert any(line.split()[:2] == ["arch:", "alexnet"] for line in lines)
    assert any(line.endswith("wide_resnet50_2") for line in lines)


def test_parameters_that_are_needed_come_first(command: Callable[..., Ended]) -> None:
    lines = command("show", "transform/resize").out.splitlines()
    assert lines[lines.index("Parameters:") + 1].split()[0] == "size"
