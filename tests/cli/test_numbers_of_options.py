"""Numbers in options and in variables of the environment: of other scripts, too long, or none at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ended

from registry_core.assembly.ranks import rank
from registry_core.diagnostics import RunError
from registry_core.engine.requirements import check_one_process

ODD = ["\N{SUPERSCRIPT TWO}", "9" * 5000, "0x10", "x", "", "nan", "inf", "1e999", "-1"]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("option", ["sample --index", "sample --epoch", "doctor --timeout", "whiten --out w --epsilon"])
def test_an_odd_number_is_a_usage_error_or_a_number(
    command: Callable[..., Ended], pipeline: Callable[..., Path], option: str, value: str
) -> None:
    name, *options = option.split()
    ended = command(name, *options, value, *([] if name == "doctor" else [pipeline()]))
    assert ended.code == 2, "none of these is an index, an epoch or a duration"
    assert "Error: Invalid value" in ended.err


@pytest.mark.parametrize("value", ODD)
def test_variables_of_launchers_that_are_no_numbers(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for variable in ("RANK", "WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.setenv(variable, value)
    assert rank() == 0
    check_one_process()


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", " 4 ")
    with pytest.raises(RunError, match="WORLD_SIZE=4 asks for 4 processes"):
        check_one_process()
