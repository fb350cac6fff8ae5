"""A torch scheduler with the learning rates of a timm scheduler."""

from __future__ import annotations

from typing import Any

import timm.scheduler
from timm.scheduler.scheduler import Scheduler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from registry_core_timm.objects.versions import lacks


class TimmLR(LRScheduler):
    """Advances by one epoch or optimizer step, and calls the timm scheduler as the training script of timm does.

    The initial rates are those that the timm scheduler sets when it is created; those after n units are those of
    ``step(n)``, or of ``step_update(n)`` if it does not count epochs. A timm scheduler depends on no past values
    except the initial rates; its parameters are saved as well, as timm does.
    """

    def __init__(self, optimizer: Optimizer, timm_class: str, options: dict[str, Any], made_for: str) -> None:
        if not hasattr(timm.scheduler, timm_class):
            raise lacks(f"scheduler {timm_class!r}", made_for)
        self.timm: Scheduler = getattr(timm.scheduler, timm_class)(optimizer, **options)
        self.first = [group["lr"] for group in optimizer.param_groups]
        super().__init__(optimizer)

    def get_lr(self) -> list[Any]:
        """Return the rates of all groups for the next unit."""
        if self.last_epoch == 0:
            return list(self.first)
        if self.timm.t_in_epochs:
            self.timm.step(self.last_epoch)
        else:
            self.timm.step_update(self.last_epoch)
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return the position and the state of the timm scheduler as plain data."""
        return {**super().state_dict(), "timm": self.timm.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a saved state."""
        state = dict(state_dict)
        self.timm.load_state_dict(state.pop("timm"))
        super().load_state_dict(state)
