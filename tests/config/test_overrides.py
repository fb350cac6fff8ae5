"""All forms of ``--set``: what each changes, what is refused with what advice, and where its values say they are."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry_core.config.loading.compose import compose
from registry_core.config.loading.resolve import component_class
from registry_core.config.models import Spec
from registry_core.config.text.key_path import split_path
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, PipelineError, Problem
from registry_core.loaded import load

FILE = """\
version: 1
requires: {"zope.interface": ">=5"}
data: {train: {transforms: [pad, {resize: {size: 8}}, to_tensor]}}
loss: cross_entropy
optim: {optimizer: {sgd: {lr: 1, momentum: 0.9}}, scheduler: {step: {step_size: 3}}}
train: {epochs: 5, clip: null}
metrics: [accuracy]
hooks: [progress, jsonl]
"""


def is_component(keys: Keys) -> bool:
    return component_class(Spec, keys) is not None


@pytest.fixture
def set_in(tmp_path: Path) -> Callable[..., tuple[Tree, list[Problem]]]:
    def applied(*options: str, text: str = FILE) -> tuple[Tree, list[Problem]]:
        path = tmp_path / "p.yaml"
        path.write_text(text)
        return compose(path, options, is_component)

    return applied


def at(data: Any, *keys: str | int) -> Any:
    for key in keys:
        data = data[key]
    return data


@pytest.mark.parametrize(
    ("option", "keys", "value"),
    [
        ("hooks+=tensorboard", ["hooks"], ["progress", "jsonl", "tensorboard"]),
        ("hooks+=[a, {b: {c: 1}}]", ["hooks"], ["progress", "jsonl", "a", {"b": {"c": 1}}]),
        ("init+={names: x}", ["init"], [{"names": "x"}]),
        ("train.clip+=1", ["train", "clip"], [1]),
        (
            "data.train.transforms+={normalize: {mean: [1], std: [1]}}",
            ["data", "train", "transforms", 3, "normalize"],
            ...,
        ),
        ("hooks.+0=a", ["hooks"], ["a", "progress", "jsonl"]),
        ("hooks.+1=a", ["hooks"], ["progress", "a", "jsonl"]),
        ("hooks.+2=a", ["hooks"], ["progress", "jsonl", "a"]),
        ("hooks.+-1=a", ["hooks"], ["progress", "a", "jsonl"]),
        ("data.train.transforms.+0.resize.size=4", ["data", "train", "transforms", 0], {"resize": {"size": 4}}),
        ("hooks.0-=", ["hooks"], ["jsonl"]),
        ("hooks.-1-=", ["hooks"], ["progress"]),
        ("hooks[0]-=", ["hooks"], ["jsonl"]),
        ("hooks.-1=a", ["hooks"], ["progress", "a"]),
        ("hooks[-2]=a", ["hooks"], ["a", "jsonl"]),
        ("data.train.transforms[1].resize.size=4", ["data", "train", "transforms", 1], {"resize": {"size": 4}}),
        ("optim.scheduler-=", ["optim"], {"optimizer": {"sgd": {"lr": 1, "momentum": 0.9}}}),
        ("optim.scheduler=null", ["optim", "scheduler"], None),
        ("optim.scheduler=", ["optim", "scheduler"], None),
        ("optim.optimizer.sgd.momentum-=", ["optim", "optimizer"], {"sgd": {"lr": 1}}),
        ("""requires."zope.interface"=>=6""", ["requires"], {"zope.interface": ">=6"}),
        ("""requires.'zope.interface'-=""", ["requires"], {}),
        ("""requires."a=b"==1""", ["requires", "a=b"], "=1"),
        ("train.note=a=b==c", ["train", "note"], "a=b==c"),
        ("loss.focal.v2.gamma=2", ["loss"], {"focal.v2": {"gamma": 2}}),
        ("train.clip.norm=1", ["train", "clip"], {"norm": 1}),
    ],
)
def test_what_an_option_changes(
    set_in: Callable[..., tuple[Tree, list[Problem]]], option: str, keys: list[Any], value: Any
) -> None:
    tree, problems = set_in(option)
    assert problems == []
    found = at(tree.data, *keys)
    assert value is ... or found == value


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        ("hooks.\N{SUPERSCRIPT TWO}=a", "Count items from 0"),
        ("hooks.\N{ARABIC-INDIC DIGIT ONE}=a", "Count items from 0"),
        (f"hooks.{'9' * 5000}=a", "Count items from 0"),
        ("hooks.2=a", "or from the end with -1"),
        ("hooks.-3=a", "or from the end with -1"),
        ("hooks.+3=a", "or from the end with -1"),
        ("hooks.x=a", "Count items from 0"),
        ("hooks.x.y=a", "Count items from 0"),
        ("hooks[]=a", "Count items from 0"),
        ("train[0]=a", "Write the key after a dot"),
        ("train.epochs.x=1", "Set it as a whole: `--set train.epochs=VALUE`"),
        ("train.epochs+=1", "Write `=` to replace it"),
        ("hooks.0+=a", "`--set hooks.+0=VALUE`"),
        ("train.epoch-=", "Did you mean 'epochs'?"),
        ("optim.optimizer.adam.lr-=", "Available: sgd"),
        ("absent-=", "Available: data"),
        ("hooks-=progress", "`--set hooks.0-=`"),
        ("~optim.scheduler", "`--set optim.scheduler-=`"),
        ("~optim.scheduler=x", "`--set optim.scheduler-=`"),
        ("version=1", "Change it in the file"),
        ("version-=", "Change it in the file"),
        ("extends=x.yaml", "Change it in the file"),
        ("extends.x=1", "Change it in the file"),
        ("=", "train.epochs=3"),
        ("=3", "train.epochs=3"),
        ("train.epochs", "train.epochs=3"),
        (".train=3", "train.epochs=3"),
        ("train.=3", "train.epochs=3"),
        ("a..b=3", "train.epochs=3"),
        ("hooks[0=3", "train.epochs=3"),
        ("hooks[0]x=3", "train.epochs=3"),
        ('"a=3', "zope.interface"),
        ('a"b=3', "zope.interface"),
        ("", "train.epochs=3"),
        ("-", "train.epochs=3"),
    ],
)
def test_what_is_refused(set_in: Callable[..., tuple[Tree, list[Problem]]], option: str, advice: str) -> None:
    _, problems = set_in(option)
    (problem,) = problems
    assert problem.code == "set-option"
    assert str(problem.place) == f"--set {option}"
    assert advice in problem.remedy, problem


def test_options_apply_in_their_order(set_in: Callable[..., tuple[Tree, list[Problem]]]) -> None:
    tree, problems = set_in("hooks+=a", "hooks.+0=b", "hooks.1-=", "hooks.-1=c", "hooks.0.x.y=1")
    assert not problems
    assert tree.data["hooks"] == [{"x": {"y": 1}}, "jsonl", "c"]


@pytest.mark.parametrize("seed", range(40))
def test_lists_change_as_those_of_python_and_every_item_keeps_its_place(
    set_in: Callable[..., tuple[Tree, list[Problem]]], seed: int
) -> None:
    chance = random.Random(seed)
    items: list[Any] = ["progress", "jsonl"]
    places = {"progress": "p.yaml:8:9", "jsonl": "p.yaml:8:19"}
    options = []
    for number in range(chance.randrange(1, 12)):
        name, length = f"n{number}", len(items)
        way = chance.choice(("append", "insert", "delete", "set"))
        back = chance.random() < 0.5
        if way == "append" or not items:
            options.append(f"hooks+={name}")
            items.append(name)
        elif way == "insert":
            index = chance.randrange(length + 1)
            items.insert(index, name)
            options.append(f"hooks.+{index - length if back and index < length else index}={name}")
        else:
            index = chance.randrange(length)
            written = index - length if back else index
            if way == "delete":
                del items[index]
                options.append(f"hooks.{written}-=")
                continue
            items[index] = name
            options.append(f"hooks.{written}={name}")
        places[name] = f"--set {options[-1]}"
    tree, problems = set_in(*options)
    assert not problems
    assert tree.data["hooks"] == items
    for index, item in enumerate(items):
        assert str(tree.place(("hooks", index))).endswith(places[item]), options


RIGHT = """\
version: 1
data:
  train: {dataset: {digits: {split: train}}, transforms: [to_tensor]}
  val: {dataset: {digits: {split: val}}, transforms: [to_tensor]}
  batch_size: 64
