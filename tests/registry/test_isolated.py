"""Calls in other processes: values and errors come back, and nothing that happens there reaches the caller."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from registry_core.registry.isolated import each_isolated


def act(what: str) -> str:
    """Runs in another process."""
    if what == "raises":
        raise LookupError("not here")
    if what == "exits":
        sys.exit(3)
    if what == "ends":
        os._exit(9)
    if what == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "hangs":
        time.sleep(600)
    if what == "prints":
        print("out")
        print("err", file=sys.stderr)
        os.system("echo from below")
    return f"{what} {os.getpid()}"


def test_each_item_has_its_outcome() -> None:
    items = ["fine", "raises", "fine", "exits", "ends", "crashes", "hangs", "prints", "fine"]
    outcomes = list(each_isolated(act, items, timeout=1.5))
    assert [outcome.failure for outcome in outcomes] == [
        "",
        "raised LookupError: not here",
        "",
        "raised SystemExit: 3",
        "ended its process (exit code 9)",
        f"crashed its process (signal {int(signal.SIGSEGV)})",
        "did not end within 1.5 seconds",
        "",
        "",
    ]
    printed = [outcome.printed for outcome in outcomes if outcome.printed]
    assert [set(text.splitlines()) for text in printed] == [{"out", "err", "from below"}]
    values = [outcome.value for outcome in outcomes]
    assert values[0] == values[2], "one process works through the items as long as it lives"
    assert values[7] is not None
    assert values[8] is not None
    assert values[7].split()[1] == values[8].split()[1] != (values[0] or "").partition(" ")[2]
    assert str(os.getpid()) not in {value.split()[1] for value in values if value}


def test_fresh_processes() -> None:
    first, second = each_isolated(act, ["fine", "fine"], timeout=30, fresh=True)
    assert first.value != second.value


def test_the_caller_hears_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    (outcome,) = each_isolated(act, ["prints"], timeout=30)
    assert "out" in outcome.printed
    assert capfd.readouterr() == ("", "")
