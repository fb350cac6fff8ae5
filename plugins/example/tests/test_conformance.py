"""Every component keeps what its kind promises."""

from __future__ import annotations

from registry_core.testing import Check, conformance


@conformance("registry-core-example", at_least=15)
def test_conformance(check: Check) -> None:
    """One test for each component and each check of its kind."""
    check()
