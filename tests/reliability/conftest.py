"""What the tests of reliability share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runs import StartedRun


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Kill what a test that fails leaves behind."""
    yield
    StartedRun.kill_all()
