"""Tables of the parameters, their groups and learning rates."""

from __future__ import annotations

from typing import Any

from torch import nn

from registry_core.assembly.model.objective import Objective
from registry_core.assembly.optim.parameters import ParameterGroup, named_parameters
from registry_core.diagnostics.tables import columns


def group_table(groups: list[ParameterGroup], lr: float | None) -> list[str]:
    """One line per group: its parameters, its learning rate before any schedule, and its own options."""
    by_layer = any(group.layer for group in groups)
    rows = [("group", "parameters", *(["layer"] if by_layer else []), "lr", "tensors", "values", "also")]
    for number, group in enumerate(groups):
        rate = group.options.get("lr", lr)
        rows.append(
            (
                str(number),
                group.pattern or "all others",
                *([group.layer or "-"] if by_layer else []),
                f"{rate:.4g}" if isinstance(rate, (int, float)) else "-",
                str(len(group.names)),
                f"{group.count:,}",
                _also(group),
            )
        )
    return columns(rows, "  ")


def _also(group: ParameterGroup) -> str:
    told = [f"{name} {value}" for name, value in group.options.items() if name != "lr"]
    return ", ".join([*told, *([f"trained {group.starts}"] if group.starts else [])])


def parameter_table(model: nn.Module, loss: Objective, groups: list[ParameterGroup], lr: float | None) -> str:
    """The groups, and one line per parameter with its group; a parameter without a group is never trained."""
    group_of = {name: str(number) for number, group in enumerate(groups) for name in group.names}
    rows = [("parameter", "shape", "group")]
    for name, parameter in named_parameters(model, loss).items():
        shape = " x ".join(map(str, parameter.shape)) or "one number"
        rows.append((name, shape, group_of.get(name, "frozen")))
    return "\n".join([*group_table(groups, lr), "", *columns(rows, "  ")])


def group_data(groups: list[ParameterGroup], lr: float | None) -> list[dict[str, Any]]:
    """The groups as plain data."""
    return [
        {
            "pattern": group.pattern,
            "layer": group.layer or None,
            "lr": rate if isinstance(rate := group.options.get("lr", lr), (int, float)) else None,
            "options": group.options,
            "trained": group.starts or "from the start",
            "tensors": list(group.names),
            "numbers": group.count,
        }
        for group in groups
    ]
