"""Run the conformance kit on every transform."""

from __future__ import annotations

from registry_core.testing import Check, conformance


@conformance("registry-core-kornia", at_least=888)
def test_conformance(check: Check) -> None:
    check()
