"""JSON has no comments, and a file with some is told so, at the first; what only looks like one is read."""

from __future__ import annotations

import json

import pytest

from registry_core.config.text.tree import read_text
from registry_core.diagnostics import PipelineError

COMMENTED = {
    '// one\n{"a": 1}': "x.json:1:1",
    '{"a": 1} // one': "x.json:1:10",
    '{"a": 1, // one\n "b": 2}': "x.json:1:10",
    '{\n  // one\n  "a": 1}': "x.json:2:3",
    '{"a": 1,// one\n "b": 2}': "x.json:1:9",
    '{"a": 1 /* one */, "b": 2}': "x.json:1:9",
    '{/* one */ "a": 1}': "x.json:1:2",
    '/* one\n * two */\n{"a": 1}': "x.json:1:1",
    '{"a": "// no", // one\n "b": 2}': "x.json:1:16",
    '{"a": "\\"", // one\n "b": 2}': "x.json:1:13",
    '{"a": [1, // one\n 2]}': "x.json:1:11",
}


@pytest.mark.parametrize("text", COMMENTED)
def test_a_comment(text: str) -> None:
    with pytest.raises(PipelineError) as refused:
        read_text(text, "x.json")
    (problem,) = refused.value.problems
    assert (problem.code, str(problem.place)) == ("yaml-syntax", COMMENTED[text])
    assert problem.message == "JSON has no comments."
    assert "begin with #" in problem.remedy


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "http://x/y", "b": "/* no */"}',
        '{"a": "c\\\\", "b": "//"}',
        '{"//": 1, "a//b": "c//"}',
        '{"a": "\'", "b": "// \'"}',
    ],
)
def test_what_is_none(text: str) -> None:
    assert read_text(text, "x.json").data == json.loads(text)


def test_comments_and_commas_of_yaml_are_allowed_in_json() -> None:
    assert read_text('{"a": [1, 2,], # see http://x // y\n}', "x.json").data == {"a": [1, 2]}


@pytest.mark.parametrize("text", ["// one\na: 1\n", "a: 1\n// one\nb: 2\n", "{a: 1, // one\n b: 2}"])
def test_yaml_has_comments_of_another_form(text: str) -> None:
    with pytest.raises(PipelineError) as refused:
        read_text(text, "x.yaml")
    assert refused.value.problems[0].remedy == "Begin a comment with #, not with //."
