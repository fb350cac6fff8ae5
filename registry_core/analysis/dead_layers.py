"""Layers that rules of `init` fill with zeros, so that they emit zeros and never get a gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry_core.analysis.init_selection import InitFill
from registry_core.analysis.rules import RuleAnalysis
from registry_core.components import CheckFailed
from registry_core.components.model import LayerFacts

_MATRIX = 2
"""The least number of dimensions of the weights of a map; those of a normalization have one."""


def dead_layers(layers: Sequence[LayerFacts], rules: RuleAnalysis | None) -> Iterator[CheckFailed]:
    """Layers that every value passes and that emit zeros: before a relu, or one of two maps whose weights are zeros.

    A branch of zeros beside another one, as in residual networks, and a single map of zeros are sound: they train.
    """
    if rules is None:
        return
    last = {fill.name: fill for fill in rules.init_fills}  # the last rule that fills a parameter wins
    zeros = {name: fill for name, fill in last.items() if fill.scheme.constant_value() == 0}
    if not zeros:
        return
    silent: tuple[str, InitFill] | None = None
    maps: list[tuple[str, InitFill]] = []
    for layer in layers:
        weight, bias = zeros.get(f"{layer.name}.weight"), f"{layer.name}.bias"
        if not layer.only_way:
            continue
        if weight is not None:
            is_map = len(weight.shape) >= _MATRIX
            maps += [(layer.name, weight)] if is_map else []
            unbiased = (
                bias in zeros or bias not in rules.parameters or not is_map
            )  # a normalization begins with a bias of 0
            silent = (layer.name, weight) if unbiased else None
        elif layer.num_parameters != 0 or not layer.at_zero:
            silent = None
        if silent is not None and layer.at_zero == "stops":
            yield _dead(*silent, f"its output is 0 for every input, and {layer.layer} after it passes no gradient")
            return
    if len(maps) > 1:
        yield _dead(*maps[0], f"so are those of {maps[1][0]!r}, and no gradient reaches the first of them")


def _dead(name: str, fill: InitFill, reason: str) -> CheckFailed:
    message = f"The weights of {name!r} are all 0: {reason}."
    remedy = "Fill them with random values, or those of a normalization with ones."
    return CheckFailed(message, remedy, at=("init", fill.rule, fill.key))
