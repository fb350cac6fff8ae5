"""L-BFGS: steps by an estimate of curvature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from registry_core.components import Optimizer
from registry_core.components.types import NonNegativeFloat, PositiveFloat, PositiveInt


class LBFGS(Optimizer):
    """Quasi-Newton steps along directions from the last gradients, with a line search where asked for.

    A step evaluates the loss of its batches up to ``max_eval`` times; for full batches, or large ones. The loss of a
    step is the one before it. Clipping and accumulation are part of each evaluation, the moving average of weights
    follows once a step. Batch normalisation updates its averages and dropout draws anew at each evaluation, so the line
    search finds its way best without them. Parameter groups and fp16 are not possible. Needs memory for
    ``2 * history_size`` copies of the gradient. Source: Liu and Nocedal, "On the limited memory BFGS method for large
    scale optimization", Mathematical Programming, 1989; ``torch.optim.LBFGS``, after minFunc.
    """

    target = "torch.optim:LBFGS"
    needs_closure: ClassVar[bool] = True
    supports_groups: ClassVar[bool] = False
    example: ClassVar[Mapping[str, Any]] = {"max_iter": 10, "history_size": 10, "line_search_fn": "strong_wolfe"}

    lr: PositiveFloat = Field(default=1.0, description="Length of a step, or the first to try in a line search.")
    max_iter: PositiveInt = Field(default=20, description="Iterations in one optimizer step.")
    max_eval: PositiveInt | None = Field(
        default=None, description="Evaluations of the loss in one optimizer step; null: max_iter * 1.25."
    )
    tolerance_grad: NonNegativeFloat = Field(
        default=1e-7, description="The step ends when no number in the gradient is larger."
    )
    tolerance_change: NonNegativeFloat = Field(
        default=1e-9, description="The step ends when loss and weights change less."
    )
    history_size: PositiveInt = Field(default=100, description="Gradients that the estimate of curvature rests on.")
    line_search_fn: Literal["strong_wolfe"] | None = Field(
        default=None, description="How far to go along a direction: by the strong Wolfe conditions, or always lr."
    )
