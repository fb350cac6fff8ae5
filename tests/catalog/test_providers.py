"""Providers: names from an index, declarations on demand, and what can be wrong with either."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from registry_core.catalog import installed, refresh
from registry_core.catalog.source import summary_of
from registry_core.diagnostics import BrokenComponent, UnknownComponent
from registry_core.registry import registries

POINTS = "[registry_core.v1.providers]\nlosses = acme_many:declare\n"
MODULE = """
import sys
sys.modules.setdefault("acme_many_was_imported", sys)
CALLS = []


def declare(name):
    CALLS.append(name)
    if name == "many_raises":
        raise LookupError("not in this version")
    if name == "many_exits":
        raise SystemExit(4)
    if name == "many_number":
        return 5

    class Many:
        '''One of many.'''
        def __init__(self, weight: float = float(name[-1])): ...

    return Many
"""
INDEX = "# names\nmany_1\tThe first.\nmany_2\tThe second.\n\nmany_raises\nmany_exits\nmany_number\n"


@pytest.fixture
def provider(distribution: Callable[..., Path]) -> Path:
    folder = distribution("acme", POINTS, modules={"acme_many": MODULE})
    (folder / "acme_many.index").write_text(INDEX)
    refresh()
    return folder


@pytest.mark.usefixtures("provider")
def test_names_and_summaries_come_from_the_index_alone() -> None:
    import sys

    names = {record.name: summary_of(record) for record in installed().of_kind("loss") if record.provided}
    assert names == {
        "many_1": "The first.",
        "many_2": "The second.",
        "many_raises": "",
        "many_exits": "",
        "many_number": "",
    }
    assert not [finding for finding in installed().findings if finding.distribution == "acme"]
    with pytest.raises(UnknownComponent, match="Did you mean 'many_2' or 'many_1'"):
        installed().find("loss", "many_3")
    assert "acme_many" not in sys.modules


@pytest.mark.usefixtures("provider")
def test_what_is_named_is_declared_once() -> None:
    import sys

    assert registries.losses["many_2"]().arguments() == {"weight": 2.0}
    assert registries.losses["many_2"] is registries.losses["many_2"]
    assert registries.losses["acme:many_1"]().arguments() == {"weight": 1.0}
    assert sys.modules["acme_many"].CALLS == ["many_2", "many_1"]


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("many_raises", r"provider of the loss 'many_raises' of acme 1.0 failed: LookupError: not in this version"),
        ("many_exits", r"SystemExit: 4"),
        ("many_number", r"is a int: neither a class nor a function"),
    ],
)
def test_a_provider_that_fails_is_named(name: str, message: str) -> None:
    with pytest.raises(BrokenComponent, match=message):
        registries.losses[name]


@pytest.mark.parametrize(
    ("points", "index", "message"),
    [
        (POINTS, None, "there is no file 'acme_many.index' beside 'acme_many.py'. Add it to the package data."),
        (POINTS, b"\xff\xfe", "cannot be read"),
        (POINTS, b"Not A Name\tNo.\n", "has 'Not A Name', not a snake_case name"),
        (POINTS.replace("acme_many:", "acme_absent:"), b"", "the module 'acme_absent' is not installed"),
        (POINTS.replace("losses =", "loses ="), b"", "is not named after a kind, such as 'models'"),
        (POINTS.replace("acme_many:declare", "acme_many"), b"", "not module:name"),
    ],
)
def test_what_is_wrong_is_found_without_import(
    distribution: Callable[..., Path], points: str, index: bytes | None, message: str
) -> None:
    folder = distribution("acme", points, modules={"acme_many": MODULE})
    if index is not None:
        (folder / "acme_many.index").write_bytes(index)
    (finding,) = [found for found in refresh().findings if found.distribution == "acme"]
    assert message in str(finding)
    assert installed().find("loss", "mse").distribution == "registry-core"


def test_a_distribution_may_have_several_of_a_kind(distribution: Callable[..., Path]) -> None:
    points = f"{POINTS}losses.more = acme_more:declare\n"
    folder = distribution("acme", points, modules={"acme_many": MODULE, "acme_more": MODULE})
    (folder / "acme_many.index").write_text("many_1\n")
    (folder / "acme_more.index").write_text("many_7\n")
    refresh()
    assert registries.losses["many_7"]().arguments() == {"weight": 7.0}
    assert {r.target for r in installed().records if r.provided} == {"acme_many:declare", "acme_more:declare"}
