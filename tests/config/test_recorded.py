"""What a run records of its pipeline: what was converted as it was written, within the bounds of a file."""

from __future__ import annotations

import datetime
import json
import math
import random
import threading
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
import torch
import yaml
from generated_parameters import NOTHING, Mode, Parameter, pipeline, plain_class
from pydantic import BeforeValidator, Field, field_validator, model_validator
from torch import nn

import registry_core
from registry_core.components import Every, Interval, Loss
from registry_core.components.base import ConfigModel
from registry_core.config import Spec, dump
from registry_core.config.dump import pipeline_text, recorded
from registry_core.config.text.source import MAX_BYTES
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load, load_unseen

pytestmark = pytest.mark.usefixtures("own_session")


def read_again(spec: Spec, folder: Path) -> Spec:
    file = folder / "again.json"
    file.write_text(pipeline_text(recorded(spec)), encoding="utf-8")
    return load(file).spec


def load_from(folder: Path, given: dict[str, Any]) -> Spec:
    data = pipeline([])
    data["loss"] = {"generated": given}
    (folder / "p.json").write_text(json.dumps(data))
    return load(folder / "p.json").spec


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"m": {"0": 1.5}}, {0: 1.5}),
        ({"m": {0: 1, -3: 2}}, {0: 1.0, -3: 2.0}),
        ({"m": {"1.5": 1.0}}, None),
        ({"m": {"one": 1.0}}, None),
    ],
)
def test_the_keys_of_a_mapping_are_read_by_its_hint(written: dict[str, Any], meant: Any, tmp_path: Path) -> None:
    registry_core.register("loss/generated", plain_class([Parameter(dict[int, float], {0: 1.0}, NOTHING)]))
    data = pipeline([])
    data["loss"] = {"generated": {"p0": written["m"]}}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(data))
    if meant is None:
        with pytest.raises(PipelineError, match=r"loss\.generated\.p0"):
            load(tmp_path / "p.yaml")
    else:
        assert load(tmp_path / "p.yaml").spec.loss.arguments() == {"p0": meant}


def parsed_date(value: Any) -> datetime.date:
    return datetime.date.fromisoformat(value)  # of a date it raises: what was read cannot be read again


class Strange(Loss):
    """Has parameters that are read as something that no file can say, and validators of its own."""

    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
    model_config: ClassVar[Any] = {"arbitrary_types_allowed": True}  # type: ignore[misc]  # pydantic's own name

    since: Annotated[datetime.date, BeforeValidator(parsed_date)] = datetime.date(2020, 1, 2)
    dtype: Annotated[torch.dtype, BeforeValidator(lambda text: getattr(torch, text))] = torch.float32
    mode: Annotated[Mode, BeforeValidator(Mode)] = Mode.SOFT
    every: Interval = Every(2, "epoch")
    limit: float = math.inf
    doubled: int = 1
    drawn: float = Field(default_factory=random.random)
    checked: int | None = None

    @field_validator("doubled")
    @classmethod
    def _double(cls, value: int) -> int:
        return 2 * value

    @model_validator(mode="after")
    def _checks(self) -> Strange:
        if self.checked is not None and self.checked > self.limit:
            raise ValueError("too large")
        return self

    def arguments(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"since": "2021-03-04", "dtype": "float64", "mode": "soft", "every": "3 steps"},
        {"limit": 3.0, "checked": 2, "doubled": 4},
    ],
)
def test_what_an_author_converts_is_recorded_as_it_was_written(given: dict[str, Any], tmp_path: Path) -> None:
    registry_core.register("loss/generated", Strange)
    data = pipeline([])
    data["loss"] = {"generated": given}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(data))
    spec = load(tmp_path / "p.yaml").spec
    ((_, recorded),) = dump(spec.loss).items()
    again = read_again(spec, tmp_path)
    assert again == spec
    assert {key: recorded[key] for key in given} == given
    assert recorded["every"] == given.get("every", "2 epochs")
    assert recorded["drawn"] == spec.loss.drawn, "another one would be drawn"  # type: ignore[attr-defined]  # of Strange
    assert {"since", "dtype", "limit", "doubled"} & (recorded.keys() - given.keys()) == set()


