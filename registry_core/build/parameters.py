"""Parameters by rule: first values from `init`, and groups with options of their own from `optim.groups`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import nn

from registry_core.build.checked import build
from registry_core.build.layers import layers_of
from registry_core.build.objective import Objective
from registry_core.components import CheckFailed, Init
from registry_core.errors import BrokenComponent, PipelineError, Problem
from registry_core.spec.groups import Group, LayerDecay, ModuleTypes
from registry_core.spec.models import InitRule

OWN = "the model's own"
"""What the report of first values says of a parameter that no rule set."""


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share options of the optimizer; ``pattern`` is None for those that no group names."""

    pattern: str | None
    options: dict[str, Any]
    names: tuple[str, ...]
    count: int
    """Numbers in all of its parameters."""
    layer: str = ""
    """The layer that it is, where learning rates decay from layer to layer."""
    starts: str = ""
    """When its parameters begin to train, if not at once."""


@dataclass(frozen=True)
class Later:
    """Parameters that begin to train later, by the number of their rule; options and start of each rule."""

    names: dict[str, int] = field(default_factory=dict)
    options: tuple[dict[str, Any], ...] = ()
    starts: tuple[str, ...] = ()


def initialise(model: nn.Module, rules: tuple[InitRule, ...]) -> dict[str, str]:
    """Apply the rules in order, later over earlier; returns which rule set each parameter, ``OWN`` for none.

    Raises PipelineError for rules that match nothing, and for schemes that cannot fill a parameter.
    """
    report = {name: OWN for name, _ in model.named_parameters()}
    problems = []
    for index, rule in enumerate(rules):
        path = f"init[{index}]"
        matches = list(_matches(model, rule))
        for name, parameter, component in matches:
            try:
                _fill(component, parameter)
            except CheckFailed as failed:
                message = f"The init scheme {component.name!r} cannot fill {name!r} of shape {list(parameter.shape)}"
                problems.append(Problem(f"{message}: {failed.message}.", failed.remedy, path=path))
            report[name] = f"{path}: {component.name}"
        if not matches:
            problems.append(_sets_nothing(path, rule, model))
    if problems:
        raise PipelineError(problems)
    return report


def _fill(component: Init, parameter: nn.Parameter) -> None:
    component.check_shape(tuple(parameter.shape))
    scheme = build(component, component.build)
    try:
        scheme(parameter.data)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckFailed(str(error).rstrip("."), "Choose another scheme for it, or other parameters.") from error
    except Exception as error:  # a plugin may raise anything
        message = f"The {component.full_name} failed while it set values: {type(error).__name__}: {error}."
        raise BrokenComponent(message) from error


