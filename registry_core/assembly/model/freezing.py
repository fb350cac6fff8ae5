"""Frozen parameters, and the step at which they begin to train.

All parameters that are ever trained are in the optimizer from the start. Frozen ones have no gradients, and torch's
optimizers skip parameters without gradients: no step, no decay, no state. Unfreezing is therefore equivalent to
``Optimizer.add_param_group`` at that moment, except that schedules know every group from the start, and that a
checkpoint of any step fits.
"""

from __future__ import annotations

from torch import nn

from registry_core.analysis.parameter_selection import freezing_errors, frozen_by, names_of_norm, with_statistics
from registry_core.assembly.model.module_facts import facts_of
from registry_core.assembly.optim.parameters import DelayedParameters
from registry_core.assembly.refusing import refuse
from registry_core.components import Modules
from registry_core.config.finetune import Finetune


class Freezing:
    """The frozen part of a model; ``reach`` unfreezes what is due, ``train_mode`` respects it in ``model.train()``."""

    def __init__(self, model: nn.Module, finetune: Finetune | None, steps_per_epoch: int = 1) -> None:
        self.model = model
        self.frozen: set[str] = set()
        """Names of the parameters that are still frozen, and of statistics of norms without parameters."""
        self.later = DelayedParameters()
        self._waiting: list[tuple[int, list[str]]] = []
        self._norms: list[tuple[nn.Module, set[str]]] = []
        if finetune is not None:
            self._freeze(finetune, steps_per_epoch)

    def _freeze(self, finetune: Finetune, steps_per_epoch: int) -> None:
        modules, rules = facts_of(self.model), finetune.unfreeze
        trained = [name for name, parameter in self.model.named_parameters() if parameter.requires_grad]
        refuse(freezing_errors(finetune, modules, trained), "frozen-parameters")
        chosen = frozen_by(finetune, modules)
        self.frozen = set(chosen.names)
        for name, parameter in self.model.named_parameters():
            if name in self.frozen:
                parameter.requires_grad_(False)
        self.later = DelayedParameters(
            {name: index for name, index in chosen.freed.items() if name in trained},
            tuple(rule.options for rule in rules),
            tuple(f"after {rule.after}" for rule in rules),
        )
        lengths = [rule.after.count * (steps_per_epoch if rule.after.unit == "epoch" else 1) for rule in rules]
        self._waiting = sorted(
            (length, [name for name, rule in chosen.freed.items() if rule == index])
            for index, length in enumerate(lengths)
        )
        if finetune.freeze_statistics:
            self._norms = _norms(self.model, modules, self.frozen)

    def reach(self, step: int) -> None:
        """Unfreeze the parameters that are due after ``step`` optimizer steps."""
        if not self._waiting or self._waiting[0][0] > step:
            return
        parameters = dict(self.model.named_parameters())
        while self._waiting and self._waiting[0][0] <= step:
            for name in self._waiting.pop(0)[1]:
                self.frozen.discard(name)
                if name in self.later.names:
                    parameters[name].requires_grad_(True)
        if self.model.training:
            self.train_mode()

    def train_mode(self) -> None:
        """Put the model in training mode, except norms whose statistics are frozen."""
        self.model.train()
        for norm, names in self._norms:
            norm.train(not names <= self.frozen)


def _norms(model: nn.Module, modules: Modules, frozen: set[str]) -> list[tuple[nn.Module, set[str]]]:
    """The norms whose parameters are all frozen, and their names."""
    named = [(model.get_submodule(norm.path), names_of_norm(norm)) for norm in with_statistics(modules)]
    return [(norm, names) for norm, names in named if names <= frozen]
