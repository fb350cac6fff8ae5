"""extends, vars and --set: what composes to what, and where every value says it came from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry_core.config.loading.compose import compose
from registry_core.config.loading.resolve import component_class
from registry_core.config.models import Spec
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import PipelineError


def composed(path: Path, *overrides: str) -> Tree:
    tree, problems = compose(path, overrides, lambda keys: component_class(Spec, keys) is not None)
    assert not problems
    return tree


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    def write(**texts: str) -> Path:
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return tmp_path / f"{list(texts)[-1]}.yaml"

    return write


def test_mappings_merge_and_the_rest_replaces(files: Callable[..., Path]) -> None:
    path = files(
        base="train: {epochs: 5, precision: bf16}\nmetrics: [a, b]\nseed: 1\n",
        child="extends: base.yaml\ntrain: {epochs: 7}\nmetrics: [c]\n",
    )
    tree = composed(path)
    assert tree.data == {"train": {"epochs": 7, "precision": "bf16"}, "metrics": ["c"], "seed": 1}
    assert str(tree.place(("train", "epochs"))).endswith("child.yaml:2:17")
    assert str(tree.place(("train", "precision"))).endswith("base.yaml:1:31")


def test_another_component_replaces_and_the_same_one_merges(files: Callable[..., Path]) -> None:
    base = "model: {mlp: {size: 8, num_classes: 10}}\noptim: {optimizer: {sgd: {lr: 0.1, momentum: 0.9}}}\n"
    path = files(
        base=base, child="extends: base.yaml\nmodel: {lenet: {num_classes: 3}}\noptim: {optimizer: {sgd: {lr: 1}}}\n"
    )
    data = composed(path).data
    assert data["model"] == {"lenet": {"num_classes": 3}}
    assert data["optim"]["optimizer"] == {"sgd": {"lr": 1, "momentum": 0.9}}


def test_extends_reaches_over_several_files_and_folders(tmp_path: Path, files: Callable[..., Path]) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "root.yaml").write_text("a: 1\nb: 1\nc: 1\n")
    path = files(middle="extends: deep/root.yaml\nb: 2\nc: 2\n", top="extends: middle.yaml\nc: 3\n")
    assert composed(path).data == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("option", "keys", "value"),
    [
        ("train.epochs=3", ("train", "epochs"), 3),
        ("train.clip.norm=1e-1", ("train", "clip", "norm"), 0.1),
        ("hooks=[progress]", ("hooks",), ["progress"]),
        ("metrics.1=accuracy", ("metrics", 1), "accuracy"),
        ("optim.optimizer.sgd.lr=5", ("optim", "optimizer"), {"sgd": {"lr": 5, "momentum": 0.9}}),
        ("optim.optimizer.adam.lr=5", ("optim", "optimizer"), {"adam": {"lr": 5}}),
        ("optim.optimizer=adam", ("optim", "optimizer"), "adam"),
        ("loss.cross_entropy.label_smoothing=0.1", ("loss",), {"cross_entropy": {"label_smoothing": 0.1}}),
        ("data.train.transforms.0.pad.padding=2", ("data", "train", "transforms"), [{"pad": {"padding": 2}}]),
    ],
)
def test_options_override_one_value(files: Callable[..., Path], option: str, keys: tuple[Any, ...], value: Any) -> None:
    path = files(
        one="metrics: [a, b]\nloss: cross_entropy\noptim: {optimizer: {sgd: {lr: 1, momentum: 0.9}}}\n"
        "data: {train: {transforms: [pad]}}\n"
    )
    tree = composed(path, option)
    found = tree.data
    for key in keys:
        found = found[key]
    assert found == value


def test_an_option_is_the_place_of_its_value(files: Callable[..., Path]) -> None:
    tree = composed(files(one="train: {epochs: 1}\n"), "train.epochs=x")
    assert str(tree.place(("train", "epochs"))) == "--set train.epochs=x"


@pytest.mark.parametrize("option", ["train.epochs", "=3", "a..b=3", "metrics.7=x", "metrics.x=3"])
def test_options_that_make_no_sense(files: Callable[..., Path], option: str) -> None:
    problems = compose(files(one="metrics: [a]\n"), [option, "nothing"], lambda _: False)[1]
    assert [str(problem.place) for problem in problems] == [f"--set {option}", "--set nothing"]
    assert {problem.code for problem in problems} == {"set-option"}


def test_variables_keep_their_type_and_fill_texts(files: Callable[..., Path]) -> None:
    path = files(one='vars: {n: 3, path: data}\na: "${n}"\nb: "${path}/x-${n}"\nc: ["$${n}"]\n')
    assert composed(path).data == {"a": 3, "b": "data/x-3", "c": ["${n}"]}
    assert composed(path, "vars.n=4").data["a"] == 4


def test_variables_that_are_missing_are_all_reported(files: Callable[..., Path]) -> None:
    path = files(one='vars: {data: x}\na: "${dat}"\nb: "${other}"\n')
    _, problems = compose(path, [], lambda _: False)
    assert [str(problem.place)[-3:] for problem in problems] == ["2:4", "3:4"]
    assert "Did you mean 'data'" in problems[0].remedy


@pytest.mark.parametrize(
    "texts",
    [
        {"a": "extends: b.yaml\n", "b": "extends: a.yaml\n"},
        {"a": "extends: a.yaml\n"},
        {"a": "extends: absent.yaml\n"},
        {"a": "extends: [x, y]\n"},
        {"a": "- 1\n"},
    ],
)
def test_what_cannot_be_extended(files: Callable[..., Path], texts: dict[str, str]) -> None:
    with pytest.raises(PipelineError) as refused:
        composed(files(**texts))
    assert refused.value.problems[0].place is not None
