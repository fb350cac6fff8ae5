"""Losses for values: how far numbers are from numbers. An output [batch, 1] fits a target [batch]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from registry_builtin.losses.parameters import Reducing
from registry_core.components import ExampleTensor
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.types import NonNegativeFloat, PositiveFloat

_FLOATS: tuple[TargetForm, ...] = ("values", "counts", "signs", "multi_hot", "distributions")


class _Values(Reducing):
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = _FLOATS


class MSE(_Values):
    """Mean squared error.

    Output and target: floating point, of the same shape. Targets that are whole numbers, such as class numbers, must be
    made floats of the output's shape by the data set or a transform; nothing is converted here.
    Source: ``torch.nn.MSELoss``.
    """

    target = "registry_builtin.objects.losses:mse"


class L1(_Values):
    """Mean absolute error.

    Output and target: floating point, of the same shape. Targets that are whole numbers, such as class numbers, must be
    made floats of the output's shape by the data set or a transform; nothing is converted here.
    Source: ``torch.nn.L1Loss``.
    """

    target = "registry_builtin.objects.losses:l1"


class SmoothL1(_Values):
    """Squared error where it is small, absolute error where it is large.

    Output and target: floating point, of the same shape. Below ``beta`` 0.5 * d ** 2 / beta, from there on
    d - 0.5 * beta. Source: Girshick, "Fast R-CNN", ICCV 2015; ``torch.nn.SmoothL1Loss``.
    """

    target = "registry_builtin.objects.losses:smooth_l1"

    beta: NonNegativeFloat = Field(default=1.0, description="Where it changes, in units of the target; 0: l1.")


class Huber(_Values):
    """Squared error where it is small, absolute error times ``delta`` where it is large.

    Output and target: floating point, of the same shape. Below ``delta`` 0.5 * d ** 2, from there on
    delta * (d - 0.5 * delta). Source: Huber, "Robust estimation of a location parameter", 1964; ``torch.nn.HuberLoss``.
    """

    target = "registry_builtin.objects.losses:huber"

    delta: PositiveFloat = Field(default=1.0, description="Where it changes, in units of the target.")


class PoissonNLL(Reducing):
    """Negative log-likelihood of counts with a Poisson distribution.

    Output: the logarithm of the rate (or the rate, with ``log_input: false``), floating point. Target: counts of the
    same shape, floats. Source: ``torch.nn.PoissonNLLLoss``.
    """

    target = "registry_builtin.objects.losses:poisson_nll"
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("counts", "values")

    log_input: bool = Field(default=True, description="Whether the output is the logarithm of the rate.")
    full: bool = Field(default=False, description="Add Stirling's approximation of log(target!).")
    eps: PositiveFloat = Field(default=1e-8, description="Added to the rate in its logarithm, with log_input: false.")


class GaussianNLL(Reducing):
    """Negative log-likelihood of values with a normal distribution whose variance the model gives too.

    Output: the mean, ``variance``: not negative, both of the target's shape. Target: floats. Source: Nix and Weigend,
    "Estimating the mean and variance of the target probability distribution", 1994; ``torch.nn.GaussianNLLLoss``.
    """

    target = "registry_builtin.objects.losses:gaussian_nll"
    inputs: ClassVar[tuple[str, ...]] = ("output", "target", "variance")
    example_inputs: ClassVar[Mapping[str, ExampleTensor]] = {
        "output": ExampleTensor((4,)),
        "target": ExampleTensor((4,)),
        "variance": ExampleTensor((4,), low=0.5, high=2),
    }
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("values", "counts")

    full: bool = Field(default=False, description="Add the constant 0.5 * log(2 * pi).")
    eps: PositiveFloat = Field(default=1e-6, description="The smallest variance.")
