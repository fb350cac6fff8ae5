"""L-BFGS: steps based on an estimate of the curvature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from registry_core.components import Optimizer
from registry_core.components.types import NonNegativeFloat, PositiveFloat, PositiveInt


class LBFGS(Optimizer):
    """Limited-memory BFGS: quasi-Newton steps from recent gradients, with an optional line search.

    A step evaluates the loss of its batches up to ``max_eval`` times; use full batches or large ones. The reported loss
    is the one before the step. Clipping and accumulation apply to each evaluation, the moving average of weights to
    each step. Every evaluation updates the statistics of batch normalization and redraws dropout, so the line search
    works best without them. Parameter groups and fp16 are not supported. Memory: ``2 * history_size`` copies of the
    gradient. Source: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical
    Programming, 1989; ``torch.optim.LBFGS``, after minFunc.
    """

    target = "torch.optim:LBFGS"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-4, 10.0)
    needs_closure: ClassVar[bool] = True
    supports_groups: ClassVar[bool] = False
    example: ClassVar[Mapping[str, Any]] = {"max_iter": 10, "history_size": 10, "line_search_fn": "strong_wolfe"}

    lr: PositiveFloat = Field(default=1.0, description="Step length, or the initial step length of the line search.")
    max_iter: PositiveInt = Field(default=20, description="Maximum number of iterations per optimizer step.")
    max_eval: PositiveInt | None = Field(
        default=None, description="Maximum number of loss evaluations per optimizer step; null for max_iter * 1.25."
    )
    tolerance_grad: NonNegativeFloat = Field(
        default=1e-7, description="The step ends when no element of the gradient exceeds this magnitude."
    )
    tolerance_change: NonNegativeFloat = Field(
        default=1e-9, description="The step ends when the loss and the weights change by less than this."
    )
    history_size: PositiveInt = Field(default=100, description="Number of gradients used to estimate the curvature.")
    line_search_fn: Literal["strong_wolfe"] | None = Field(
        default=None, description="Line search by the strong Wolfe conditions; null for a fixed step length of lr."
    )
