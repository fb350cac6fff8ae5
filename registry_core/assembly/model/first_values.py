"""Initial values of parameters, by the rules of `init`."""

from __future__ import annotations

from torch import nn

from registry_core.analysis.init_selection import fills_of, init_errors
from registry_core.assembly.building import build
from registry_core.assembly.model.module_facts import facts_of
from registry_core.assembly.refusing import refuse
from registry_core.components import CheckFailed, Init
from registry_core.config.models import InitRule
from registry_core.diagnostics.foreign_code import failure, pass_interrupt

OWN = "the model's own"
"""The entry for a parameter that no rule set, in the report of initial values."""


def initialise(model: nn.Module, rules: tuple[InitRule, ...]) -> dict[str, str]:
    """Apply the rules in order; later ones override earlier ones. Returns the rule of each parameter, or ``OWN``.

    Raises PipelineError for rules that match nothing, and for schemes that cannot fill a parameter.
    """
    report = {name: OWN for name, _ in model.named_parameters()}
    if not rules:
        return report
    modules = facts_of(model)
    fills = fills_of(rules, modules)
    refuse(init_errors(rules, modules, fills), "init-rule")
    parameters = dict(model.named_parameters())
    refused = []
    for fill in fills:
        try:
            _fill(fill.scheme, parameters[fill.name])
        except CheckFailed as failed:
            message = f"The init scheme {fill.scheme.name!r} cannot fill {fill.name!r} of shape {list(fill.shape)}"
            at = ("init", fill.rule, fill.key)
            refused.append(CheckFailed(f"{message}: {failed.message}.", failed.remedy, at=at))
        report[fill.name] = f"init[{fill.rule}]: {fill.scheme.name}"
    refuse(refused, "init-rule")
    return report


def _fill(component: Init, parameter: nn.Parameter) -> None:
    scheme = build(component, component.build)
    if parameter.is_meta:  # it has no values
        return
    try:
        scheme(parameter.data)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckFailed(str(error).rstrip("."), "Choose another scheme or other parameters.") from error
    except BaseException as error:  # a plugin may raise anything
        pass_interrupt(error)
        raise failure(f"The {component.label} failed while it filled a parameter", error) from error


def describe_init(model: nn.Module, report: dict[str, str]) -> list[str]:
    """The report of ``initialise`` as text: each parameter with its shape and rule, and the names without a rule."""
    rows = [(name, str(list(parameter.shape)), report[name]) for name, parameter in model.named_parameters()]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    lines = [f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {rule}" for name, shape, rule in rows]
    own = [name for name, _, rule in rows if rule == OWN]
    by_rule = sum(rule.startswith("init[") for _, _, rule in rows)
    lines.append(f"{by_rule} of {len(rows)} parameters were set by a rule of `init`.")
    if own:
        lines.append(f"No rule set: {', '.join(own)}")
    return lines
