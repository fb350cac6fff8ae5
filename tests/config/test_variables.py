"""Variables: those that nothing uses are told, those that options set must be known, and what they fill is bounded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from registry_core.config.text.source import MAX_BYTES
from registry_core.config.text.yaml_nodes import MAX_NODES
from registry_core.diagnostics import PipelineError, Problem
from registry_core.loaded import load, load_unseen

BASE = """\
version: 1
data:
  train: {dataset: {digits: {split: train}}, transforms: [to_tensor]}
  val: {dataset: {digits: {split: val}}, transforms: [to_tensor]}
  batch_size: 64
model: {mlp: {size: 8, num_classes: 10}}
loss: cross_entropy
optim: {optimizer: {sgd: {lr: "${rate}"}}}
train: {epochs: 1, device: cpu}
metrics: [accuracy]
"""


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(**texts: str) -> Path:
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return tmp_path / f"{list(texts)[-1]}.yaml"

    return write


def warnings(path: Path, *options: str) -> list[tuple[str, str]]:
    found = [each for each in load(path, options).warnings if each.code == "unused-variable"]
    return [(str(each.place).rpartition("/")[2], each.path) for each in found]


def errors(path: Path, *options: str) -> list[Problem]:
    with pytest.raises(PipelineError) as refused:
        load(path, options)
    return list(refused.value.problems)


def test_a_variable_that_nothing_uses(file: Callable[..., Path]) -> None:
    path = file(one=BASE + "vars: {rate: 0.1, length: 3}\n")
    assert warnings(path) == [("one.yaml:11:19", "vars.length")]
    assert warnings(path, "train.epochs=${length}") == []
    assert warnings(path, "vars.length=4") == [("--set vars.length=4", "vars.length")]
    assert warnings(path, "optim.optimizer.sgd.lr=0.2") == [("one.yaml:11:19", "vars.length")], "the file uses rate"
    assert warnings(path, "ignore=[unused-variable]") == []
    assert warnings(file(one=BASE + "vars: {rate: 0.1}\nhooks: [{jsonl: {}}]\n")) == []


@pytest.mark.parametrize("text", ["$${length}", "length", "${ length }"])
def test_what_is_no_use_of_a_variable(file: Callable[..., Path], text: str) -> None:
    path = file(
        one=BASE.replace("cross_entropy", f"cross_entropy\nrequires: {{torch: '{text}'}}") + "vars: {rate: 1}\n"
    )
    assert not any(each.code == "unused-variable" for each in errors(path))


def test_variables_of_files_that_others_extend(file: Callable[..., Path]) -> None:
    path = file(base=BASE + "vars: {rate: 0.1, length: 3}\n", child="extends: base.yaml\n")
    assert warnings(path) == [], "another file may use it"
    assert warnings(file(child="extends: base.yaml\nvars: {rate: 0.2}\n")) == []
    assert warnings(file(child="extends: base.yaml\nvars: {length: 2}\n")) == [("child.yaml:2:8", "vars.length")]
    replaced = "extends: base.yaml\noptim: {optimizer: {adam: {lr: 0.01}}}\nvars: {rate: 0.2}\n"
    assert warnings(file(child=replaced)) == [], "the extended file uses it"


def test_an_option_sets_a_variable_that_is_not_there(file: Callable[..., Path]) -> None:
    path = file(one=BASE + "vars: {rate: 0.1}\n")
    for option in ("vars.rat=0.2", "vars={rate: 0.1, rat: 1}"):
        (problem,) = errors(path, option)
        assert (problem.code, str(problem.place), problem.path) == ("unknown-variable", f"--set {option}", "vars.rat")
        assert problem.remedy == "Did you mean 'rate'?"
    assert load(file(one=BASE), ["vars.rate=0.2"]).spec.optim.optimizer.lr == 0.2  # type: ignore[attr-defined]  # sgd has it


def test_a_wrong_file_has_no_unused_variables(file: Callable[..., Path]) -> None:
    (problem,) = errors(file(one=BASE + "vars: {rat: 0.1}\n"))
    assert (problem.code, problem.remedy) == ("unknown-variable", "Did you mean 'rat'?")


@pytest.mark.parametrize("inner", ["'${b}'", "['${b}']", "[[1, '${b}']]", "'x-${b}'"])
def test_variables_contain_no_variables(file: Callable[..., Path], inner: str) -> None:
    (problem,) = errors(file(one=BASE + f"vars: {{rate: 0.1, a: {inner}, b: 1}}\n"))
    assert (problem.code, problem.path) == ("variable-value", "vars.a")


LONG = "x" * 1000
BOUNDS = {
    "texts": (f"vars: {{a: '{LONG}'}}\nmetrics: [" + ", ".join(["'${a}'"] * (MAX_BYTES // 1000)) + "]\n", True),
    "texts and one more": (
        f"vars: {{a: '{LONG}'}}\nmetrics: [" + ", ".join(["'${a}'"] * (MAX_BYTES // 1000 + 1)) + "]\n",
        False,
    ),
    "a text": (f"vars: {{a: '{LONG}'}}\nloss: '" + "${a}" * (MAX_BYTES // 1000) + "'\n", True),
    "a text and one more": (f"vars: {{a: '{LONG}'}}\nloss: '" + "${a}" * (MAX_BYTES // 1000 + 1) + "'\n", False),
    "lists": ("vars: {a: [" + "1, " * 99 + "]}\nmetrics: [" + ", ".join(["'${a}'"] * (MAX_NODES // 100)) + "]\n", True),
    "lists and one more": (
        "vars: {a: [" + "1, " * 99 + "]}\nmetrics: [" + ", ".join(["'${a}'"] * (MAX_NODES // 100 + 1)) + "]\n",
        False,
    ),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_what_variables_fill_is_counted(file: Callable[..., Path], name: str) -> None:
    text, is_allowed = BOUNDS[name]
    with pytest.raises(PipelineError) as refused:
        load_unseen(file(one=text))
    assert ("too-many-values" in {problem.code for problem in refused.value.problems}) is not is_allowed
