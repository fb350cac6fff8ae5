"""Nested state as plain data, which cannot name code: a JSON structure, and its tensors by number.

Optimizer states and the like are nested dictionaries with tensors in them. The tensors are separated and stored as
safetensors, and the rest is plain JSON: lists, what JSON has, and objects of one tag each.

    {"items": [[key, value], ...]}    a dictionary
    {"tensor": "3"}                   the tensor of this number
    {"same": 5}                       the value that is the sixth list or object of the structure, once more
    {TAG: [part, ...]}                a value of another type, see ``forms``

What is restored is of the type that was saved, tensors and generators on the CPU as torch has them there. An object in
several places is one object again; memory that two tensors share is copied.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
import torch

from registry_core.diagnostics.sentences import describe_error
from registry_core.engine.checkpoint.array_forms import ARRAYS, BASES, TENSORS, form_of_tensor, on_cpu
from registry_core.engine.checkpoint.forms import PYTHON, Form, Unsavable, is_json

Tensors = dict[str, torch.Tensor]

_DEEPEST = 80
"""The levels of nesting that are kept."""
_LEVELS = 2 * _DEEPEST + 10
"""Their levels as lists and objects: a tuple is the part of an object, and so are the parts of others."""
_SHOWN = 12
"""The steps of a path that are shown."""

_TYPES: dict[type, Form] = {**PYTHON, **ARRAYS}
_TAGS: dict[str, Form] = {form.tag: form for form in (*_TYPES.values(), *BASES.values(), *TENSORS)}


class WrongStructure(ValueError):
    """A structure that ``take_apart`` did not write."""


def take_apart(tree: Any) -> tuple[Any, Tensors]:
    """The JSON structure of a tree, and its tensors (contiguous, on the CPU) by the numbers that replace them.

    Raises Unsavable, with the place in the tree, if something in it cannot be kept.
    """
    writer = _Writer()
    structure = writer.value(tree, ())
    for tensor, path in writer.tensors.values():
        if tensor.is_meta:
            raise _at(path, Unsavable("a tensor on the meta device"))
    return structure, {number: on_cpu(tensor) for number, (tensor, _) in writer.tensors.items()}


def require_savable(tree: Any) -> None:
    """Raise Unsavable, with the place in the tree, if something in it cannot be kept; no tensor is copied."""
    _Writer().value(tree, ())


def put_together(structure: Any, tensors: Tensors) -> Any:
    """The tree of a JSON structure and its tensors; WrongStructure if ``take_apart`` did not write it."""
    try:
        return _Reader(tensors).value(structure, 0)
    except WrongStructure:
        raise
    except Exception as error:  # a file may say anything, and torch, NumPy and Python raise errors of many classes
        raise WrongStructure(f"it does not describe a value ({describe_error(error)})") from error


class _Writer:
    """Takes a tree apart, and collects its tensors, which are not copied, with their places."""

    def __init__(self) -> None:
        self.tensors: dict[str, tuple[torch.Tensor, tuple[Any, ...]]] = {}
        self._seen: dict[int, tuple[int, Any]] = {}
        """Numbers by identity. The values are kept: another one must not get the identity of one that is gone."""
        self._open: set[int] = set()

    def value(self, value: Any, path: tuple[Any, ...]) -> Any:
        if is_json(value):
            return value
        if id(value) in self._open:
            raise _at(path, Unsavable("a value that contains itself"))
        if id(value) in self._seen:
            return {"same": self._seen[id(value)][0]}
        if len(path) > _DEEPEST:
            raise _at(path, Unsavable(f"nested in more than {_DEEPEST} others"))
        self._seen[id(value)] = len(self._seen), value
        self._open.add(id(value))
        structure = self._structure(value, path)
        self._open.discard(id(value))
        return structure

    def _structure(self, value: Any, path: tuple[Any, ...]) -> Any:
        if type(value) is list:
            return [self.value(item, (*path, index)) for index, item in enumerate(value)]
        if type(value) is dict:
            return {"items": [self._item(key, item, path) for key, item in value.items()]}
        try:
            form = _form_of(value)
            parts = () if form is None else form.apart(value)
        except Unsavable as error:
            raise _at(path, error) from None
        except Exception as error:  # of a tensor or array without such an operation
            raise _at(path, Unsavable(f"{_words(value)} ({describe_error(error)})")) from error
        if form is not None:
            return {form.tag: [self.value(part, path) for part in parts]}
        number = str(len(self.tensors))
        self.tensors[number] = value, path
        return {"tensor": number}

    def _item(self, key: Any, value: Any, path: tuple[Any, ...]) -> list[Any]:
        if isinstance(key, torch.Tensor):  # which is looked up by its identity
            raise _at(path, Unsavable("a dictionary with tensors as keys"))
        return [self.value(key, (*path, key)), self.value(value, (*path, key))]


def _form_of(value: Any) -> Form | None:
    """The form of a value; None for a tensor that is stored as it is."""
    if isinstance(value, torch.Tensor):
        return form_of_tensor(value)
    form = _TYPES.get(type(value)) or next((form for base, form in BASES.items() if isinstance(value, base)), None)
    if form is None:
        raise Unsavable(_words(value), _remedy(value))
    return form


def _words(value: Any) -> str:
    if isinstance(value, type):
        return "a class"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _remedy(value: Any) -> str:
    if isinstance(value, Enum):
        return "Keep its value: value.value."
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return "Keep it as a dictionary: value._asdict()."
    if isinstance(value, np.ndarray):
        return "Keep it as a plain array: numpy.asarray(value)."
    for base in (bool, int, float, str, tuple, list, dict, set, frozenset):
        if isinstance(value, base):
            return f"Keep it as a plain {base.__name__}: {base.__name__}(value)."
    return "Keep its state: value.state_dict()." if callable(getattr(value, "state_dict", None)) else ""


def _shown(step: Any) -> str:
    try:
        return repr(step)[:60]
    except Exception:  # a key may be of any class; and Python writes no integers of thousands of digits
        return _words(step)


def _at(path: tuple[Any, ...], error: Unsavable) -> Unsavable:
    for step in path[:_SHOWN]:
        if type(step) is str and step.isidentifier():
            error.path += f".{step}" if error.path else step
        else:
            error.path += f"[{_shown(step)}]"
    error.path += "…" if len(path) > _SHOWN else ""
    return error


class _Reader:
    """Puts a tree together, and counts its lists and objects as the writer does."""

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors
        self._made: list[Any] = []

    def value(self, structure: Any, depth: int) -> Any:
        if not isinstance(structure, (list, dict)):
            if is_json(structure):
                return structure
            raise WrongStructure(f"{_words(structure)} is not a part of it")
        if depth > _LEVELS:
            raise WrongStructure(f"it is nested in more than {_LEVELS} levels")
        tag, parts = ("", structure) if isinstance(structure, list) else _tagged(structure)
        if tag == "same":
            return self._same(parts)
        number = len(self._made)
        self._made.append(_UNFINISHED)
        self._made[number] = made = self._put_together(tag, parts, depth + 1)
        return made

    def _put_together(self, tag: str, parts: Any, depth: int) -> Any:
        if tag == "tensor":
            return self.tensors[parts]
        if not isinstance(parts, list):
            raise WrongStructure(f"the parts of {tag!r} are not a list")
        if tag == "items":
            found = {self.value(key, depth): self.value(value, depth) for key, value in parts}
            if len(found) < len(parts):
                raise WrongStructure("a dictionary has the same key twice")
            return found
        values = [self.value(part, depth) for part in parts]
        if not tag:
            return values
        form = _TAGS.get(tag)
        if form is None:
            raise WrongStructure(f"the type {tag!r:.60} is unknown")
        return form.together(*values)

    def _same(self, number: Any) -> Any:
        if type(number) is not int or not 0 <= number < len(self._made) or self._made[number] is _UNFINISHED:
            raise WrongStructure("it refers to a value that is not there")
        return self._made[number]


_UNFINISHED = object()


def _tagged(structure: dict[str, Any]) -> tuple[str, Any]:
    if len(structure) != 1:
        raise WrongStructure("an object in it does not have one tag")
    return next(iter(structure.items()))
