"""Losses for regression; an output [batch, 1] matches a target [batch]."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from registry_builtin.losses.parameters import Reducing
from registry_core.components import CheckFailed, DataFacts, ExampleTensor, Loss, RunFacts
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.types import NonNegativeFloat, PositiveFloat

_FLOATS: tuple[TargetForm, ...] = ("values", "counts", "signs", "multi_hot", "distributions")


class _Values(Reducing):
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = _FLOATS

    def output_range(self, facts: DataFacts) -> tuple[float | None, float | None]:
        """Return the range of the targets, which the outputs approach."""
        return facts.get_value_range()

    @property
    def is_logarithmic(self) -> bool:
        """Return False: outputs are compared as they are."""
        return False


class MSE(_Values):
    """Mean squared error.

    Output and target: floating point, of the same shape. Integer targets, such as class indices, are not converted
    here: the data set or a transform must produce floats of the output's shape. Source: ``torch.nn.MSELoss``.
    """

    target = "registry_builtin.objects.losses:mse"


class L1(_Values):
    """Mean absolute error.

    Output and target: floating point, of the same shape. Integer targets, such as class indices, are not converted
    here: the data set or a transform must produce floats of the output's shape. Source: ``torch.nn.L1Loss``.
    """

    target = "registry_builtin.objects.losses:l1"


class SmoothL1(_Values):
    """Smooth L1 loss: squared for small errors, absolute for large ones.

    Output and target: floating point, of the same shape. For an absolute error d: 0.5 * d ** 2 / beta if d < ``beta``,
    else d - 0.5 * beta. Source: Girshick, "Fast R-CNN", ICCV 2015; ``torch.nn.SmoothL1Loss``.
    """

    target = "registry_builtin.objects.losses:smooth_l1"

    beta: NonNegativeFloat = Field(
        default=1.0,
        description="Error at which the loss becomes absolute, in the unit of the target; 0 is equivalent to l1.",
    )

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a `beta` beyond any error."""
        return _never_absolute(self, "beta", self.beta, facts)


class Huber(_Values):
    """Huber loss: squared for small errors, ``delta`` times absolute for large ones.

    Output and target: floating point, of the same shape. For an absolute error d: 0.5 * d ** 2 if d < ``delta``, else
    delta * (d - 0.5 * delta). Source: Huber, "Robust estimation of a location parameter", 1964; ``torch.nn.HuberLoss``.
    """

    target = "registry_builtin.objects.losses:huber"

    delta: PositiveFloat = Field(
        default=1.0, description="Error at which the loss becomes absolute, in the unit of the target."
    )

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a `delta` beyond any error."""
        return _never_absolute(self, "delta", self.delta, facts)


def _never_absolute(loss: Loss, name: str, error: float, facts: RunFacts) -> Sequence[CheckFailed]:
    """Return a warning if the loss becomes absolute at an error that is twice the range of the targets."""
    train = facts.sections.get("train")
    if train is None or name not in loss.model_fields_set or train.target_form != facts.target_form:
        return ()
    low, high = train.get_value_range()
    if low is None or high is None or low == high or error < 2 * (high - low):
        return ()
    message = f"{name} is {error:g}, but targets are from {low:.4g} to {high:.4g}: the loss is never absolute."
    return (CheckFailed(message, f"Set {name} to an error in the unit of the targets.", (name,), code="loss-options"),)


def _log(value: float | None) -> float | None:
    return None if value is None else math.log(value) if value > 0 else -math.inf


class PoissonNLL(Reducing):
    """Negative log-likelihood of counts under a Poisson distribution.

    Output: the logarithm of the rate (or the rate, with ``log_input: false``), floating point. Target: counts of the
    same shape, floats. Source: ``torch.nn.PoissonNLLLoss``.
    """

    target = "registry_builtin.objects.losses:poisson_nll"
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("counts", "values")

    log_input: bool = Field(default=True, description="If true, the output is the logarithm of the rate.")
    full: bool = Field(default=False, description="If true, adds Stirling's approximation of log(target!).")

    @property
    def least_output(self) -> float:
        """Return 0 for rates, which have a logarithm."""
        return -math.inf if self.log_input else 0.0

    @property
    def is_logarithmic(self) -> bool:
        """Return True if the output is the logarithm of the rate."""
        return self.log_input

    def output_range(self, facts: DataFacts) -> tuple[float | None, float | None]:
        """Return the range of the targets, or of their logarithms."""
        low, high = facts.get_value_range()
        return (_log(low), _log(high)) if self.log_input else (low, high)

    eps: PositiveFloat = Field(
        default=1e-8, description="Constant added to the rate before its logarithm, with log_input: false."
    )


class GaussianNLL(Reducing):
    """Negative log-likelihood of values under a normal distribution whose variance the model predicts.

    Output: the mean; ``variance``: non-negative; both of the target's shape. Target: floats. Source: Nix and Weigend,
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

    def output_range(self, facts: DataFacts) -> tuple[float | None, float | None]:
        """Return the range of the targets, which the means approach."""
        return facts.get_value_range()

    @property
    def is_logarithmic(self) -> bool:
        """Return False: the means are compared as they are."""
        return False

    full: bool = Field(default=False, description="If true, adds the constant 0.5 * log(2 * pi).")
    eps: PositiveFloat = Field(default=1e-6, description="Lower bound on the variance.")
