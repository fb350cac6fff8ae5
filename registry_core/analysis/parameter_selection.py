"""The parameters that groups of `optim`, layers of `layer_decay`, and `freeze` and `unfreeze` select."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

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
from registry_core.components import CheckFailed, ModuleFacts, Modules
from registry_core.components.modules import joined, parameter_shapes
from registry_core.config.finetune import Finetune
from registry_core.config.groups import Group, ModuleTypes


def group_of_each(groups: Sequence[Group], modules: Modules, names: Sequence[str]) -> dict[str, int]:
    """The last group that matches each of these parameters, or -1."""
    chosen = dict.fromkeys(names, -1)
    for index, group in enumerate(groups):
        chosen.update(dict.fromkeys(_matched(group, modules, names), index))
    return chosen


def group_errors(
    groups: Sequence[Group], modules: Modules, trained: Sequence[str], others: Sequence[str] = ()
) -> Iterator[CheckFailed]:
    """Groups without a trainable parameter; ``others`` are parameters of losses.

    A group that several later ones refine together is none: it is a general rule, with nothing left in this model.
    """
    chosen = group_of_each(groups, modules, trained)
    for index, group in enumerate(groups):
        if index in chosen.values():
            continue
        at = ("optim", "groups", index)
        names = [*parameter_shapes(modules), *others]
        matched = _matched(group, modules, names)
        if not matched:
            yield _matches_nothing(group, modules, names, at)
        elif takers := sorted({chosen[name] for name in matched if name in chosen}):
            if _refined(matched, [_matched(groups[number], modules, names) for number in takers]):
                continue
            later = " and ".join(f"optim.groups[{number}]" for number in takers)
            what = f"The group is empty: later groups, {later}, match all of its parameters: {some_of(matched)}."
            yield CheckFailed(what, "Remove it, or put it after them.", at=at)
        else:
            what = f"The group matches only parameters that are never trained: {some_of(matched)}."
            yield CheckFailed(what, "Remove it, or remove them from `finetune.freeze`.", at=at)


def _refined(matched: Sequence[str], later: Sequence[Sequence[str]]) -> bool:
    """True if no later group alone takes all that a group matches."""
    return not any(set(matched) <= set(taken) for taken in later)


def _matched(group: Group, modules: Modules, names: Sequence[str]) -> list[str]:
    found = list(names) if group.parameters is None else names_matching(group.parameters, names)
    if group.modules is None:
        return found
    inside = _inside(group.modules, modules)
    return [name for name in found if name in inside]


def _inside(types: ModuleTypes, modules: Modules) -> set[str]:
    """The names of all parameters in modules of these classes."""
    found: set[str] = set()
    starts: tuple[str, ...] = ()
    for module in modules:  # each comes after those that it is inside of
        if is_of_type(module, types):
            starts = (*starts, f"{module.path}." if module.path else "")
        if f"{module.path}.".startswith(starts):
            found.update(name for name, _ in module.named_parameters())
    return found


def _matches_nothing(group: Group, modules: Modules, names: Sequence[str], at: tuple[str | int, ...]) -> CheckFailed:
    types = group.modules
    if types is not None and not any(is_of_type(module, types) for module in modules):
        what = f"No module of the model is {of_types(types)}."
        return CheckFailed(what, nearest_types(types, modules), at=(*at, "modules"))
    inside = [] if types is None else [name for name in names if name in _inside(types, modules)]
    if types is not None and not inside:
        paths = some_of([repr(module.path) for module in modules if is_of_type(module, types)])
        what = f"The modules that it matches have no parameters: {paths}."
        return CheckFailed(what, "Remove the group.", at=(*at, "modules"))
    pattern = group.parameters or ""
    where = "in the model" if types is None else f"inside modules {of_types(types)}"
    advice = nearest_pattern(pattern, inside or names)
    return CheckFailed(f"{quoted(pattern)} matches no parameter {where}.", advice, at=(*at, "parameters"))


def with_statistics(modules: Modules) -> list[ModuleFacts]:
    """Batch norms, and other norms that keep running statistics."""
    return [
        module
        for module in modules
        if "_NormBase" in module.classes and any(buffer.name == "running_mean" for buffer in module.buffers)
    ]


def names_of_norm(norm: ModuleFacts) -> set[str]:
    """The names that freeze a norm with statistics: its parameters, or its ``running_mean`` if it has none."""
    return {name for name, _ in norm.named_parameters()} or {joined(norm.path, "running_mean")}


class FrozenNames(NamedTuple):
    """The names frozen at the start, and for those that are unfrozen later the index of their rule in `unfreeze`."""

    names: frozenset[str]
    """Names of parameters, and of statistics of norms without parameters."""
    freed: Mapping[str, int]


def frozen_by(finetune: Finetune | None, modules: Modules) -> FrozenNames:
    """The names that the section freezes and unfreezes; the last rule that matches a name counts."""
    if finetune is None:
        return FrozenNames(frozenset(), {})
    names = _names_to_freeze(modules)
    frozen = {name for pattern in finetune.freeze for name in names_matching(pattern, names)}
    ordered = [name for name in names if name in frozen]
    freed: dict[str, int] = {}
    for index, rule in enumerate(finetune.unfreeze):
        freed.update(dict.fromkeys(names_matching(rule.parameters, ordered), index))
    return FrozenNames(frozenset(frozen), {name: freed[name] for name in ordered if name in freed})


def freezing_errors(finetune: Finetune, modules: Modules, trainable: Collection[str]) -> Iterator[CheckFailed]:
    """Patterns of `freeze` and `unfreeze` without a match, and a `freeze` that covers all ``trainable`` parameters."""
    names = _names_to_freeze(modules)
    for index, pattern in enumerate(finetune.freeze):
        if not names_matching(pattern, names):
            what = f"{quoted(pattern)} matches no parameter of the model."
            yield CheckFailed(what, nearest_pattern(pattern, names), at=("finetune", "freeze", index))
    frozen = frozen_by(finetune, modules)
    for index, rule in enumerate(finetune.unfreeze):
        if index not in frozen.freed.values():
            message, remedy = _frees_nothing(rule.parameters, frozen, names)
            yield CheckFailed(message, remedy, at=("finetune", "unfreeze", index, "parameters"))
    if finetune.freeze and frozen.names.issuperset(trainable):
        message = "Every parameter of the model is frozen at the start: there is nothing to train."
        yield CheckFailed(message, "Remove some from `freeze`.", at=("finetune", "freeze"))


def _names_to_freeze(modules: Modules) -> list[str]:
    of_norms = [name for norm in with_statistics(modules) for name in names_of_norm(norm)]
    return list(dict.fromkeys([*parameter_shapes(modules), *of_norms]))


def _frees_nothing(pattern: str, frozen: FrozenNames, names: list[str]) -> tuple[str, str]:
    matched = names_matching(pattern, names)
    if not matched:
        return f"{quoted(pattern)} matches no parameter of the model.", nearest_pattern(pattern, names)
    if takers := sorted({frozen.freed[name] for name in matched if name in frozen.freed}):
        later = " and ".join(f"finetune.unfreeze[{number}]" for number in takers)
        what = f"{quoted(pattern)} matches no frozen parameter of its own: {later} unfreezes all of them."
        return what, "Remove the rule or put it after them."
    what = f"{quoted(pattern)} matches no frozen parameter: {some_of(matched)} are trained from the start."
    return what, "Add them to `freeze` or remove the rule."


def layers_by_pattern(patterns: Sequence[str], names: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """One layer per pattern, or per value of its group in numeric order; the first match counts."""
    return [
        (f"{pattern} ({value})" if value else pattern, tuple(held))
        for pattern, values in zip(patterns, _by_value(patterns, names), strict=True)
        for value, held in sorted(values.items(), key=_in_order)
    ]


def layer_errors(patterns: Sequence[str], names: Sequence[str]) -> Iterator[CheckFailed]:
    """Patterns that get no parameter, and parameters that none of them matches."""
    at = ("optim", "layer_decay", "layers")
    taken = [{name for held in values.values() for name in held} for values in _by_value(patterns, names)]
    for index, (pattern, own) in enumerate(zip(patterns, taken, strict=True)):
        if own:
            continue
        matched = set(names_matching(pattern, names))
        takers = " and ".join(f"layers[{number}]" for number, held in enumerate(taken) if matched & held)
        what = f"{quoted(pattern)} matches no parameter that is left for it"
        if takers:
            what = f"{what}: all that it matches belongs to {takers}, which comes before it."
            yield CheckFailed(what, "Remove it or put it first.", at=(*at, index))
        else:
            yield CheckFailed(f"{what}.", nearest_pattern(pattern, names), at=(*at, index))
    if left := [name for name in names if not any(name in held for held in taken)]:
        what = f"No pattern matches {', '.join(left)}."
        yield CheckFailed(what, "Add patterns for them, at the position of their layer.", at=at)


def _by_value(patterns: Sequence[str], names: Sequence[str]) -> list[dict[str, list[str]]]:
    """The names that belong to each pattern, by the value of its group if it has one."""
    found: list[dict[str, list[str]]] = [{} for _ in patterns]
    for name in names:
        for values, pattern in zip(found, patterns, strict=True):
            if match := fullmatch(pattern, name):
                value = next((text for text in match.groups() if text is not None), "")
                values.setdefault(value, []).append(name)
                break
    return found


def _in_order(item: tuple[str, list[str]]) -> int:
    """Numbers in numeric order; other values keep the order of definition."""
    return int(item[0]) if item[0].isdecimal() else 0
