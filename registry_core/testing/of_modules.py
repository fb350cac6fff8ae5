"""Checks for the modules that models and layers declare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from registry_core.assembly.model.module_facts import facts_of
from registry_core.components import CheckFailed, Layer, Model
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.testing.checks import check
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.shapes import LAYER_SHAPES
from registry_core.testing.subject import Subject


def _says_its_modules(subject: Subject) -> bool:
    """True if a model or layer overrides `modules`; other checks report a broken one."""
    try:
        return type(subject.component()).modules not in (Model.modules, Layer.modules)
    except BaseException as error:  # a component may raise anything
        pass_interrupt(error)
        return True


@check(where=_says_its_modules)
def has_the_modules_it_declares(subject: Subject) -> None:
    """The built object has the declared modules, parameters and saved buffers: names, classes, order and shapes."""
    component = subject.component()
    tried = 0
    for sized in [component] if isinstance(component, Model) else _sized(component):
        said = sized.modules()
        if said is None:
            continue
        tried += 1
        for declared, found in zip_longest(said, facts_of(sized.build())):
            assert declared == found, f"it declares {declared or 'nothing more'}, but has {found or 'nothing more'}"
    if not tried:
        raise NotApplicable("it does not declare its modules: override `modules`")


def _sized(layer: Any) -> Iterator[Any]:
    """The sized layer for samples of each shape that it accepts."""
    for shape in LAYER_SHAPES:
        with suppress(CheckFailed):
            yield layer.with_sizes(shape)
