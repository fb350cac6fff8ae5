"""Components in mappings, lists, and beside plain values: found, validated, changed, written and read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import changed

from registry_core.components import Loss
from registry_core.config.dump import dump
from registry_core.config.loading.resolve import component_class, placed_components
from registry_core.config.models import Spec
from registry_core.config.schema import describe_all, pipeline_schema
from registry_core.diagnostics import PipelineError
from registry_core.loaded import Loaded, load
from registry_core.registry.describe import describe
from registry_core.registry.registries import BY_KIND

MODULE = '''
from __future__ import annotations
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from pydantic import Field
from registry_core.components import Loss


class Mixture(Loss):
    """Losses in every form."""
    target: ClassVar[str] = "nested_losses:build"
    parts: dict[str, Loss] = {}
    either: Loss | float = 0.5
    some: tuple[Loss | float, ...] = ()
    more: list[Loss | float] = []
    pair: tuple[Loss, float] | None = None
    word: Loss | str | None = None
    groups: Mapping[str, tuple[Loss, ...]] = {}
    deep: dict[str, dict[str, Loss | float]] = {}
    marked: Annotated[Loss | int, Field(description="Either.")] = 1

    def arguments(self):
        return {"parts": {name: part.build() for name, part in self.parts.items()}}


def build(parts):
    from torch import nn

    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleDict(parts)

        def forward(self, output, target):
            return sum(part(output, target) for part in self.parts.values())

    return Sum()
'''

SMOOTH = {"cross_entropy": {"label_smoothing": 0.1}}
FORMS: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]]]] = {
    "a mapping": ({"parts": {"a": "mse", "b": SMOOTH}}, [("parts", "a"), ("parts", "b")]),
    "a mapping with names of losses": (
        {"parts": {"mse": "l1", "l1": {"mse": {}}}},
        [("parts", "mse"), ("parts", "l1")],
    ),
    "a component beside a number": ({"either": SMOOTH}, [("either",)]),
    "a number beside a component": ({"either": 2}, []),
    "a list of both": ({"some": [0.5, "mse", SMOOTH]}, [("some", 1), ("some", 2)]),
    "a list that stays one": ({"more": ["mse", 2.5]}, [("more", 0)]),
    "a pair": ({"pair": ["mse", 0.5]}, [("pair", 0)]),
    "a text beside a component": ({"word": "hello"}, []),
    "a component beside a text": ({"word": "mse"}, [("word",)]),
    "none": ({"word": None, "pair": None}, []),
    "lists in a mapping": ({"groups": {"x": ["mse", "l1"], "y": []}}, [("groups", "x", 0), ("groups", "x", 1)]),
    "mappings in a mapping": ({"deep": {"x": {"a": "mse", "b": 1.5}}}, [("deep", "x", "a")]),
    "with a description": ({"marked": "mse"}, [("marked",)]),
}


@pytest.fixture
def mixture(distribution: Callable[..., Path], tmp_path: Path) -> Callable[..., Loaded]:
    """Load a pipeline whose loss has these parameters."""
    distribution(
        "nested-losses",
        "[registry_core.v1.losses]\nmixture = nested_losses:Mixture\n",
        modules={"nested_losses": MODULE},
    )

    def loaded(parameters: dict[str, Any], *options: str) -> Loaded:
        path = tmp_path / "p.json"
        path.write_text(json.dumps(changed(loss={"mixture": parameters})))
        return load(path, options)

    return loaded


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_found_and_read_again(mixture: Callable[..., Loaded], tmp_path: Path, form: str) -> None:
    parameters, places = FORMS[form]
    loaded = mixture(parameters)
    assert [keys for keys, _ in placed_components(loaded.spec.loss)] == [(), *(("mixture", *each) for each in places)]
    for keys in places:
        assert component_class(Spec, ("loss", "mixture", *keys)) is Loss
    again = tmp_path / "again.json"
    again.write_text(json.dumps(dump(loaded.spec)))
    assert load(again).spec == loaded.spec
    assert dump(load(again).spec) == dump(loaded.spec)


@pytest.mark.parametrize(
    ("parameters", "path", "code", "words"),
    [
        ({"parts": {"a": "mze", "b": "mse"}}, "parts.a", "unknown-component", "The loss 'mze' is unknown"),
        ({"parts": {"a": {"mse": {"reduktion": "sum"}}}}, "parts.a.mse.reduktion", "unknown-parameter", "'reduction'"),
        ({"parts": {"a": 3}}, "parts.a", "component-form", "Expected a loss"),
        ({"parts": ["mse"]}, "parts", "wrong-type", "Expected a mapping"),
        ({"parts": "mse"}, "parts", "wrong-type", "Expected a mapping"),
        ({"either": "0.5"}, "either", "wrong-type", "Expected a number, not '0.5'. It may also be a loss"),
        ({"either": True}, "either", "wrong-type", "Expected a number, not true. It may also be a loss"),
        ({"either": None}, "either", "wrong-type", "Expected a number, not null. It may also be a loss"),
        ({"either": "cros_entropy"}, "either", "unknown-component", "Did you mean 'cross_entropy'?"),
        (
            {"either": {"cross_entropy": {"label_smoothing": 3}}},
            "either.cross_entropy.label_smoothing",
            "out-of-range",
            "",
        ),
        ({"some": [1, {"mse": {"reduction": "x"}}]}, "some[1].mse.reduction", "wrong-choice", ""),
        ({"some": 1}, "some", "wrong-type", "Expected a list"),
        ({"pair": ["mse", "l1"]}, "pair[1]", "wrong-type", "Expected a number"),
        ({"groups": {"x": ["mse", "l2"]}}, "groups.x[1]", "unknown-component", ""),
        ({"deep": {"x": {"a": {"l1": {"b": 1}}}}}, "deep.x.a.l1.b", "unknown-parameter", ""),
    ],
)
def test_a_mistake_has_its_place(
    mixture: Callable[..., Loaded], parameters: dict[str, Any], path: str, code: str, words: str
) -> None:
    with pytest.raises(PipelineError) as refused:
        mixture(parameters)
    (problem,) = refused.value.problems
    assert (problem.path, problem.code) == (f"loss.mixture.{path}", code)
    assert words in f"{problem.message} {problem.remedy}"


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        (["parts.b=l1"], {"parts": {"a": "mse", "b": "l1"}}),
        (["parts.a.mse.reduction=sum"], {"parts": {"a": {"mse": {"reduction": "sum"}}}}),
        (["parts.a.l1.reduction=sum"], {"parts": {"a": {"l1": {"reduction": "sum"}}}}),
        (["parts.a-="], {"parts": {}}),
        (["either.mse.reduction=sum"], {"parts": {"a": "mse"}, "either": {"mse": {"reduction": "sum"}}}),
        (["some+=mse", "some.0.mse.reduction=sum"], {"parts": {"a": "mse"}, "some": [{"mse": {"reduction": "sum"}}]}),
        (["deep.x.y.mse.reduction=sum"], {"parts": {"a": "mse"}, "deep": {"x": {"y": {"mse": {"reduction": "sum"}}}}}),
    ],
)
def test_options_reach_into_them(
    mixture: Callable[..., Loaded], options: list[str], parameters: dict[str, Any]
) -> None:
    found = mixture({"parts": {"a": "mse"}, "either": 0.5}, *(f"loss.mixture.{option}" for option in options))
    assert found.spec == mixture({"either": 0.5, **parameters}).spec


def test_editors_and_readers_see_them(mixture: Callable[..., Loaded]) -> None:
    schema = pipeline_schema(describe_all(60))
    for parameters, _ in FORMS.values():
        jsonschema.validate(changed(loss={"mixture": parameters}), schema)
    for wrong in ({"parts": {"a": "mze"}}, {"either": "mze"}, {"some": ["mze"]}, {"deep": {"x": "mse"}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(changed(loss={"mixture": wrong}), schema)
    words = {each.name: each.type for each in describe(BY_KIND["loss"], "mixture").parameters}
    assert words["parts"] == "mapping of text to a loss"
    assert words["either"] == "a loss or number"
    assert words["more"] == "list of a loss or number"
    assert words["groups"] == "mapping of text to list of a loss"


def test_a_run_builds_them(mixture: Callable[..., Loaded], tmp_path: Path) -> None:
    from registry_core.engine.api import train
    from registry_core.planning.make import make_plan

    plan = make_plan(mixture({"parts": {"a": "cross_entropy", "b": SMOOTH}}, "train.max_steps=2"))
    result = train(plan, tmp_path / "run")
    assert result.summary["steps"] == 2
