"""Parameters by rule: first values from `init`, and groups with options of their own from `optim.groups`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from registry_core.build.checked import build
from registry_core.errors import PipelineError, Problem
from registry_core.spec.models import Group, InitRule


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share options of the optimizer; ``pattern`` is None for those that no group names."""

    pattern: str | None
    options: dict[str, Any]
    names: tuple[str, ...]
    count: int
    """Numbers in all of its parameters."""


def initialise(model: nn.Module, rules: tuple[InitRule, ...]) -> dict[str, str]:
    """Apply the rules in order, later over earlier; returns which init set each parameter.

    Raises PipelineError for rules that match nothing.
    """
    report = {name: "the model's own" for name, _ in model.named_parameters()}
    problems = []
    for index, rule in enumerate(rules):
        matches = list(_matches(model, rule))
        for name, parameter, component in matches:
            build(component, component.build)(parameter.data)
            report[name] = f"init[{index}]: {component.name}"
        if not matches:
            problems.append(_matches_nothing(f"init[{index}]", rule.parameters or rule.names or rule.modules, model))
    if problems:
        raise PipelineError(problems)
    return report


def _matches(model: nn.Module, rule: InitRule) -> Iterator[tuple[str, nn.Parameter, Any]]:
    if rule.parameters is not None:
        for name, parameter in model.named_parameters():
            if re.fullmatch(rule.parameters, name):
                yield name, parameter, rule.init
        return
    types = (rule.modules,) if isinstance(rule.modules, str) else rule.modules
    for module_name, module in model.named_modules():
        if types is not None and not any(base.__name__ in types for base in type(module).__mro__):
            continue
        if rule.names is not None and not re.fullmatch(rule.names, module_name):
            continue
        for own, component in (("weight", rule.weight), ("bias", rule.bias)):
            found = getattr(module, own, None)
            if component is not None and isinstance(found, nn.Parameter):
                yield f"{module_name}.{own}" if module_name else own, found, component


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
