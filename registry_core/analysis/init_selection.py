"""The parameters that each rule of `init` fills, and rules that fill nothing or cannot fill what they match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from registry_core.analysis.matching import fullmatch
from registry_core.analysis.patterns import (
    is_of_type,
    names_matching,
    nearest_pattern,
    nearest_types,
    of_types,
    quoted,
    some_of,
)
from registry_core.components import CheckFailed, Init, ModuleFacts, Modules
from registry_core.components.modules import parameter_shapes
from registry_core.config.models import InitRule


class InitFill(NamedTuple):
    """A parameter that a rule fills."""

    rule: int
    key: Literal["weight", "bias", "init"]
    """The key of the scheme in the rule."""
    scheme: Init
    name: str
    shape: tuple[int, ...]


def fills_of(rules: Sequence[InitRule], modules: Modules) -> list[InitFill]:
    """The parameters that the rules fill, in their order; a shared parameter once for each module that has it."""
    return [fill for index, rule in enumerate(rules) for fill in _fills(index, rule, modules)]


def init_errors(rules: Sequence[InitRule], modules: Modules, fills: Sequence[InitFill]) -> Iterator[CheckFailed]:
    """Rules that match nothing or are overridden completely, and schemes that cannot fill what their rules match.

    ``fills`` are the parameters that the rules fill, as ``fills_of`` returns them.
    """
    last = {fill.name: fill.rule for fill in fills}
    for index, rule in enumerate(rules):
        own = [fill for fill in fills if fill.rule == index]
        if not own:
            yield _sets_nothing(index, rule, modules)
            continue
        yield from _cannot_fill(own)
        later = sorted({last[fill.name] for fill in own})
        if index not in later:
            names = list(dict.fromkeys(fill.name for fill in own))
            takers = " and ".join(f"init[{number}]" for number in later)
            what = (
                f"The rule has no effect: later rules, {takers}, set all parameters that it matches: {some_of(names)}."
            )
            yield CheckFailed(what, "Remove it or put it after them.", at=("init", index))


def _fills(index: int, rule: InitRule, modules: Modules) -> Iterator[InitFill]:
    if rule.parameters is not None and rule.init is not None:
        shapes = parameter_shapes(modules)
        for name in names_matching(rule.parameters, shapes):
            yield InitFill(index, "init", rule.init, name, shapes[name])
        return
    for module in _chosen(rule, modules):
        own = {parameter.name: (name, parameter.shape) for name, parameter in module.named_parameters()}
        if rule.weight is not None and "weight" in own:
            yield InitFill(index, "weight", rule.weight, *own["weight"])
        if rule.bias is not None and "bias" in own:
            yield InitFill(index, "bias", rule.bias, *own["bias"])


def _chosen(rule: InitRule, modules: Modules) -> list[ModuleFacts]:
    return [
        module
        for module in modules
        if (rule.modules is None or is_of_type(module, rule.modules))
        and (rule.names is None or fullmatch(rule.names, module.path))
    ]


def _cannot_fill(fills: list[InitFill]) -> Iterator[CheckFailed]:
    """One problem for each scheme of a rule, with the first parameter that it cannot fill."""
    refused: dict[str, list[tuple[InitFill, CheckFailed]]] = {}
    for fill in fills:
        try:
            fill.scheme.check_shape(fill.shape)
        except CheckFailed as failed:
            refused.setdefault(fill.key, []).append((fill, failed))
    for key, found in refused.items():
        (fill, refusal), others = found[0], len(found) - 1
        what = f"The init scheme {fill.scheme.name!r} cannot fill {fill.name!r} of shape {list(fill.shape)}"
        more = f", nor {others} other{'s' if others > 1 else ''} that the rule matches" if others else ""
        yield CheckFailed(f"{what}{more}: {refusal.message}.", refusal.remedy, at=("init", fill.rule, key))


def _sets_nothing(index: int, rule: InitRule, modules: Modules) -> CheckFailed:
    """The problem of a rule without effect: it matches nothing, or modules without the parameters that it sets."""
    if rule.parameters is not None:
        what = f"{quoted(rule.parameters)} matches no parameter of the model."
        advice = nearest_pattern(rule.parameters, list(parameter_shapes(modules)))
        return CheckFailed(what, advice, at=("init", index, "parameters"))
    if rule.modules is not None and not any(is_of_type(module, rule.modules) for module in modules):
        what = f"No module of the model is {of_types(rule.modules)}."
        return CheckFailed(what, nearest_types(rule.modules, modules), at=("init", index, "modules"))
    chosen = _chosen(rule, modules)
    if rule.names is not None and not chosen:
        paths = [m.path for m in modules if m.path and (rule.modules is None or is_of_type(m, rule.modules))]
        of_type = "" if rule.modules is None else f" that is {of_types(rule.modules)}"
        what = f"{quoted(rule.names)} matches no module of the model{of_type}."
        advice = nearest_pattern(rule.names, paths, "There are")
        return CheckFailed(what, advice, at=("init", index, "names"))
    wanted: list[Literal["weight", "bias"]] = [key for key in ("weight", "bias") if getattr(rule, key) is not None]
    some = some_of([repr(module.path) for module in chosen])
    what = f"The modules that it matches have no {' or '.join(wanted)}: {some}."
    return CheckFailed(what, "Remove the rule.", at=("init", index, wanted[0]))
