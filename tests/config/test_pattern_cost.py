"""Regular expressions that would take for ever are refused, and all others are matched within a budget."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from registry_core.config.pattern_cost import cost, refusal
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load

USUAL = [
    *(r"features\..*", r".*\.bias", r"fc\d", r"(layer[34]\..*|fc\..*)", r"backbone\.(.*)", r"blocks\.(\d+)\..*", ""),
    *(r"(\w+\.)*weight", r"(\d+\.)+x", r"(conv|fc)\d+", r"(conv|fc)+", r"(?:layer\d+\.)*conv", r"(?!.*(bn|bias)).*"),
    *(r".*layer.*attn.*norm.*", r"features\.\d+\.conv\d*\.\d+\..*", r"(a|b){3}", r"[^.]*", r"a?b?c?", r"(?i)CONV.*"),
    *(r"(features\.\d+\.)?classifier.*", r"(?P<x>\d+)\.(?P=x)", r"((block|layer)\.\d+\.)*w", r"(.+?)\.weight", "(ab)*"),
    *(r"(foo|foobar)+", r"(?:[^.]+\.){12}w", r"([a-z]+\d+\.)*x", r"(.)*", r"([a-z])+", r"(a|b)*a(a|b){30}"),
]
ENDLESS = [
    r"(a+)+$",
    r"(a|aa)+$",
    r"(.*)*!",
    r"([a-z]+)*!",
    r"(a|ab|b)*!",
    r"(.*a){20}!",
    r"(([a-z0-9.]+)+)+!",
    r"(a*)*b",
    r"(a?){40}a{40}!",
    r"((a+)b?)*!",
    r"(x+x+)+y",
    r"(\w+\s?)*!",
    r"(\w*\.?)*!",
    r"(?:a?b?)*!",
    r"(.+\.)*w!",
]


@pytest.mark.parametrize("pattern", USUAL)
def test_usual_patterns_are_allowed(pattern: str) -> None:
    assert refusal(pattern) == ""
    names = ["a" * 60, "ab" * 30, "layer1.0.conv1.weight" * 3, "1." * 30, "encoder.layers.encoder_layer_11.ln_1.bias"]
    for name in names:
        re.fullmatch(pattern, name + "!")  # returns
        assert cost(pattern, len(name)) < 100_000


@pytest.mark.parametrize("pattern", ENDLESS)
def test_patterns_that_never_end_are_refused(pattern: str, pipeline: Callable[..., Path]) -> None:
    with pytest.raises(PipelineError) as refused:
        load(pipeline(finetune={"freeze": [pattern]}))
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("wrong-value", "finetune.freeze[0]")
    assert "in several ways" in problem.message


def test_the_cost_grows_with_the_repetitions_that_compete() -> None:
    assert cost("abc", 100) == cost("a.c", 100) == 101
    assert cost(".*", 100) == 101
    assert cost(".*.*", 100) == math.comb(102, 2)
    assert cost(".*x.*x.*", 100) == math.comb(103, 3)
    assert cost(".*" * 30 + "b", 15) > 10**11, "more repetitions than characters"
    assert cost(r"\d+\.\d+\.\d+", 100) == 101, "a dot is no digit: there is nothing to choose"
    assert cost(".*layer.*attn.*", 100) < cost(".*x.*x.*", 100)


@pytest.mark.parametrize(
    "pattern", ["(" * 5000 + "a" + ")" * 5000, "a" * 10_001 + "*", "a{99999999999999}", "(a", "*", "[a"]
)
def test_what_is_no_pattern(pattern: str, pipeline: Callable[..., Path]) -> None:
    with pytest.raises(PipelineError) as refused:
        load(pipeline(finetune={"freeze": [pattern]}))
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("wrong-value", "finetune.freeze[0]")
    assert len(problem.message) < 600


def test_all_matches_of_a_file_have_a_budget(pipeline: Callable[..., Path]) -> None:
    layers = [
        {"repeat": {"times": 900, "layers": [{"linear": {"out_features": 64}}]}},
        {"linear": {"out_features": 10}},
    ]
    model = {"sequential": {"input": [1, 8, 8], "layers": ["flatten", *layers]}}
    groups = [{"parameters": ".*.*.*", "lr": 0.1}] * 300
    with pytest.raises(PipelineError) as refused:
        load(pipeline(model=model, optim={"optimizer": {"sgd": {"lr": 0.1}}, "groups": groups}))
    (problem,) = refused.value.problems
    assert problem.path.startswith("optim.groups[")
    assert "take too long to match" in problem.message
    load(
        pipeline(
            model=model, optim={"optimizer": {"sgd": {"lr": 0.1}}, "groups": [{"parameters": r".*\.bias", "lr": 1}]}
        )
    )
