"""A torch scheduler that gives the rates of a scheduler of timm."""

from __future__ import annotations

from typing import Any

import timm.scheduler
from timm.scheduler.scheduler import Scheduler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from registry_core_timm.objects.versions import lacks


class TimmLR(LRScheduler):
    """Advances by one epoch or optimizer step, and asks timm's scheduler for the rates as timm's training does.

    The rates at the start are those that timm's scheduler sets when it is made; those after n units are those of its
    ``step(n)``, or of its ``step_update(n)`` where it does not count epochs. timm's schedulers know no more of the past
    than the rates at the start; their parameters are saved besides, as timm saves them.
    """

    def __init__(self, optimizer: Optimizer, timm_class: str, options: dict[str, Any], made_for: str) -> None:
        if not hasattr(timm.scheduler, timm_class):
            raise lacks(f"scheduler {timm_class!r}", made_for)
        self.timm: Scheduler = getattr(timm.scheduler, timm_class)(optimizer, **options)
        self.first = [group["lr"] for group in optimizer.param_groups]
        super().__init__(optimizer)

    def get_lr(self) -> list[Any]:
        """The rates of all groups in the unit that is to come."""
        if self.last_epoch == 0:
            return list(self.first)
        if self.timm.t_in_epochs:
            self.timm.step(self.last_epoch)
        else:
            self.timm.step_update(self.last_epoch)
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The position, and the state of timm's scheduler, as plain data."""
        return {**super().state_dict(), "timm": self.timm.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state that was saved."""
        state = dict(state_dict)
        self.timm.load_state_dict(state.pop("timm"))
        super().load_state_dict(state)
