"""What is not trained, and when it begins to train.

All parameters that are ever trained are in the optimizer from the start. Those that wait have no gradients, and torch's
optimizers pass over parameters without gradients: no step, no decay, no state. So beginning to train is what
``Optimizer.add_param_group`` does at that moment, except that schedules know every group all along, and that a
checkpoint of any step fits.
"""

from __future__ import annotations

import re

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from registry_core.build.choosing import some_of
from registry_core.build.parameters import Later
from registry_core.errors import PipelineError, Problem
from registry_core.spec.finetune import Finetune


class Freezing:
    """The frozen part of a model; ``reach`` lets go of what is due, ``train_mode`` is ``model.train()`` with it."""

    def __init__(self, model: nn.Module, finetune: Finetune | None, steps_per_epoch: int = 1) -> None:
        self.model = model
        rules = finetune.unfreeze if finetune else ()
        trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        self.frozen = _frozen(model, finetune.freeze if finetune else ())
        """Names of the parameters that are frozen now, and of statistics of norms without parameters."""
        for name, parameter in model.named_parameters():
            if name in self.frozen:
                parameter.requires_grad_(False)
        names = _by_rule(model, self.frozen, tuple(rule.parameters for rule in rules))
        self.later = Later(
            {name: index for name, index in names.items() if name in trained},
            tuple(rule.options for rule in rules),
            tuple(f"after {rule.after}" for rule in rules),
        )
        lengths = [rule.after.count * (steps_per_epoch if rule.after.unit == "epoch" else 1) for rule in rules]
        self._waiting = sorted(
            (length, [name for name, chosen in names.items() if chosen == index])
            for index, length in enumerate(lengths)
        )
        self._norms = _norms(model, self.frozen) if finetune and finetune.freeze_statistics else []
        if finetune and finetune.freeze and not any(p.requires_grad for p in model.parameters()):
            message = "Every parameter of the model is frozen at the start: there is nothing to train."
            raise PipelineError([Problem(message, "Leave some out of `freeze`.", path="finetune.freeze")])

    def reach(self, step: int) -> None:
        """Let go of what is due once ``step`` optimizer steps are done."""
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
        """Put the model in training mode, all but the norms whose statistics are frozen."""
        self.model.train()
        for norm, names in self._norms:
            norm.train(not names <= self.frozen)


def _frozen(model: nn.Module, patterns: tuple[str, ...]) -> set[str]:
    names = [name for name, _ in model.named_parameters()]
    names += [f"{path}.running_mean" for path, norm in _with_statistics(model) if not _own(norm, path)]
    found: set[str] = set()
    problems = []
    for index, pattern in enumerate(patterns):
        matching = {name for name in names if re.fullmatch(pattern, name)}
        if not matching:
            problems.append(_matches_nothing(f"finetune.freeze[{index}]", pattern, names))
        found |= matching
    if problems:
        raise PipelineError(problems)
    return found


def _by_rule(model: nn.Module, frozen: set[str], patterns: tuple[str, ...]) -> dict[str, int]:
    """For each frozen name the last rule that matches it."""
    found = {}
    ordered = [name for name, _ in model.named_parameters() if name in frozen]
    for name in [*ordered, *sorted(frozen - set(ordered))]:
        matching = [index for index, pattern in enumerate(patterns) if re.fullmatch(pattern, name)]
        if matching:
            found[name] = matching[-1]
    problems = [
        _matches_nothing(f"finetune.unfreeze[{index}].parameters", pattern, ordered)
        for index, pattern in enumerate(patterns)
        if index not in found.values()
    ]
    if problems:
        raise PipelineError(problems)
    return found


def _matches_nothing(path: str, pattern: str, names: list[str]) -> Problem:
    what = (
        "a parameter of the model" if path.startswith("finetune.freeze") else "a frozen parameter that is left for it"
    )
    return Problem(f"{pattern!r} does not match {what}.", f"There are: {some_of(names)}", path=path)


def _with_statistics(model: nn.Module) -> list[tuple[str, _NormBase]]:
    """Batch norms, and other norms that keep running statistics."""
    named = [(path, module) for path, module in model.named_modules() if isinstance(module, _NormBase)]
    return [(path, norm) for path, norm in named if norm.running_mean is not None]


def _own(norm: nn.Module, path: str) -> set[str]:
    return {f"{path}.{name}" if path else name for name, _ in norm.named_parameters(recurse=False)}


def _norms(model: nn.Module, frozen: set[str]) -> list[tuple[nn.Module, set[str]]]:
    """The norms with all of their parameters frozen, and those names."""
    named = [(norm, _own(norm, path) or {f"{path}.running_mean"}) for path, norm in _with_statistics(model)]
    return [(norm, names) for norm, names in named if names <= frozen]
