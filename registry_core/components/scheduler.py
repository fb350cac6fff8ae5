"""Schedulers: how the learning rate changes during a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from registry_core.components.base import Component
from registry_core.components.facts import Horizon

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

Unit = Literal["epoch", "step", "evaluation"]


class Scheduler(Component):
    """Sets learning rates; ``counts`` says whether it advances by epoch, by optimizer step or by evaluation.

    One that counts evaluations is fed the metric that its parameter ``monitor`` names.
    """

    kind: ClassVar[str] = "scheduler"
    counts: ClassVar[Unit] = "epoch"
    leading: ClassVar[int] = 1
    function_leading: ClassVar[int] = 1

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def follows_length(self) -> bool:
        """Whether its course depends on how long the run is, so that a run cannot be made longer when it is resumed."""
        return False

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the schedule does not fit a run of this length."""

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """The scheduler of this optimizer for a run of this length."""
        built: LRScheduler | ReduceLROnPlateau = self.make(optimizer)
        return built
