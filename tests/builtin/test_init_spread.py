"""The spread that an init scheme declares is the standard deviation of the values that torch draws."""

from __future__ import annotations

import pytest
import torch
from registry_builtin.inits.constants import Constant, Ones, Zeros
from registry_builtin.inits.distributions import Normal, TruncNormal, Uniform
from registry_builtin.inits.fans import KaimingNormal, KaimingUniform, XavierNormal, XavierUniform
from registry_builtin.inits.matrices import Dirac, Eye, Orthogonal, Sparse

from registry_core.components import Init

SCHEMES = [
    Normal(mean=0.0, std=0.3),
    Uniform(a=-0.2, b=0.6),
    TruncNormal(std=0.1, a=-2.0, b=2.0),
    XavierNormal(gain=1.5),
    XavierUniform(),
    KaimingNormal(mode="fan_out", nonlinearity="relu"),
    KaimingUniform(a=0.2),
    Constant(value=0.7),
    Zeros(),
    Ones(),
]


@pytest.mark.parametrize("shape", [(300, 200), (40, 30, 5, 5)])
@pytest.mark.parametrize("scheme", [*SCHEMES, Orthogonal(gain=2.0)], ids=lambda scheme: type(scheme).__name__)
def test_the_spread_is_that_of_the_values(scheme: Init, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    values = scheme.build()(torch.empty(shape))
    assert scheme.spread(shape) == pytest.approx(float(values.std()), rel=0.02, abs=1e-6)


def test_the_spread_of_sparse_values() -> None:
    torch.manual_seed(0)
    values = Sparse(sparsity=0.9, std=0.5).build()(torch.empty(300, 200))
    assert Sparse(sparsity=0.9, std=0.5).spread((300, 200)) == pytest.approx(float(values.std()), rel=0.02)


def test_what_is_not_drawn_is_known() -> None:
    assert not any(scheme.draws for scheme in (Constant(value=1.0), Zeros(), Ones(), Eye(), Dirac()))
    assert Eye().spread((3, 3)) is None
    assert all(scheme.draws for scheme in SCHEMES[:7])
