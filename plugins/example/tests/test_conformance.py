"""Check that every component fulfills the contract of its kind."""

from __future__ import annotations

from registry_core.testing import Check, conformance


@conformance("registry-core-example", at_least=15)
def test_conformance(check: Check) -> None:
    """Run one check of one component."""
    check()