def describe_init(model: nn.Module, report: dict[str, str]) -> list[str]:
    """The report of ``initialise`` for people: each parameter with its shape and rule, and the names without one."""
    rows = [(name, str(list(parameter.shape)), report[name]) for name, parameter in model.named_parameters()]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    lines = [f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {rule}" for name, shape, rule in rows]
    own = [name for name, _, rule in rows if rule == OWN]
    by_rule = sum(rule.startswith("init[") for _, _, rule in rows)
    lines.append(f"{by_rule} of {len(rows)} parameters were set by a rule of `init`.")
    if own:
        lines.append(f"No rule set: {', '.join(own)}")
    return lines


def _matches(model: nn.Module, rule: InitRule) -> Iterator[tuple[str, nn.Parameter, Init]]:
    if rule.parameters is not None and rule.init is not None:
        for name, parameter in model.named_parameters():
            if re.fullmatch(rule.parameters, name):
                yield name, parameter, rule.init
        return
    names = {parameter: name for name, parameter in model.named_parameters()}  # a shared one has one name
    for _, module in _modules(model, rule):
        for own, component in (("weight", rule.weight), ("bias", rule.bias)):
            found = getattr(module, own, None)
            if component is not None and isinstance(found, nn.Parameter):
                yield names[found], found, component


def _modules(model: nn.Module, rule: InitRule) -> Iterator[tuple[str, nn.Module]]:
    for name, module in model.named_modules():
        if rule.modules is not None and not is_of_type(module, rule.modules):
            continue
        if rule.names is None or re.fullmatch(rule.names, name):
            yield name, module


def _sets_nothing(path: str, rule: InitRule, model: nn.Module) -> Problem:
    """The problem of a rule without effect: it matches no module, or modules without the parameters that it sets."""
    if rule.parameters is not None or not (modules := [name for name, _ in _modules(model, rule)]):
        return _matches_nothing(path, rule.parameters or rule.names or rule.modules, model)
    wanted = " or ".join(own for own in ("weight", "bias") if getattr(rule, own) is not None)
    some = ", ".join(repr(name) for name in modules[:4]) + (", …" if len(modules) > 4 else "")
    return Problem(f"The modules that it matches have no {wanted}: {some}.", "Remove the rule.", path=path)


def trained_parameters(
    model: nn.Module, loss: Objective | None = None, later: Later | None = None
) -> dict[str, nn.Parameter]:
    """The parameters that an optimizer gets, by name: those of the model, and as ``loss.`` those that a loss has.

    Those that begin to train ``later`` are among them.
    """
    waiting = later.names if later else {}
    everything = named_parameters(model, loss)
    return {name: parameter for name, parameter in everything.items() if parameter.requires_grad or name in waiting}


def named_parameters(model: nn.Module, loss: Objective | None) -> dict[str, nn.Parameter]:
    """All parameters by name, those of the loss as ``loss.``."""
    found = dict(model.named_parameters())
    if loss is not None:
        found.update({f"loss.{name}": parameter for name, parameter in loss.weights_of_losses().items()})
    return found


def group_parameters(
    model: nn.Module,
    groups: tuple[Group, ...],
    loss: Objective | None = None,
    *,
    decay: LayerDecay | None = None,
    lr: float = 0.0,
    later: Later | None = None,
) -> list[ParameterGroup]:
    """Put every parameter that is trained in exactly one group: the last that matches it, else the remaining one.

    Groups are split by when their parameters begin to train (``later``), and by layer where rates decay from layer to
    layer; ``lr`` is the optimizer's own learning rate. Raises PipelineError for groups that get no parameter.
    """
    later = later or Later()
    trained = trained_parameters(model, loss, later)
    chosen = _chosen(model, groups, trained)
    rates = _rates_by_layer(model, decay) if decay else {}
    found: dict[tuple[int, int, int], list[str]] = {}
    for name in trained:
        layer = rates[name].number if name in rates else 0
        found.setdefault((chosen[name], later.names.get(name, -1), layer), []).append(name)
    empty = set(range(len(groups))) - {index for index, _, _ in found}
    if empty:
        index = min(empty)
        raise PipelineError([_matches_nothing(f"optim.groups[{index}]", groups[index].label, model)])
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


def _chosen(model: nn.Module, groups: tuple[Group, ...], names: Iterable[str]) -> dict[str, int]:
    """For each parameter the last group that matches it, or -1."""
    inside = [None if group.modules is None else set(_inside(model, group.modules)) for group in groups]
    chosen = dict.fromkeys(names, -1)
    for index, group in enumerate(groups):
        for name in chosen:
            named = group.parameters is None or re.fullmatch(group.parameters, name)
            held = inside[index]
            if named and (held is None or name in held):
                chosen[name] = index
    return chosen


def _inside(model: nn.Module, modules: ModuleTypes) -> Iterator[str]:
    """The names of all parameters inside modules of these classes."""
    for module_name, module in model.named_modules():
        if is_of_type(module, modules):
            for name, _ in module.named_parameters(prefix=module_name):
                yield name


def is_of_type(module: nn.Module, modules: ModuleTypes) -> bool:
    """Whether a module is of one of these classes, or of one that derives from them."""
    types = (modules,) if isinstance(modules, str) else modules
    return any(base.__name__ in types for base in type(module).__mro__)


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
    """What a torch optimizer is built with: plain parameters for one group, dictionaries for several."""
    parameters = named_parameters(model, loss)
    if len(groups) == 1 and not groups[0].options:
        return [parameters[name] for name in groups[0].names]
    return [{"params": [parameters[name] for name in group.names], **_as_torch(group.options)} for group in groups]


def _as_torch(options: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}


def _matches_nothing(path: str, pattern: Any, model: nn.Module) -> Problem:
    names = [name for name, _ in model.named_parameters()]
    some = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
    return Problem(
        f"{pattern!r} matches nothing that is left for it in the model.", f"Its parameters are: {some}", path=path
    )
