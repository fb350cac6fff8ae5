"""No module decides anything by the wording of a message: what there is to know of a problem is in its fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT
from parsed_messages import findings

SOURCE = ROOT / "registry_core"

ALLOWED = {
    "assembly/torch_errors.py": "torch raises RuntimeError for out of memory, missing kernels and much else",
    "config/loading/pydantic_texts.py": "pydantic has the choices of a Literal as a text",
    "config/text/yaml_advice.py": "libyaml has neither kinds nor codes of errors",
    "diagnostics/sentences.py": "it writes an error of others on one line, whatever it says",
}
"""Modules that read texts of other libraries, which say it nowhere else."""


def _modules() -> dict[str, Path]:
    return {path.relative_to(SOURCE).as_posix(): path for path in sorted(SOURCE.rglob("*.py"))}


def test_no_module_compares_or_searches_a_message() -> None:
    found = {
        f"registry_core/{name}:{finding.line}": finding.code
        for name, path in _modules().items()
        if name not in ALLOWED
        for finding in findings(path.read_text())
    }
    assert found == {}, "let the problem, the error or the suggestion carry what is asked for, as a field or a code"


def test_no_exception_is_listed_in_vain() -> None:
    listed = [name for name in ALLOWED if name in _modules()]
    assert [name for name in listed if not findings(_modules()[name].read_text())] == []


DECIDES = {
    "the beginning of a remedy": "def f(problem):\n    return problem.remedy.startswith('Known')",
    "a word of a message": "def f(problem):\n    return 'label' in problem.message",
    "a message compared": "def f(one, other):\n    return one.message != other.message",
    "a part of a message": "def f(problem):\n    return problem.message[:10]",
    "a message divided": "def f(problem):\n    return problem.message.rpartition('; ')",
    "a pattern": "def f(problem):\n    return re.search('label', problem.message)",
    "a compiled pattern": "def f(problem):\n    return _LABEL.search(problem.message)",
    "a match statement": "def f(problem):\n    match problem.message:\n        case 'x':\n            return 1",
    "the text of an error": "try:\n    f()\nexcept ValueError as odd:\n    print('memory' in str(odd))",
    "an error in an f-string": "try:\n    f()\nexcept ValueError as odd:\n    f'{odd}'.split('; ')",
    "the argument of an error": "try:\n    f()\nexcept ValueError as odd:\n    odd.args[0].endswith('x')",
    "a field of an error": "try:\n    f()\nexcept ValueError as odd:\n    'x' in str(odd.problem)",
    "an error that is handed in": "def f(odd: OSError):\n    return str(odd) == 'x'",
    "a cause": "def f(odd: OSError):\n    return 'x' in str(odd.__cause__)",
    "by way of a variable": "def f(problem):\n    text = problem.message.lower()\n    return 'x' in text",
    "by way of a line": "def f(problem):\n    for line in problem.message.splitlines():\n        print(line.find('x'))",
    "by way of a function": "def f(problem):\n    return g(problem.message)\ndef g(text):\n    return text.find('x')",
    "by way of a result": "def f(problem):\n    return problem.message + '.'\ndef g(p):\n    return f(p).count('x')",
    "a suggestion": "def f(word):\n    return near(word, WORDS).startswith('Did')",
    "a suggestion as a text": "def f(word):\n    return str(suggest(word, WORDS)) == ''",
    "a suggestion that is kept": "def f(word):\n    return text if (text := near(word, WORDS))[:3] == 'Did' else ''",
    "pydantic's sentence": "def f(detail):\n    return 'valid' in detail['msg']",
    "pydantic's choices": "def f(detail):\n    return detail.get('ctx', {}).get('expected', '').split(', ')",
}
ALL_RIGHT = {
    "whether there is a remedy": "def f(problem):\n    return problem.remedy or 'Repair it.'",
    "put together": "def f(problem):\n    return f'{problem.message} {problem.remedy}'.strip()",
    "the code": "def f(problem):\n    return problem.code == 'unknown-key'",
    "the keys": "def f(error):\n    return error.keys[0] == 'data' and error.exit_code > 2",
    "the suggestion": "def f(word):\n    return suggest(word, WORDS).likely[:1] == ('x',)",
    "whether there was an answer": "def f():\n    message = receive()\n    return message is None",
    "another text": "def f(path):\n    return str(path).startswith('/') and 'x' in path.name",
}


@pytest.mark.parametrize("source", DECIDES.values(), ids=DECIDES)
def test_a_decision_by_words_is_found(source: str) -> None:
    assert findings(source) != []


@pytest.mark.parametrize("source", ALL_RIGHT.values(), ids=ALL_RIGHT)
def test_what_is_no_such_decision_is_not_found(source: str) -> None:
    assert findings(source) == []
