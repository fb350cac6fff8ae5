"""Init schemes give torch's values and the spread that their papers state."""

from __future__ import annotations

import math
import pickle
import re
from typing import Any, get_args

import pytest
import torch
from pydantic import ValidationError
from registry_builtin.inits.constants import Constant, Ones, Zeros
from registry_builtin.inits.distributions import Normal, TruncNormal, Uniform
from registry_builtin.inits.fans import KaimingNormal, KaimingUniform, XavierNormal, XavierUniform
from registry_builtin.inits.gain import Nonlinearity, calculate_gain
from registry_builtin.inits.matrices import Dirac, Eye, Orthogonal, Sparse
from torch.nn import init

from registry_core.components import Init
from registry_core.registry import registries

CONV = (64, 32, 3, 3)
FAN_IN, FAN_OUT = 32 * 9, 64 * 9
FAN_OUT_RELU = {"mode": "fan_out", "nonlinearity": "relu"}
LEAKY = init.calculate_gain("leaky_relu", 0.2)


def filled(scheme: Init, shape: tuple[int, ...] = CONV) -> torch.Tensor:
    torch.manual_seed(1)
    tensor = torch.empty(shape)
    assert scheme.build()(tensor) is tensor
    return tensor


CASES: list[tuple[Init, str, dict[str, Any], tuple[int, ...]]] = [
    (XavierNormal(), "xavier_normal", {}, CONV),
    (XavierNormal(gain=2), "xavier_normal", {"gain": 2.0}, CONV),
    (XavierNormal(gain={"nonlinearity": "leaky_relu", "param": 0.2}), "xavier_normal", {"gain": LEAKY}, CONV),
    (XavierUniform(gain=0.5), "xavier_uniform", {"gain": 0.5}, CONV),
    (XavierUniform(gain={"nonlinearity": "tanh"}), "xavier_uniform", {"gain": init.calculate_gain("tanh")}, CONV),
    (KaimingNormal(), "kaiming_normal", {}, CONV),
    (KaimingNormal(mode="fan_out", nonlinearity="relu"), "kaiming_normal", FAN_OUT_RELU, CONV),
    (KaimingNormal(nonlinearity="selu"), "kaiming_normal", {"nonlinearity": "selu"}, CONV),
    (KaimingUniform(), "kaiming_uniform", {}, CONV),
    (KaimingUniform(a=math.sqrt(5)), "kaiming_uniform", {"a": math.sqrt(5)}, CONV),
    (Normal(), "normal", {}, CONV),
    (Normal(mean=1.0, std=0.01), "normal", {"mean": 1.0, "std": 0.01}, CONV),
    (Uniform(), "uniform", {}, CONV),
    (Uniform(a=-2, b=3), "uniform", {"a": -2.0, "b": 3.0}, CONV),
    (Constant(value=0.25), "constant", {"val": 0.25}, CONV),
    (Zeros(), "zeros", {}, CONV),
    (Ones(), "ones", {}, (7,)),
    (TruncNormal(), "trunc_normal", {}, CONV),
    (TruncNormal(mean=0.5, std=0.2, a=0.4, b=0.6), "trunc_normal", {"mean": 0.5, "std": 0.2, "a": 0.4, "b": 0.6}, CONV),
    (Eye(), "eye", {}, (5, 8)),
    (Dirac(), "dirac", {}, CONV),
    (Dirac(groups=4), "dirac", {"groups": 4}, (8, 3, 5)),
    (Orthogonal(), "orthogonal", {}, CONV),
    (Orthogonal(gain={"nonlinearity": "relu"}), "orthogonal", {"gain": math.sqrt(2)}, (9, 4)),
    (Sparse(sparsity=0.3), "sparse", {"sparsity": 0.3}, (64, 32)),
    (Sparse(sparsity=0.9, std=2), "sparse", {"sparsity": 0.9, "std": 2.0}, (10, 6)),
]


