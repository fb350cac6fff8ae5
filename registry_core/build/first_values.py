"""First values of parameters, by the rules of `init`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torch import nn

from registry_core.build.checked import build
from registry_core.build.choosing import is_of_type, matches_nothing, some_of
from registry_core.components import CheckFailed, Init
from registry_core.errors import BrokenComponent, PipelineError, Problem
from registry_core.spec.models import InitRule

OWN = "the model's own"
"""What the report of first values says of a parameter that no rule set."""


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
        return matches_nothing(path, rule.parameters or rule.names or rule.modules, model)
    wanted = " or ".join(own for own in ("weight", "bias") if getattr(rule, own) is not None)
    some = some_of([repr(name) for name in modules])
    return Problem(f"The modules that it matches have no {wanted}: {some}.", "Remove the rule.", path=path)
