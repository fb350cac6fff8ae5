"""The parameter groups of `optim.groups`, with their own options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import nn

from registry_core.analysis.parameter_selection import group_errors, group_of_each
from registry_core.assembly.model.layers import layers_of
from registry_core.assembly.model.module_facts import facts_of
from registry_core.assembly.model.objective import Objective
from registry_core.assembly.refusing import refuse
from registry_core.config.groups import Group, LayerDecay
from registry_core.diagnostics import BrokenComponent


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters with the same options of the optimizer; ``pattern`` is None for those that no group names."""

    pattern: str | None
    options: dict[str, Any]
    names: tuple[str, ...]
    count: int
    """The total number of values of its parameters."""
    layer: str = ""
    """The name of its layer, if learning rates decay from layer to layer."""
    starts: str = ""
    """The time at which its parameters begin to train, if not at the start."""


@dataclass(frozen=True)
class DelayedParameters:
    """Parameters that begin to train later, by the index of their rule, and the options and start of each rule."""

    names: dict[str, int] = field(default_factory=dict)
    options: tuple[dict[str, Any], ...] = ()
    starts: tuple[str, ...] = ()


def trained_parameters(
    model: nn.Module, loss: Objective | None = None, later: DelayedParameters | None = None
) -> dict[str, nn.Parameter]:
    """The parameters of the optimizer by name: those of the model, and with the prefix ``loss.`` those of losses.

    They include those that begin to train ``later``.
    """
    waiting = later.names if later else {}
    everything = named_parameters(model, loss)
    return {name: parameter for name, parameter in everything.items() if parameter.requires_grad or name in waiting}


def named_parameters(model: nn.Module, loss: Objective | None) -> dict[str, nn.Parameter]:
    """All parameters by name, those of the loss with the prefix ``loss.``; BrokenComponent if both use a name."""
    own, of_loss = dict(model.named_parameters()), _parameters_of(loss)
    if shared := own.keys() & of_loss.keys():
        message = f"The parameter {min(shared)!r} of the model has the name of a parameter of the loss."
        remedy = "Call the part 'loss' of the model otherwise, or the parameter of the loss."
        raise BrokenComponent(message, remedy).at("model", code="shared-name")
    return {**own, **of_loss}


def _parameters_of(loss: Objective | None) -> dict[str, nn.Parameter]:
    return {f"loss.{name}": parameter for name, parameter in loss.parameters_of_losses().items()} if loss else {}


def group_parameters(
    model: nn.Module,
    groups: tuple[Group, ...],
    loss: Objective | None = None,
    *,
    decay: LayerDecay | None = None,
    lr: float = 0.0,
    later: DelayedParameters | None = None,
) -> list[ParameterGroup]:
    """Put every trainable parameter into exactly one group: the last that matches it, else the default one.

    Groups are split by the time at which their parameters begin to train (``later``), and by layer if rates decay from
    layer to layer; ``lr`` is the optimizer's own learning rate. Raises PipelineError for groups without a parameter.
    """
    later = later or DelayedParameters()
    trained = trained_parameters(model, loss, later)
    modules = facts_of(model) if groups else ()
    of_loss = list(_parameters_of(loss))
    refuse(group_errors(groups, modules, list(trained), of_loss), "parameter-group")
    chosen = group_of_each(groups, modules, list(trained))
    rates = _rates_by_layer(model, decay) if decay else {}
    found: dict[tuple[int, int, int], list[str]] = {}
    for name in trained:
        layer = rates[name].number if name in rates else 0
        found.setdefault((chosen[name], later.names.get(name, -1), layer), []).append(name)
    made = []
    for (index, start, _), names in sorted(found.items()):
        options = {**(groups[index].options if index >= 0 else {}), **(later.options[start] if start >= 0 else {})}
        rate = rates.get(names[0])
        if rate is not None:
            options["lr"] = options.get("lr", lr) * rate.factor
        label = groups[index].label if index >= 0 else None
        layer_name = rate.name if rate else ""
        starts = later.starts[start] if start >= 0 else ""
        count = sum(trained[name].numel() for name in names)
        made.append(ParameterGroup(label, options, tuple(names), count, layer_name, starts))
    return made


class _Rate(NamedTuple):
    number: int
    name: str
    factor: float


def _rates_by_layer(model: nn.Module, decay: LayerDecay) -> dict[str, _Rate]:
    layers = layers_of(model, decay.layers)
    return {
        name: _Rate(number, layer.name, decay.factor ** (len(layers) - number))
        for number, layer in enumerate(layers, 1)
        for name in layer.parameters
    }


def for_optimizer(model: nn.Module, groups: list[ParameterGroup], loss: Objective | None = None) -> list[Any]:
    """The argument of a torch optimizer: plain parameters for one group, dictionaries for several."""
    parameters = named_parameters(model, loss)
    if len(groups) == 1 and not groups[0].options:
        return [parameters[name] for name in groups[0].names]
    return [{"params": [parameters[name] for name in group.names], **_as_torch(group.options)} for group in groups]


def _as_torch(options: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
