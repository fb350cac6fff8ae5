"""The kit finds what is wrong: for every check a component that fails it, and for the whole, what authors see of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from broken_components import BROKEN
from conftest import Ended

from registry_core.catalog import KINDS, Record, installed
from registry_core.components import ExampleTensor
from registry_core.testing import Subject, checks_of, every_kind, run_checks

Register = Callable[[str], Record]


@pytest.fixture
def broken(distribution: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    """Register the component that fails a check, as ``acme``'s ``broken``."""
    monkeypatch.setenv("KIT_WAS_HERE", "")
    default = torch.get_default_dtype()

    def register(check: str) -> Record:
        kind, name = BROKEN[check]
        distribution("acme", f"[{KINDS[kind].group}]\nbroken = broken_components:{name}\n")
        return installed().find(kind, "broken")

    yield register
    torch.set_default_dtype(default)


def test_every_check_has_a_component_that_fails_it() -> None:
    kinds = {record.kind: record for record in installed().records if record.distribution == "registry-core"}
    names = {check.name for record in kinds.values() for check in checks_of(Subject(record))}
    assert names == {*BROKEN, "imports_alone", "imports_quickly"}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_component_is_found(name: str, broken: Register) -> None:
    results = {result.check: result for result in run_checks([broken(name)])}
    assert results[name].status == "failed", results[name]
    assert results[name].reason


@pytest.mark.parametrize("check", ["imports_alone", "imports_quickly"])
def test_a_heavy_declaration_is_found(
    check: str, distribution: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(every_kind, "SECONDS", 0.2)
    distribution("acme", "[registry_core.v1.losses]\nheavy = broken_objects:ImportsTorch\n")
    results = {result.check: result for result in run_checks([installed().find("loss", "heavy")])}
    assert results[check].status == "failed", results[check]
    assert "to the target" in results[check].reason


def test_authors_see_one_test_for_each_check(pytester: pytest.Pytester, broken: Register) -> None:
    """In a pytest of its own: identities, expected failures with their reasons, and the count."""
    broken("repeats")
    pytester.makepyfile(
        """
        from registry_core.testing import Check, conformance

        WHY = "it counts its calls"
        NAMES = ("repeats", "has_the_gradients_of_its_value")

        @conformance("acme", expected_failures={f"loss/broken: {name}": WHY for name in NAMES}, at_least=14)
        def test_conformance(check: Check) -> None:
            check()
        """
    )
    found = pytester.runpytest("-v", "-rxs", "-p", "no:cacheprovider")
    found.stdout.fnmatch_lines(["*test_conformance?loss/broken: is_differentiable? PASSED*"])
    found.stdout.fnmatch_lines(["*it counts its calls*"])
    found.assert_outcomes(passed=13, xfailed=2, skipped=1)
    pytester.makepyfile(
        """
        from registry_core.testing import conformance

        @conformance("acme", at_least=99)
        def test_conformance(check):
            check()
        """
    )
    found = pytester.runpytest("-p", "no:cacheprovider", "-k", "number")
    found.assert_outcomes(failed=1, passed=1, deselected=14)
    found.stdout.fnmatch_lines(["*14 checks apply to these components, but at least 99 are required*"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('conformance("acme-nowhere")', "*No distribution 'acme-nowhere' registers components here*"),
        (
            'conformance("acme", expected_failures={"loss/broken: typo": ""})',
            "*checks that do not exist: loss/broken: typo*",
        ),
    ],
)
def test_mistakes_in_the_call_are_said(pytester: pytest.Pytester, broken: Register, call: str, message: str) -> None:
    broken("repeats")
    pytester.makepyfile(f"from registry_core.testing import conformance\n{call}")
    found = pytester.runpytest("-p", "no:cacheprovider")
    found.assert_outcomes(errors=1)
    found.stdout.fnmatch_lines([message])


def test_an_unexpected_pass_is_wrong() -> None:
    results = run_checks([installed().find("loss", "mse")], {"loss/mse: repeats": "a mistake"})
    (passed,) = [result for result in results if result.check == "repeats"]
    assert passed.status == "passed unexpectedly"
    assert not passed.is_right


def test_the_command_says_what_failed(command: Callable[..., Ended], broken: Register) -> None:
    broken("is_a_finite_number")
    ended = command("check", "acme")
    assert ended.code == 1
    assert "failed  loss/broken: is_a_finite_number\n        it is " in ended.out
    assert command("check", "loss/mse").code == 0
    results = json.loads(command("check", "loss/mse", "--json").out)
    assert {result["status"] for result in results} == {"passed"}
    unknown = command("check", "acme-nowhere")
    assert unknown.code == 2
    assert "No distribution 'acme-nowhere' registers components here." in unknown.err


def test_plain_losses_are_checked_with_inputs_of_the_author(distribution: Callable[..., Path]) -> None:
    module = "def plain(output, target):\n    'Plain.'\n    return (output - target).abs()\n"
    distribution("acme", "[registry_core.v1.losses]\nplain = acme_plain:plain\n", modules={"acme_plain": module})
    record = installed().find("loss", "plain")
    without = {result.check: result for result in run_checks([record])}
    assert without["is_differentiable"].status == "left out"
    assert "declare `example_inputs`" in without["is_differentiable"].reason
    inputs = {"output": ExampleTensor((4, 3)), "target": ExampleTensor((4, 3))}
    (check,) = [each for each in checks_of(Subject(record, inputs=inputs)) if each.name == "is_differentiable"]
    check()
