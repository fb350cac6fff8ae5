"""The parameters that each rule of `init`, `optim` and `finetune` selects, and rules that cannot work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from registry_core.analysis.init_selection import InitFill, fills_of, init_errors
from registry_core.analysis.parameter_selection import (
    FrozenNames,
    freezing_errors,
    frozen_by,
    group_errors,
    group_of_each,
    layer_errors,
    layers_by_pattern,
)
from registry_core.components import CheckFailed, Modules
from registry_core.components.modules import parameter_shapes
from registry_core.config.models import Spec


@dataclass(frozen=True)
class RuleAnalysis:
    """The rules of a spec applied to the modules of its model; each selection is computed once, when first read."""

    spec: Spec
    modules: Modules

    @cached_property
    def parameters(self) -> list[str]:
        """The names of all parameters."""
        return list(parameter_shapes(self.modules))

    @cached_property
    def init_fills(self) -> list[InitFill]:
        """The parameters that the rules of `init` fill, in the order of the rules."""
        return fills_of(self.spec.init, self.modules)

    @cached_property
    def init_errors(self) -> list[CheckFailed]:
        """Rules of `init` that fill nothing, or cannot fill what they match."""
        return list(init_errors(self.spec.init, self.modules, self.init_fills))

    @cached_property
    def frozen(self) -> FrozenNames:
        """The names that `finetune` freezes, and those of them that it unfreezes later."""
        return frozen_by(self.spec.finetune, self.modules)

    @cached_property
    def freezing_errors(self) -> list[CheckFailed]:
        """Patterns of `freeze` and `unfreeze` without a match, and a `freeze` that covers the whole model."""
        finetune = self.spec.finetune
        return [] if finetune is None else list(freezing_errors(finetune, self.modules, self.parameters))

    @cached_property
    def trained(self) -> list[str]:
        """The names of the parameters that are trained, from the start or later."""
        frozen = self.frozen
        return [name for name in self.parameters if name not in frozen.names or name in frozen.freed]

    @cached_property
    def groups(self) -> dict[str, int]:
        """The group of `optim` of each trainable parameter; -1 for those that no group matches."""
        return group_of_each(self.spec.optim.groups, self.modules, self.trained)

    @cached_property
    def group_errors(self) -> list[CheckFailed]:
        """Groups of `optim` without a trainable parameter."""
        return list(group_errors(self.spec.optim.groups, self.modules, self.trained)) if self.trained else []

    @property
    def refined_groups(self) -> int:
        """The number of groups of which several later ones take all parameters, so that the optimizer has none."""
        refused = {failed.at[2] for failed in self.group_errors}
        every = range(len(self.spec.optim.groups))
        return sum(index not in self.groups.values() and index not in refused for index in every)

    @cached_property
    def layers(self) -> list[tuple[str, tuple[str, ...]]]:
        """The layers of the patterns of `layer_decay`, each with its parameters; empty without patterns."""
        return layers_by_pattern(self._layer_patterns, self.parameters)

    @cached_property
    def layer_errors(self) -> list[CheckFailed]:
        """Patterns of `layer_decay` without a parameter, and parameters that no pattern matches."""
        return list(layer_errors(self._layer_patterns, self.parameters)) if self._layer_patterns else []

    @property
    def _layer_patterns(self) -> tuple[str, ...]:
        decay = self.spec.optim.layer_decay
        return (decay.layers if decay else None) or ()
