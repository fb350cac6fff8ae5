"""The conformance kit: tests that components fulfil the contract of their kind, for plugin authors.

    from registry_core.testing import Check, conformance

    @conformance("acme-losses")
    def test_conformance(check: Check) -> None:
        check()

creates one test for each component of the distribution and each check of its kind, such as ``loss/focal:
is_differentiable``, and one that counts them. ``registry-core check acme-losses`` runs them without pytest.
"""

import registry_core.assembly  # noqa: F401  # before torch: it handles malformed metadata of other distributions
from registry_core.testing.checks import Check, checks_of
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.pytest_marks import conformance
from registry_core.testing.run import Result, run_checks
from registry_core.testing.subject import Subject

__all__ = ["Check", "NotApplicable", "Result", "Subject", "checks_of", "conformance", "run_checks"]
