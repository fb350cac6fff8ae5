"""Plain classes and functions may call their parameters as they like: every name of the base classes, in every kind."""

from __future__ import annotations

import json
import keyword
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from conftest import Ended
from pydantic import ValidationError

from registry_core.catalog import KINDS, Record
from registry_core.components import Component
from registry_core.components.base import file_keys
from registry_core.config import dump
from registry_core.registry.plain import declare_plain

OWN = {
    "self_",
    "cls",
    "func",
    "function",
    "_hidden",
    "hidden_hidden",
    "parameter_name",
    "parameter_kind",
    "data",
    "args",
}


def names_of(base: type[Component]) -> list[str]:
    """Every name that a parameter could hide: attributes of the class and of its class, fields, and their keys."""
    names = {*dir(base), *dir(type(base)), *base.model_fields, *file_keys(base), *OWN}
    return sorted(name for name in names if name.isidentifier() and not keyword.iskeyword(name) and name[:2] != "__")


def declared(base: type[Component], parameters: str, as_class: bool) -> type[Component]:
    """The declaration of a class or a function with these parameters behind those that the core passes."""
    count = base.leading_arguments if as_class else base.function_leading_arguments
    signature = ", ".join([*(f"leading{number}" for number in range(count)), parameters])
    made: dict[str, Any] = {}
    exec(f"class P:\n def __init__(self, {signature}): ...\n" if as_class else f"def P({signature}): ...", made)
    return declare_plain(base, made["P"], Record(base.kind, "p", "acme", "1", "acme:P"))


@pytest.mark.parametrize("as_class", [True, False], ids=["class", "function"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_parameter_may_have_any_name(kind: str, as_class: bool) -> None:
    base = resolve_name(KINDS[kind].base)
    names = names_of(base)
    declaration = declared(base, ", ".join(f"{name}: int = 0" for name in names), as_class)
    written = {name: number + 1 for number, name in enumerate(names)}
    component = declaration.model_validate(written)
    assert component.arguments() == written
    ((_, parameters),) = dump(component).items()
    assert parameters.items() >= written.items()
    again = declaration.model_validate(json.loads(json.dumps(parameters)))
    assert again.arguments() == written
    assert set(names) <= set(declaration.model_json_schema()["properties"])
    assert (again.kind, again.name) == (kind, declaration.__name__)
    for name in names:
        with pytest.raises(ValidationError, match="valid integer"):
            declaration.model_validate({**written, name: "one"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_parameter_that_is_not_in_the_signature_may_have_any_name(kind: str) -> None:
    base = resolve_name(KINDS[kind].base)
    declaration = declared(base, "parameter_name=0, name=0, **others", as_class=False)
    others = {name: str(name) for name in {*names_of(base), "self"} - {*file_keys(declaration)}}
    component = declaration.model_validate({"name": 5, **others})
    assert component.arguments() == {"parameter_name": 0, "name": 5, **others}
    ((_, parameters),) = dump(component).items()
    assert declaration.model_validate(parameters).arguments() == component.arguments()


MODULE = '''
from torch import nn
from torch.nn import functional
import torch


class Named(nn.Module):
    """Is as wide as its name says."""

    def __init__(self, name: str = "small", kind: int = 0, record=None, copy: float = 1.0, **schema):
        super().__init__()
        self.given = dict(name=name, kind=kind, record=record, copy=copy, **schema)
        self.f = nn.Sequential(nn.Flatten(), nn.Linear(64, {"small": 3, "large": 5}[name]), nn.LazyLinear(10))
        self.f(torch.zeros(1, 64))

    def forward(self, x):
        return self.f(x)


class Scale(nn.Module):
    """A layer that has a name of its own."""

    def __init__(self, name: float):
        super().__init__()
        self.name = name

    def forward(self, x):
        return x * self.name


class Descent(torch.optim.SGD):
    """Gradient descent whose rate has another name, too."""

    def __init__(self, params, lr: float = 0.1, target: float = 0.0):
        super().__init__(params, lr=lr, weight_decay=target)
        for group in self.param_groups:
            group.setdefault("target", target)


def shrunk(output, target, label: float = 1.0, named: float = 1.0):
    return label * named * functional.cross_entropy(output, target)


REGISTRY_CORE = {
    "model/wide": Named, "layer/scale": Scale, "optimizer/descent": Descent, "loss/shrunk": shrunk,
}
'''

WIDE = {"wide": {"name": "large", "kind": 3, "copy": 0.5, "record": "x", "label": "extra"}}


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    (tmp_path / "name_parts.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("registry_core.catalog.catalog._local", [])
    return ["-p", "name_parts"]


def test_a_run_keeps_the_names_as_written(
    parts: list[str], tmp_path: Path, command: Callable[..., Ended], pipeline: Callable[..., Path]
) -> None:
    optim = {"optimizer": {"descent": {"target": 0.25}}, "groups": [{"parameters": ".*bias", "target": 0.5}]}
    file = pipeline(model=WIDE, loss={"shrunk": {"label": 2.0, "named": 0.5}}, optim=optim, train={"epochs": 1})
    assert command("train", file, *parts, "--out", "run").code == 0
    kept = json.loads((tmp_path / "run" / "pipeline.json").read_text())
    assert kept["model"] == WIDE
    assert kept["loss"] == {"shrunk": {"label": 2.0, "named": 0.5}}
    assert kept["optim"]["optimizer"] == {"descent": {"lr": 0.1, "target": 0.25}}
    assert "f.1.weight  [5, 64]" in (tmp_path / "run" / "init.txt").read_text()
    assert command("eval", "run", *parts).code == 0
    assert command("train", "--resume", "run", *parts).code == 0


def test_mistakes_are_told_by_the_names_as_written(
    parts: list[str], command: Callable[..., Ended], pipeline: Callable[..., Path]
) -> None:
    optim = {"optimizer": {"descent": {"target": "a"}}, "groups": []}
    file = pipeline(model={"wide": {"name": None}}, loss={"shrunk": {"lable": 1.0}}, optim=optim)
    said = command("validate", file, *parts).err
    assert "model.wide.name: Expected a text, not null. Remove the key, or write a value." in said
    assert "loss.shrunk.lable: The loss 'shrunk' has no parameter 'lable'. Did you mean 'label'?" in said
    assert "optim.optimizer.descent.target: Expected a number, not 'a'." in said


def test_the_name_of_a_layer_is_moved_out_of_the_way(
    parts: list[str], command: Callable[..., Ended], pipeline: Callable[..., Path]
) -> None:
    layers = [
        {"scale": {"name": 0.5, "layer_name": "halving"}},
        "flatten",
        {"linear": {"in_features": 64, "out_features": 10}},
    ]
    file = pipeline(model={"sequential": {"input": [1, 8, 8], "layers": layers}}, train={"max_steps": 1})
    ended = command("train", file, *parts, "--out", "run")
    assert ended.code == 0, ended.err
    kept = json.loads(Path("run/pipeline.json").read_text())["model"]["sequential"]["layers"]
    assert kept[0] == {"scale": {"layer_name": "halving", "name": 0.5}}
