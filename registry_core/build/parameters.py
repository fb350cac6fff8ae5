"""Parameters by rule: first values from `init`, and groups with options of their own from `optim.groups`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from registry_core.build.checked import build
from registry_core.components import CheckFailed, Init
from registry_core.errors import BrokenComponent, PipelineError, Problem
from registry_core.spec.models import Group, InitRule

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
    lines.append(f"{len(rows) - len(own)} of {len(rows)} parameters were set by a rule of `init`.")
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
    types = (rule.modules,) if isinstance(rule.modules, str) else rule.modules
    for name, module in model.named_modules():
        if types is not None and not any(base.__name__ in types for base in type(module).__mro__):
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


def trained_parameters(model: nn.Module, loss: nn.Module | None = None) -> dict[str, nn.Parameter]:
    """The parameters that an optimizer gets, by name: those of the model, and as ``loss.`` those that a loss has."""
    found = dict(model.named_parameters())
    if loss is not None:
        found.update({f"loss.{name}": parameter for name, parameter in loss.named_parameters()})
    return {name: parameter for name, parameter in found.items() if parameter.requires_grad}


def group_parameters(
    model: nn.Module, groups: tuple[Group, ...], loss: nn.Module | None = None
) -> list[ParameterGroup]:
    """Put every trainable parameter in exactly one group: the last that matches its name, else the remaining one.

    Raises PipelineError for groups that get no parameter.
    """
    chosen: dict[str, int] = {}
    trainable = trained_parameters(model, loss)
    for name in trainable:
        matching = [index for index, group in enumerate(groups) if re.fullmatch(group.parameters, name)]
        chosen[name] = matching[-1] if matching else -1
    found = []
    for index, group in enumerate(groups):
        names = tuple(name for name in trainable if chosen[name] == index)
        if not names:
            raise PipelineError([_matches_nothing(f"optim.groups[{index}]", group.parameters, model)])
        found.append(_group(group.parameters, group.options, names, trainable))
    rest = tuple(name for name in trainable if chosen[name] == -1)
    return [_group(None, {}, rest, trainable), *found] if rest else found


def _group(
    pattern: str | None, options: dict[str, Any], names: tuple[str, ...], trainable: dict[str, nn.Parameter]
) -> ParameterGroup:
    return ParameterGroup(pattern, options, names, sum(trainable[name].numel() for name in names))


def for_optimizer(model: nn.Module, groups: list[ParameterGroup], loss: nn.Module | None = None) -> list[Any]:
    """What a torch optimizer is built with: plain parameters for one group, dictionaries for several."""
    parameters = trained_parameters(model, loss)
    if len(groups) == 1 and groups[0].pattern is None:
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
