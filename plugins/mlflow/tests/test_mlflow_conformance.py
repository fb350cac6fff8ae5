"""Run the conformance kit on the hook."""

from __future__ import annotations

from registry_core.testing import Check, conformance


@conformance("registry-core-mlflow", at_least=12)
def test_conformance(check: Check) -> None:
    check()
