"""The conformance kit: does a component keep what its kind promises? For authors, and held against the built-ins too.

    from registry_core.testing import Check, conformance

    @conformance("acme-losses")
    def test_conformance(check: Check) -> None:
        check()

gives one test for each component of the distribution and each check of its kind, such as ``loss/focal:
is_differentiable``, and one that counts them. ``registry-core check acme-losses`` does the same without pytest.
"""

import registry_core.assembly  # noqa: F401  # before torch is imported: it sees to malformed metadata of others
from registry_core.testing.checks import Check, checks_of
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.pytest_marks import conformance
from registry_core.testing.run import Result, run_checks
from registry_core.testing.subject import Subject

__all__ = ["Check", "NotApplicable", "Result", "Subject", "checks_of", "conformance", "run_checks"]
