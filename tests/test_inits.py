"""Init schemes give torch's values and the spread that their papers state."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from registry_builtin.inits import (
    Constant,
    KaimingNormal,
    KaimingUniform,
    Normal,
    Uniform,
    XavierNormal,
    XavierUniform,
)
from torch.nn import init

from registry_core.components import Init

CONV = (64, 32, 3, 3)
FAN_IN, FAN_OUT = 32 * 9, 64 * 9


def filled(scheme: Init, shape: tuple[int, ...] = CONV) -> torch.Tensor:
    torch.manual_seed(1)
    tensor = torch.empty(shape)
    assert scheme.build()(tensor) is tensor
    return tensor


@pytest.mark.parametrize(
    ("scheme", "function", "arguments"),
    [
        (XavierNormal(), init.xavier_normal_, {}),
        (XavierNormal(gain=2), init.xavier_normal_, {"gain": 2.0}),
        (XavierUniform(gain=0.5), init.xavier_uniform_, {"gain": 0.5}),
        (KaimingNormal(), init.kaiming_normal_, {}),
        (
            KaimingNormal(mode="fan_out", nonlinearity="relu"),
            init.kaiming_normal_,
            {"mode": "fan_out", "nonlinearity": "relu"},
        ),
        (KaimingUniform(), init.kaiming_uniform_, {}),
        (KaimingUniform(a=math.sqrt(5)), init.kaiming_uniform_, {"a": math.sqrt(5)}),
        (Normal(), init.normal_, {}),
        (Normal(mean=1.0, std=0.01), init.normal_, {"mean": 1.0, "std": 0.01}),
        (Uniform(), init.uniform_, {}),
        (Uniform(a=-2, b=3), init.uniform_, {"a": -2.0, "b": 3.0}),
        (Constant(value=0.25), init.constant_, {"val": 0.25}),
    ],
)
def test_same_values_as_torch(scheme: Init, function: Any, arguments: dict[str, Any]) -> None:
    torch.manual_seed(1)
    expected = function(torch.empty(CONV), **arguments)
    assert torch.equal(filled(scheme), expected)


@pytest.mark.parametrize(
    ("scheme", "std"),
    [
        (XavierNormal(gain=3), 3 * math.sqrt(2 / (FAN_IN + FAN_OUT))),
        (XavierUniform(gain=3), 3 * math.sqrt(2 / (FAN_IN + FAN_OUT))),
        (KaimingNormal(a=0.5), math.sqrt(2 / (1.25 * FAN_IN))),
        (KaimingNormal(nonlinearity="relu"), math.sqrt(2 / FAN_IN)),
        (KaimingUniform(mode="fan_out"), math.sqrt(2 / FAN_OUT)),
        (Normal(std=0.01), 0.01),
        (Uniform(a=-1, b=1), math.sqrt(1 / 3)),
    ],
)
def test_the_spread_of_the_papers(scheme: Init, std: float) -> None:
    values = filled(scheme)
    assert values.std().item() == pytest.approx(std, rel=0.02)
    assert abs(values.mean().item()) < 5 * std / math.sqrt(values.numel())


def test_the_ranges_of_the_uniform_schemes() -> None:
    bound = math.sqrt(6 / (FAN_IN + FAN_OUT))
    assert filled(XavierUniform()).abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert filled(KaimingUniform()).abs().max().item() == pytest.approx(math.sqrt(6 / FAN_IN), rel=1e-3)


@pytest.mark.parametrize(
    ("declaration", "parameters", "message"),
    [
        (Uniform, {"a": 2.0, "b": 1.0}, "a is 2.0 and b is 1.0"),
        (XavierNormal, {"gain": 0.0}, "greater than 0"),
        (Normal, {"std": -1.0}, "greater than or equal to 0"),
        (Constant, {}, "Field required"),
        (KaimingNormal, {"mode": "fan"}, "'fan_in' or 'fan_out'"),
        (KaimingNormal, {"nonlinearity": "tanh"}, "'relu' or 'leaky_relu'"),
    ],
)
def test_wrong_parameters_are_refused(declaration: type[Init], parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        declaration(**parameters)


def test_what_is_built_pickles() -> None:
    again = pickle.loads(pickle.dumps(Constant(value=2).build()))
    assert again(torch.empty(2)).tolist() == [2, 2]
