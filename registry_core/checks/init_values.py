"""The first values of weights: in proportion to the inputs of a layer, and different from each other."""

from __future__ import annotations

import math
from collections.abc import Iterator

from registry_core.analysis.init_selection import InitFill
from registry_core.analysis.patterns import is_of_type
from registry_core.analysis.rules import RuleAnalysis
from registry_core.checks.check import warning
from registry_core.checks.context import CheckContext
from registry_core.diagnostics import Keys, Problem

_MOST, _LEAST = 30.0, 1e-4
"""Ratios of the outputs of a layer to its inputs, which usual schemes keep near 1."""

_KINDS = ("Linear", "_ConvNd", ("Linear", "_ConvNd"))


@warning("init-values")
def first_weights_are_in_proportion(context: CheckContext) -> Iterator[Problem]:
    """The first weights of linear layers and convolutions neither let values explode nor vanish."""
    if not context.spec.init or (rules := context.analysis.rules) is None:
        return
    weights = {name for kind in _weights_of(rules) for name in kind}
    said: set[Keys] = set()
    for fill in rules.init_fills:
        keys: Keys = ("init", fill.rule, fill.key)
        spread = fill.scheme.spread(fill.shape) if fill.name in weights else None
        if not spread or keys in said:
            continue
        ratio = spread * math.sqrt(math.prod(fill.shape[1:]))
        if not _LEAST <= ratio <= _MOST:
            said.add(keys)
            does = "about" if ratio > 1 else "only"
            message = f"The values of {fill.scheme.name!r} have a standard deviation of {spread:.3g}: the outputs of"
            message += f" {fill.name!r} would be {does} {ratio:.2g} times its inputs."
            yield context.problem(keys, message, "Use kaiming_normal or xavier_normal, or another std.")


@warning("init-values", after=("first_weights_are_in_proportion",))
def first_weights_differ(context: CheckContext) -> Iterator[Problem]:
    """The weights of all layers of a kind are not the same value: their units would stay the same."""
    finetune = context.spec.finetune
    replaced = finetune is not None and finetune.weights is not None
    if not context.spec.init or replaced or (rules := context.analysis.rules) is None:
        return
    last: dict[str, InitFill] = {fill.name: fill for fill in rules.init_fills}
    for names in _weights_of(rules):
        fills = [last[name] for name in names if name in last]
        if len(names) < 2 or len(fills) < len(names) or any(fill.scheme.spread(fill.shape) != 0 for fill in fills):
            continue
        message = f"All weights of {len(names)} layers have the same first value: their units would stay the same."
        keys = ("init", fills[0].rule, fills[0].key)
        yield context.problem(keys, message, "Use a scheme that draws values, such as kaiming_normal.")
        return


def _weights_of(rules: RuleAnalysis) -> list[list[str]]:
    """The names of the weights of linear layers, of convolutions, and of both."""
    return [
        [
            name
            for module in rules.modules
            if is_of_type(module, kind)
            for name, parameter in module.named_parameters()
            if parameter.name == "weight" and len(parameter.shape) > 1
        ]
        for kind in _KINDS
    ]