model: {mlp: {size: 8, num_classes: 10}}
loss: cross_entropy
optim: {optimizer: {sgd: {lr: 0.1}}}
train: {epochs: 1, device: cpu}
metrics: [accuracy]
hooks: [{checkpoint: {every: 1 epoch}}]
"""


@pytest.mark.parametrize(
    ("option", "path"),
    [
        ("hooks+=progres", "hooks[1]"),
        ("hooks.+0=progres", "hooks[0]"),
        ("hooks.-1.checkpoint.every=x", "hooks[0].checkpoint.every"),
        ("model-=", "model"),
        ("data.val.transforms-=", "data.val.transforms"),
        ("data.train.transforms.0-=", "data.train.transforms"),
        ("data.train.transforms+={normalize: {mean: [0, 0], std: [1, 1]}}", "data.train.transforms[1]"),
    ],
)
def test_a_mistake_is_at_the_option_that_makes_it(tmp_path: Path, option: str, path: str) -> None:
    file = tmp_path / "right.yaml"
    file.write_text(RIGHT)
    assert load(file).warnings == ()
    with pytest.raises(PipelineError) as refused:
        load(file, [option])
    assert [(str(problem.place), problem.path) for problem in refused.value.problems] == [(f"--set {option}", path)]


@pytest.mark.parametrize(
    ("text", "keys", "rest"),
    [
        ("a.b[0].-1", ["a", "b", 0, -1], ""),
        ("a.'b.c'.\"d[0]\"", ["a", "b.c", "d[0]"], ""),
        ('a."1"', ["a", "1"], ""),
        ("a.01", ["a", 1], ""),
        ("a b.c-d", ["a b", "c-d"], ""),
        ("a..b", ["a"], "..b"),
        ("a[0", ["a"], "[0"),
        ("", [], ""),
    ],
)
def test_key_paths(text: str, keys: list[Any], rest: str) -> None:
    steps, left = split_path(text)
    assert ([step.key for step in steps], left) == (keys, rest)
