"""Record the arguments that timm entry functions pass to model constructors, without building the models."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import timm
import torch
from timm.models import _builder


class Call(NamedTuple):
    """A constructor that an entry function calls, with its arguments."""

    constructor: Callable[..., Any]
    arguments: dict[str, Any]


class _Recorded(BaseException):
    """Carries a recorded call to the caller; a BaseException, so that no entry function catches it."""


@contextmanager
def recording() -> Iterator[Callable[..., Call]]:
    """Yield a function that returns the constructor call for a model name and keyword arguments."""
    original = _builder.build_model_with_cfg
    wanted: str | None = None

    def stand_in(constructor: Callable[..., Any], variant: str, pretrained: bool, **options: Any) -> Any:
        def record(**arguments: Any) -> None:
            raise _Recorded(Call(constructor, arguments))

        return original(record if wanted in (variant, None) else constructor, variant, pretrained, **options)

    def call_for(name: str, **arguments: Any) -> Call:
        nonlocal wanted
        # some models build a backbone first, and some entry functions pass on another name
        for wanted in (name, None):
            try:
                with torch.device("meta"):
                    timm.create_model(name, **arguments)
            except _Recorded as recorded:
                call: Call = recorded.args[0]
                return call
            except Exception:  # retry without a name; its error is the one to report
                if wanted is None:
                    raise
        raise RuntimeError(f"{name!r} was built without build_model_with_cfg.")

    holders = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("timm.") and vars(module).get("build_model_with_cfg") is original
    ]
    for module in holders:
        vars(module)["build_model_with_cfg"] = stand_in
    try:
        yield call_for
    finally:
        for module in holders:
            vars(module)["build_model_with_cfg"] = original


_TWICE = re.compile(r"multiple values for (?:keyword )?argument '(\w+)'")


def settable(call_for: Callable[..., Call], name: str, values: dict[str, Any]) -> set[str]:
    """Return the parameters that reach the constructor when they are passed to ``timm.create_model``."""
    tried = {parameter: _other(value) for parameter, value in values.items()}
    while True:
        try:
            reached = call_for(name, **tried).arguments
        except TypeError as error:  # the entry function sets this parameter itself
            twice = _TWICE.search(str(error))
            if twice is None:
                raise
            del tried[twice[1]]
        else:
            return {parameter for parameter, value in tried.items() if reached.get(parameter, ...) == value}


def _other(value: Any) -> Any:
    """Return another value of the same type, which identifies the parameter."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + type(value)(1)
    if isinstance(value, (list, tuple)):
        return tuple(map(_other, value))
    return f"{value or ''}x"
