"""The kit as pytest tests: one for each component and check, and one that counts them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from registry_core.catalog import installed
from registry_core.components import ExampleTensor
from registry_core.testing.checks import Check, checks_of
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.run import result_of
from registry_core.testing.subject import Subject


def conformance(
    distribution: str,
    *,
    components: Collection[str] | None = None,
    examples: Mapping[str, Mapping[str, Any]] | None = None,
    inputs: Mapping[str, Mapping[str, ExampleTensor]] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    at_least: int | None = None,
) -> Callable[[Callable[..., None]], Any]:
    """Parametrize a test over all checks of the components of an installed distribution, as ``check``.

    ``components`` limits the test to these, by ``kind/name``. ``examples`` and ``inputs`` are parameters and inputs, by
    ``kind/name``, for components that do not declare them. ``expected_failures`` maps ``kind/name: check`` to a reason:
    the test has to fail then. ``at_least`` is the smallest number of checks that have to apply.
    """
    import pytest

    records = [record for record in installed().records if record.distribution == distribution]
    if not records:
        raise ValueError(f"No distribution {distribution!r} registers components here. Run: pip install -e .")
    unknown = sorted(set(components or ()) - {record.full_name for record in records})
    if unknown:
        raise ValueError(f"{distribution} does not register {', '.join(unknown)}")
    checks: list[Check] = []
    for record in records:
        if components is not None and record.full_name not in components:
            continue
        example, called_with = (examples or {}).get(record.full_name), (inputs or {}).get(record.full_name, {})
        checks += checks_of(Subject(record, example, called_with))
    unknown = sorted(set(expected_failures or {}) - {check.identity for check in checks})
    if unknown:
        raise ValueError(f"expected_failures names checks that do not exist: {', '.join(unknown)}")
    applied: dict[str, bool] = {}
    parameters = [_parameter(check, (expected_failures or {}).get(check.identity), applied) for check in checks]
    if at_least is not None:
        count = partial(_count, checks, applied, at_least)
        parameters.append(pytest.param(count, id=f"{distribution}: number of checks"))
    return pytest.mark.parametrize("check", parameters)


def _parameter(check: Check, expected_failure: str | None, applied: dict[str, bool]) -> Any:
    """A check as a parameter of a test, which has to fail if that is expected."""
    import pytest

    marks = [pytest.mark.xfail(reason=expected_failure, strict=True)] if expected_failure else []
    return pytest.param(partial(_make, check, applied), id=check.identity, marks=marks)


def _make(check: Check, applied: dict[str, bool]) -> None:
    """Run a check, and record if it applies."""
    import pytest

    applied[check.identity] = True
    try:
        check()
    except NotApplicable as reason:
        applied[check.identity] = False
        pytest.skip(str(reason))


def _count(checks: list[Check], applied: dict[str, bool], at_least: int) -> None:
    """At least the required number of checks applies, so that none is lost unnoticed; missing ones run now."""
    for check in checks:
        if check.identity not in applied:
            applied[check.identity] = result_of(check).status != "left out"
    found = sum(applied[check.identity] for check in checks)
    assert found >= at_least, f"{found} checks apply to these components, but at least {at_least} are required"
