"""Apply ``--set`` to a tree: ``KEY=VALUE``, ``LIST+=VALUE``, ``LIST.+0=VALUE`` and ``KEY-=``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from registry_core.config.text.fixes import value_at
from registry_core.config.text.key_path import Step, split_path
from registry_core.config.text.tree import Tree, read_value
from registry_core.config.text.yaml_nodes import refused
from registry_core.diagnostics import Keys, PipelineError, Place, format_value, near

IsComponent = Callable[[Keys], bool]
"""True if the keys lead to a component: a mapping with another name replaces it instead of merging."""

_VERSION = re.compile("v[1-9][0-9]*", re.ASCII)
_OPERATOR = re.compile(r"(?P<operator>[+-]?=)(?P<value>.*)", re.DOTALL)
_EXAMPLE = "Write it as in `--set train.epochs=3`."
_INSERTS = re.compile(r"\+(-?[0-9]{1,9})", re.ASCII)

_OF_THE_FILE = {
    "extends": "`extends` cannot be set: the file is merged with the one that it extends before options are applied.",
    "version": "`version` cannot be set: it says in which version the file is written.",
}


class Override(NamedTuple):
    """An option ``--set`` that was read."""

    written: str
    steps: tuple[Step, ...]
    operator: str
    """``=``, ``+=`` or ``-=``."""
    value: str

    @property
    def place(self) -> Place:
        """The place of what it sets."""
        return Place(f"--set {self.written}")

    def error(self, message: str, remedy: str) -> PipelineError:
        """The error of an option that cannot be applied."""
        return refused("set-option", message, remedy, self.place)


def read_override(written: str) -> Override:
    """Read the text of an option; PipelineError if it has no form of one."""
    if written.startswith("~"):
        remedy = f"Write it as in `--set {written[1:].partition('=')[0]}-=`."
        raise refused("set-option", "`--set` does not delete with ~.", remedy, Place(f"--set {written}"))
    steps, rest = split_path(written)
    operation = _OPERATOR.fullmatch(rest)
    sign = ""
    if operation and operation["operator"] == "=" and steps and steps[-1].form == "bare":  # the step took the sign
        name = steps[-1].text
        sign = name[-1] if len(name) > 1 and name[-1] in "+-" else ""
        steps[-1] = Step(name.removesuffix(sign))
    if not steps or operation is None:
        raise refused("set-option", *_form_advice(written), Place(f"--set {written}"))
    option = Override(written, tuple(steps), sign + operation["operator"], operation["value"])
    if option.operator == "-=" and option.value:
        remedy = "To delete an item of a list, write its index, as in `--set hooks.0-=`."
        raise option.error("`KEY-=` deletes the value at KEY, so nothing can follow it.", remedy)
    if reason := _OF_THE_FILE.get(steps[0].text):
        raise option.error(reason, "Change it in the file.")
    return option


def _form_advice(written: str) -> tuple[str, str]:
    if '"' in written.partition("=")[0] or "'" in written.partition("=")[0]:
        example = """`--set 'requires."zope.interface"=>=1'`"""
        return "The quotes in the key of `--set` do not enclose one key.", f"Write it as in {example}."
    return "`--set` expects KEY=VALUE.", _EXAMPLE


def apply_override(tree: Tree, written: str, is_component: IsComponent) -> None:
    """Apply one option to a tree; PipelineError, with the option as its place, if that is impossible."""
    option = read_override(written)
    applied = _Application(tree, option, is_component)
    *parents, last = _with_versions(option.steps, is_component)
    for step, following in zip(parents, [*parents[1:], None], strict=False):
        applied.enter(step, following)
    applied.finish(last)


def _with_versions(steps: tuple[Step, ...], is_component: IsComponent) -> list[Step]:
    """The steps, in which the version of a component, as in ``focal.v2``, is a part of its name."""
    joined: list[Step] = []
    for step in steps:
        above = tuple(each.key for each in joined[:-1])
        if joined and step.form == "bare" and _VERSION.fullmatch(step.text) and is_component(above):
            joined[-1] = Step(f"{joined[-1].text}.{step.text}", joined[-1].form)
        else:
            joined.append(step)
    return joined


class _Application:
    """Walks down a tree along the steps of an option, and creates the mappings that are missing."""

    def __init__(self, tree: Tree, option: Override, is_component: IsComponent) -> None:
        self.tree = tree
        self.option = option
        self.is_component = is_component
        self.keys: Keys = ()
        self.data: Any = tree.data

    def enter(self, step: Step, following: Step | None) -> None:
        """Go on in the value at a step, which becomes a mapping if it has no keys; ``following`` is entered next."""
        key = self.key(step)
        keys = (*self.keys, key)
        inner = value_at(self.data, (key,))
        if inner is None and self.option.operator == "-=":
            raise self.absent(step)
        if not isinstance(inner, (dict, list)):
            if inner is not None and not self.is_component(keys):
                message = f"{self.shown(keys)} is {format_value(inner)}, which has no keys."
                raise self.option.error(message, f"Set it as a whole: `--set {self.shown(keys)}=VALUE`.")
            self.data[key] = inner = {inner: {}} if isinstance(inner, str) else {}
            self.tree.values[keys] = self.option.place
        self.keys, self.data = keys, inner
        if following and self.is_component(keys) and isinstance(inner, dict) and following.text not in inner:
            if self.option.operator == "-=":
                raise self.absent(following)
            inner.clear()  # another component does not keep these parameters

    def finish(self, step: Step) -> None:
        """Set, add to, or delete the value at the last step."""
        if self.option.operator == "-=":
            self.delete(step)
            return
        key, value = self.key(step), read_value(self.option.value)
        if self.option.operator == "+=":
            self.add(key, value)
        else:
            self.set((*self.keys, key), value)

    def set(self, keys: Keys, value: Any) -> None:
        """Replace the value at ``keys``, whose place is then the option."""
        self.data[keys[-1]] = value
        self.tree.forget(keys)
        self.tree.values[keys] = self.tree.keys[keys] = self.option.place

    def add(self, key: str | int, value: Any) -> None:
        """Add items at the end of the list at ``key``."""
        keys = (*self.keys, key)
        found = value_at(self.data, (key,))
        if found is None:
            self.set(keys, [])
            found = self.data[key]
        if not isinstance(found, list):
            message = f"`+=` adds to a list, but {self.shown(keys)} is {format_value(found)}."
            advice = f"To insert before it, write `--set {self.shown(self.keys)}.+{key}=VALUE`."
            raise self.option.error(message, advice if isinstance(key, int) else "Write `=` to replace it.")
        for item in value if isinstance(value, list) else [value]:
            self.tree.values[(*keys, len(found))] = self.option.place
            found.append(item)

    def delete(self, step: Step) -> None:
        """Delete the value at a step, which must exist."""
        if isinstance(self.data, dict) and step.text not in self.data:
            raise self.absent(step)
        key = self.key(step)
        keys = (*self.keys, key)
        del self.data[key]
        self.tree.forget(keys)
        if isinstance(key, int):
            self.tree.shift_items(keys, -1)
            self.tree.values[self.keys] = self.option.place
        else:  # a problem of the missing key is one of the option
            self.tree.values[keys] = self.tree.keys[keys] = self.option.place

    def key(self, step: Step) -> str | int:
        """The key of a mapping or the index of a list that a step names; an insertion makes room for its item."""
        if not isinstance(self.data, list):
            if step.form == "item":
                raise self.option.error(f"{self.shown(self.keys)} is not a list.", "Write the key after a dot.")
            return step.text
        length, inserts = len(self.data), _INSERTS.fullmatch(step.text) if step.form == "bare" else None
        index = int(inserts[1]) if inserts else step.as_index
        last = length if inserts else length - 1
        if index is None or not -length <= index <= last or (inserts and self.option.operator == "-="):
            message = f"{step.text!r} is not an index of this list of {length}."
            raise self.option.error(message, "Count items from 0, or from the end with -1.")
        at = index + length if index < 0 else index
        if inserts:
            self.tree.shift_items((*self.keys, at), 1)
            self.data.insert(at, None)
        return at

    def absent(self, step: Step) -> PipelineError:
        """The error of a deletion of what is not there."""
        where = f" in {self.shown(self.keys)}" if self.keys else ""
        message = f"There is no {step.text!r}{where} to delete."
        return self.option.error(message, near(step.text, self.data) or "Remove the option.")

    def shown(self, keys: Keys) -> str:
        """The keys as ``--set`` writes them."""
        return ".".join(f'"{key}"' if isinstance(key, str) and set(key) & set(".[]=") else str(key) for key in keys)