def test_a_value_of_python_that_no_file_can_say_is_refused(tmp_path: Path) -> None:
    registry_core.register("loss/generated", plain_class([Parameter(Any, None, NOTHING)]))
    spec = load_from(tmp_path, {})
    for value, name in ((threading.Lock(), "a lock"), (nn.ReLU, "ReLU"), ({(1, 2): 3}, "key"), ([{"a": 1j}], "1j")):
        changed = spec.model_copy(update={"loss": spec.loss.model_copy(update={"p0": value})})
        with pytest.raises(PipelineError, match="cannot be written in a pipeline file") as error:
            registry_core.train(changed, tmp_path / "run")
        assert error.value.problems[0].keys[:3] == ("loss", "generated", "p0")
        assert name in str(error.value)
    assert not (tmp_path / "run").exists()


class Nested(ConfigModel):
    """Part of a declaration, with a default of its own that no file can say."""

    limit: float = math.inf
    sizes: tuple[int, ...] = (1, 2)


class Holding(Loss):
    """A loss with a model as parameter, alone and in lists."""

    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
    one: Nested = Nested()
    many: tuple[Nested, ...] = (Nested(), Nested(sizes=()))

    def arguments(self) -> dict[str, Any]:
        return {}


def test_models_inside_of_components_leave_out_their_own(tmp_path: Path) -> None:
    registry_core.register("loss/generated", Holding)
    for written in ({}, {"one": {"limit": 2.0}, "many": [{"sizes": [3]}]}):
        spec = load_from(tmp_path, written)
        assert read_again(spec, tmp_path) == spec
    ((_, recorded),) = dump(load_from(tmp_path, {}).loss).items()
    assert recorded["many"] == [{"sizes": [1, 2]}, {"sizes": []}]


class Named(Loss):
    """A loss with a parameter that is a name or another loss."""

    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
    other: Loss | str | None = "mse"
    others: tuple[Loss | float, ...] = (0.5,)

    def arguments(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("written", [{}, {"other": "no loss"}, {"other": "mse"}, {"others": ["mse", 1.5]}])
def test_a_text_that_would_be_read_as_a_component_is_left_out(written: dict[str, Any], tmp_path: Path) -> None:
    registry_core.register("loss/generated", Named)
    spec = load_from(tmp_path, written)
    assert read_again(spec, tmp_path) == spec
    ((_, said),) = dump(spec.loss).items()
    assert ("other" in said) == ("other" in written), "its default is a text, and the name of a loss"


def layered(layers: list[Any]) -> dict[str, Any]:
    data = pipeline([])
    data["loss"] = "cross_entropy"
    data["model"] = {
        "sequential": {"input": [1, 8, 8], "layers": ["flatten", *layers, {"linear": {"out_features": 10}}]}
    }
    return data


@pytest.mark.parametrize("count", [100, 3_000])
def test_a_long_pipeline_is_recorded_within_the_bounds_of_a_file(count: int, tmp_path: Path) -> None:
    """With all of its defaults, one of thousands of layers has more values than a file may have."""
    written = [{"leaky_relu": {"negative_slope": 0.2}}, "relu"] * (count // 10) + ["relu"] * (count - count // 5)
    (tmp_path / "p.json").write_text(json.dumps(layered(written)))
    spec = load_unseen(tmp_path / "p.json").spec
    text = pipeline_text(recorded(spec))
    assert len(text.encode()) <= MAX_BYTES
    (tmp_path / "again.json").write_text(text, encoding="utf-8")
    assert load_unseen(tmp_path / "again.json").spec == spec
    assert ('"inplace"' in text) == (count < 3_000), "its defaults are in it if they fit"


@pytest.mark.filterwarnings("ignore")
def test_the_deepest_pipeline_is_resumed_and_evaluated(tmp_path: Path) -> None:
    deep: Any = "relu"
    for _ in range(20):  # one more is deeper than a file may nest
        deep = {"block": {"layers": [deep]}}
    (tmp_path / "p.json").write_text(json.dumps(layered([deep])))
    registry_core.train(load(tmp_path / "p.json"), tmp_path / "run")
    assert registry_core.resume(tmp_path / "run").position.step == 1
    assert registry_core.evaluate(tmp_path / "run")["step"] == 1
    (tmp_path / "p.json").write_text(json.dumps(layered([{"block": {"layers": [deep]}}])))
    with pytest.raises(PipelineError, match="nests deeper"):
        load(tmp_path / "p.json")


def test_a_quoted_merge_key_is_a_key(tmp_path: Path) -> None:
    registry_core.register("loss/generated", plain_class([Parameter(dict[str, int], {"<<": 1}, NOTHING)]))
    assert read_again(load_from(tmp_path, {}), tmp_path).loss.arguments() == {"p0": {"<<": 1}}
    assert load_from(tmp_path, {"p0": {"<<": 2}}).loss.arguments() == {"p0": {"<<": 2}}
