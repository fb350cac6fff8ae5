"""How messages write values, and how a text becomes a sentence or a part of one."""

from __future__ import annotations

import pytest
import yaml

from registry_core.diagnostics import as_clause, as_sentence, describe_error, format_value


@pytest.mark.parametrize("value", [None, True, [1, None, False], {"a": [True]}, "no", 1.5, [[]], {}])
def test_a_value_is_shown_as_a_file_has_it(value: object) -> None:
    assert yaml.safe_load(format_value(value)) == value


def test_a_tuple_is_shown_as_a_list_and_what_is_long_is_cut() -> None:
    assert format_value((1, 2)) == "[1, 2]"
    assert len(format_value("x" * 99)) == 60


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("expected a number, not 'x'", "Expected a number, not 'x'."),
        ("in_channels 3 does not divide 16", "in_channels 3 does not divide 16."),
        ("p must be positive", "p must be positive."),
        ("`p` must be positive.", "`p` must be positive."),
        (" write one of them ", "Write one of them."),
    ],
)
def test_a_text_becomes_a_sentence(text: str, sentence: str) -> None:
    assert as_sentence(text) == sentence


def test_a_foreign_text_becomes_a_part_of_a_sentence() -> None:
    assert as_clause("Cannot read it:\n  the file is gone.\n") == "cannot read it: the file is gone"
    assert as_clause("") == ""
    assert describe_error(ValueError("no such thing")) == "ValueError: no such thing"
    assert describe_error(ValueError()) == "ValueError"
