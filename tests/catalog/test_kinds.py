"""The table of kinds: all that a row names is there, and is what it should be."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from pkgutil import resolve_name

import pytest
from conftest import ROOT

from registry_core.catalog import KINDS
from registry_core.catalog.kinds import Kind
from registry_core.components import Component
from registry_core.config import Spec
from registry_core.diagnostics import BrokenComponent
from registry_core.registry import registries


def test_a_row_alone_names_what_every_kind_needs() -> None:
    kind = Kind("exporter", "exporters", base="acme:Exporter", builds="builtins:callable")
    assert (kind.one, kind.group) == ("an exporter", "registry_core.v1.exporters")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_what_a_row_names_is_there(kind: Kind) -> None:
    base = resolve_name(kind.base)
    assert issubclass(base, Component)
    assert base.kind == kind.name
    assert callable(base.build)
    assert callable(resolve_name(kind.builds))
    assert all(callable(resolve_name(name)) for name in (kind.characteristics, kind.trial) if name)
    assert all(import_module(name).__doc__ for name in kind.checks)
    assert not kind.templates or files("registry_core.scaffold").joinpath("templates", kind.templates).is_dir()
    registry = getattr(registries, kind.plural)
    assert registry is registries.BY_KIND[kind.name]
    assert registry.base is base


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_its_page_has_the_heading(kind: Kind) -> None:
    path, _, anchor = kind.page.partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
    assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_sections_of_kinds_are_no_other_key_of_a_pipeline_file() -> None:
    sections = [kind.section for kind in KINDS.values() if kind.section]
    assert len(set(sections)) == len(sections)
    declared = {name for model in Spec.__mro__[1:] for name in vars(model).get("__annotations__", {})}
    own = vars(Spec)["__annotations__"] if not sections else {}
    assert not set(sections) & (declared | set(own))


def test_a_declaration_that_claims_another_kind_is_refused(distribution: Callable[..., Path]) -> None:
    code = """
from typing import ClassVar
from registry_core.components import Loss
class Focal(Loss):
    kind: ClassVar[str] = "metric"
"""
    distribution("acme", "[registry_core.v1.losses]\nfocal = acme_kinds:Focal\n", modules={"acme_kinds": code})
    with pytest.raises(BrokenComponent, match=r"The loss 'focal' of acme 1\.0 is declared as a metric, not a loss"):
        _ = registries.losses["focal"]
