"""Reading YAML 1.2 and JSON: values, places, and everything that is refused."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_core.config.text.source import MAX_BYTES
from registry_core.config.text.tree import read_file, read_text, read_value
from registry_core.diagnostics import PipelineError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("no", "no"),
        ("on", "on"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1:30", "1:30"),
        ("~", None),
        ("null", None),
        ("true", True),
        ("'true'", "true"),
        ('"1e-3"', "1e-3"),
        ("2024-01-01", "2024-01-01"),
        ("-.5", -0.5),
        ("+3", 3),
        ("1_000", "1_000"),
        ("[1, two, 3.0]", [1, "two", 3.0]),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    found = read_text(f"a: {text}", "x").data["a"]
    assert found == value
    assert type(found) is type(value)


def test_every_key_and_value_has_its_place() -> None:
    tree = read_text("a: 1\nb:\n  - x\n  - {c: 2}\n", "f.yaml")
    assert str(tree.place(("a",))) == "f.yaml:1:4"
    assert str(tree.place(("a",), of_key=True)) == "f.yaml:1:1"
    assert str(tree.place(("b", 0))) == "f.yaml:3:5"
    assert str(tree.place(("b", 1, "c"))) == "f.yaml:4:9"
    assert str(tree.place(("b", 1, "missing"))) == "f.yaml:4:5"


REFUSED = {
    "a: 1\na: 2\n": "twice",
    "a: .nan\n": "finite",
    "a: -.inf\n": "finite",
    "a: 1e999\n": "too large",
    "a: " + "9" * 5000: "too large",
    "a: &x [*x]\n": "anchor that contains it",
    "a: !!python/object/apply:os.system [id]\n": "tag",
    "a: !custom 3\n": "tag",
    "b: &x {c: 1}\na: {<<: *x}\n": "extends",
    "a: [1,\n": "not valid YAML",
    "a: 'x\n": "not valid YAML",
    "? [a]\n: 1\n": "key must be a word",
    "a: " + "[" * 3000: "nests deeper",
    "a: *b\n": "anchor 'b' is not defined",
    "a: " + "[" * 70 + "]" * 70: "nests deeper",
    "a: 1\n---\nb: 2\n": "more than one YAML document",
}


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(text: str) -> None:
    with pytest.raises(PipelineError, match=REFUSED[text]) as refused:
        read_text(text, "f.yaml")
    assert all(problem.place is not None and problem.place.source == "f.yaml" for problem in refused.value.problems)


def test_a_bomb_is_refused() -> None:
    lines = ["a0: &a0 [1, 1]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(PipelineError, match="expands to more than"):
        read_text("\n".join(lines), "bomb.yaml")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"absent\.yaml.*does not exist"):
        read_file(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(PipelineError, match="UTF-8"):
        read_file(tmp_path / "latin.yaml")
    (tmp_path / "large.yaml").write_text("a: 1\n" * (MAX_BYTES // 4))
    with pytest.raises(PipelineError, match="larger than"):
        read_file(tmp_path / "large.yaml")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_categories=["Cc", "Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON, st.sampled_from([None, 2, "\t"]))
def test_json_is_read_as_json_reads_it(data: Any, indent: Any) -> None:
    text = json.dumps({"data": data}, indent=indent)
    assert read_text(text, "x.json").data == json.loads(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(PipelineError):
        assert read_text(text, "x").data is not ...


@pytest.mark.parametrize(
    ("text", "value"), [("0.1", 0.1), ("a,b", "a,b"), ("[1, 2]", [1, 2]), ("", None), ("{a", "{a")]
)
def test_option_values(text: str, value: Any) -> None:
    assert read_value(text) == value
