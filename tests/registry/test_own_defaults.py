"""Defaults that no file can say are left to the class: it is called without them, and has the objects of its author."""

from __future__ import annotations

import inspect
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from generated_parameters import NOTHING, ODD_DEFAULTS, Parameter, exactly, pipeline, plain_class
from torch import nn

import registry_core
from registry_core.components.own_default import OwnDefault
from registry_core.loaded import load

pytestmark = pytest.mark.usefixtures("own_session")


@pytest.mark.filterwarnings("ignore")
def test_a_run_with_all_of_them_is_resumed_and_evaluated(tmp_path: Path) -> None:
    defaults = [default for default in ODD_DEFAULTS if default is not inspect.Parameter.empty]
    made = plain_class([Parameter(inspect.Parameter.empty, default, NOTHING) for default in defaults])
    own, seen = made.__init__, []

    def noted(self: Any, **given: Any) -> None:
        own(self, **given)
        seen.append([given.get(f"p{number}", default) for number, default in enumerate(defaults)])

    made.__init__ = noted  # type: ignore[method-assign]  # notes each call
    registry_core.register("loss/generated", made)
    (tmp_path / "pipeline.json").write_text(json.dumps(pipeline([])))
    result = registry_core.train(load(tmp_path / "pipeline.json"), tmp_path / "run")
    assert result.position.step == 1
    assert registry_core.resume(tmp_path / "run").position.step == 1
    assert registry_core.evaluate(tmp_path / "run")["step"] == 1
    assert len(seen) > 2
    for called in seen:
        for value, default in zip(called, defaults, strict=True):
            assert value is default or exactly(value, default)


def test_an_optimizer_with_such_a_default_has_groups(tmp_path: Path) -> None:
    """Options of a group are checked with those of the optimizer that were set, not with defaults."""

    class Limited(torch.optim.SGD):
        def __init__(self, params: Any, lr: float = 0.1, limit: float = math.inf, act: Any = nn.ReLU) -> None:
            super().__init__(params, lr=lr)

    registry_core.register("optimizer/limited", Limited)
    data = pipeline([])
    data["loss"] = "cross_entropy"
    data["optim"] = {"optimizer": "limited", "groups": [{"parameters": ".*bias", "lr": 0.2}]}
    (tmp_path / "p.json").write_text(json.dumps(data))
    result = registry_core.train(load(tmp_path / "p.json"), tmp_path / "run")
    assert [group["lr"] for group in result.pipeline.optimizer.param_groups] == [0.1, 0.2]
    assert registry_core.resume(tmp_path / "run").position.step == 1


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module named with -p whose class has every kind of default."""
    (tmp_path / "odd_defaults.py").write_text(
        "import enum, math, torch\nfrom torch import nn\nclass Mode(enum.Enum):\n    SOFT = 'soft'\n"
        "class Odd(nn.CrossEntropyLoss):\n"
        "    def __init__(self, act=nn.ReLU, mode=Mode.SOFT, limit: float = math.inf, w=torch.ones(2, 3), f=len,\n"
        "                 missing=object(), size=(1, 2), dtype=torch.float32): super().__init__()\n"
        "REGISTRY_CORE = {'loss/odd': Odd}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield None
    sys.modules.pop("odd_defaults", None)


@pytest.mark.usefixtures("shown")
def test_defaults_are_shown_and_left_out_of_schemas(command: Callable[..., Any]) -> None:
    ended = command("show", "loss/odd", "-p", "odd_defaults", "--json")
    defaults = {each["name"]: each["default"] for each in json.loads(ended.out)["parameters"]}
    assert defaults == {
        "act": "default ReLU",
        "mode": "default Mode.SOFT",
        "limit": "default inf",
        "w": "default tensor([[1., 1., 1.], [1., 1., 1.]])",
        "f": "default len",
        "missing": "default an object",
        "size": "default [1, 2]",
        "dtype": "default torch.float32",
    }
    schema = json.loads(command("schema", "loss/odd", "-p", "odd_defaults").out, parse_constant=pytest.fail)
    (found,) = [each for each in schema["$defs"].values() if "act" in each.get("properties", {})]
    assert {name for name, each in found["properties"].items() if "default" in str(each)} == {"size"}


def test_an_own_default_is_itself() -> None:
    assert OwnDefault(1) != OwnDefault(1)
    assert "\n" not in str(OwnDefault(torch.ones(5, 5)))