@pytest.mark.parametrize(
    ("scheme", "name", "arguments", "shape"),
    [
        pytest.param(*case, marks=pytest.mark.covers(f"init/{case[1]}", reference=f"torch.nn.init.{case[1]}_"))
        for case in CASES
    ],
)
def test_same_values_as_torch(scheme: Init, name: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    expected = getattr(init, f"{name}_")(torch.empty(shape), **arguments)
    assert torch.equal(filled(scheme, shape), expected)


def test_every_init_scheme_is_compared_with_torch() -> None:
    registered = {name for name in registries.inits if registries.inits.record(name).distribution == "registry-core"}
    assert registered == {case[1] for case in CASES}


@pytest.mark.parametrize("nonlinearity", [*get_args(Nonlinearity), "conv2d", "conv_transpose3d"])
def test_gains_are_those_of_torch(nonlinearity: str) -> None:
    assert calculate_gain(nonlinearity) == init.calculate_gain(nonlinearity)  # type: ignore[arg-type]  # a name in a list
    assert Orthogonal(gain={"nonlinearity": nonlinearity}).gain == init.calculate_gain(nonlinearity)  # type: ignore[arg-type]  # as above


def test_the_gain_of_a_leaky_rectifier_has_its_slope() -> None:
    assert Orthogonal(gain={"nonlinearity": "leaky_relu", "param": 0.2}).gain == LEAKY
    assert pytest.approx(math.sqrt(2 / 1.04)) == LEAKY


@pytest.mark.parametrize(
    ("gain", "message"),
    [
        (
            {"nonlinearity": "leaky"},
            "'leaky' is not a nonlinearity with a known gain. Write one of linear, sigmoid, tanh",
        ),
        ({"param": 0.2}, "None is not a nonlinearity with a known gain"),
        (
            {"nonlinearity": "relu", "param": 0.2},
            "`param` is the negative slope of leaky_relu and does not apply to relu",
        ),
        ({"nonlinearity": "leaky_relu", "param": "0.2"}, "the negative slope of leaky_relu, not '0.2'"),
        ({"nonlinearity": "leaky_relu", "param": 1e200}, "a number from -1,000,000 to 1,000,000"),
        ({"nonlinearity": "relu", "slope": 0.2}, "a gain has no 'slope'"),
        (0, "greater than 0"),
        ("relu", "valid number"),
    ],
)
def test_wrong_gains_are_refused(gain: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        XavierUniform(gain=gain)


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
        (KaimingNormal, {"nonlinearity": "gelu"}, "'leaky_relu'"),
        (TruncNormal, {"a": 1.0, "b": 1.0}, "a is 1.0 and b is 1.0"),
        (TruncNormal, {"a": 1.0, "b": 2.0, "std": 0.1}, "more than 2 std outside the range from 1.0 to 2.0"),
        (Sparse, {}, "Field required"),
        (Sparse, {"sparsity": 1.5}, "less than or equal to 1"),
        (Dirac, {"groups": 0}, "greater than or equal to 1"),
    ],
)
def test_wrong_parameters_are_refused(declaration: type[Init], parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        declaration(**parameters)


def test_the_structure_of_the_matrices() -> None:
    """What the schemes are for, apart from torch's functions."""
    inputs = torch.randn(3, 8)
    assert torch.equal(torch.nn.functional.linear(inputs, filled(Eye(), (8, 8))), inputs)
    image = torch.randn(2, 6, 5, 5)
    passed = torch.nn.functional.conv2d(image, filled(Dirac(groups=2), (6, 3, 3, 3)), padding=1, groups=2)
    assert torch.equal(passed, image)
    matrix = filled(Orthogonal(gain=2), (6, 3, 4)).flatten(1)
    torch.testing.assert_close(matrix @ matrix.T, 4 * torch.eye(6))
    sparse = filled(Sparse(sparsity=0.25, std=1.0), (10, 6))
    assert (sparse == 0).sum(0).tolist() == [3] * 6  # a quarter of ten rows, rounded up
    cut = filled(TruncNormal(a=-1, b=0.5))
    assert -1 <= cut.min() < -0.9
    assert 0.4 < cut.max() <= 0.5


def test_what_is_built_pickles() -> None:
    again = pickle.loads(pickle.dumps(Constant(value=2).build()))
    assert again(torch.empty(2)).tolist() == [2, 2]
