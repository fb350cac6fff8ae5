"""Whatever a run is made of can be read back from its pipeline.json: generated components, defaults and values."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import inspect
import json
import math
import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BeforeValidator, Field, create_model, field_validator, model_validator
from torch import nn
from torch.nn import functional

import registry_core
from registry_core.components import Every, Interval, Loss
from registry_core.components.base import ConfigModel
from registry_core.components.own_default import OwnDefault
from registry_core.config import Spec, dump
from registry_core.config.dump import pipeline_text
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load, load_spec

pytestmark = pytest.mark.usefixtures("own_session")


class Mode(enum.Enum):
    SOFT = "soft"


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    ONE = "one"


@dataclasses.dataclass
class Settings:
    """A mutable dataclass: pydantic would copy it, which the lock does not allow."""

    size: int = 3
    lock: Any = dataclasses.field(default_factory=threading.Lock)


class Point(NamedTuple):
    x: int = 1


MISSING = object()


def itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


ODD_DEFAULTS: list[Any] = [
    *(math.inf, -math.inf, math.nan, 10**400, "\ud800", {"\udfff": 1}, {"k" * 2000: 1}, [math.inf], {1: 2, "1": 3}),
    *(nn.ReLU, functional.relu, math, len, Mode.SOFT, Level.LOW, Word.ONE, Settings(), Point(2), MISSING, ...),
    *(torch.float32, torch.device("cpu"), torch.ones(2), np.ones(2), np.float64(0.5), np.bool_(True), nn.Identity()),
    *({1}, frozenset({2}), b"x", 1j, range(3), datetime.date(2020, 1, 2), decimal.Decimal("1.5"), threading.Lock()),
    *((1, 2), [(1, 2)], {"a": (1,)}, {1: 0.5}, {None: 1}, {True: 1}, {1.5: 1}, {(1, 2): 3}, Path("a/b"), itself()),
    *(collections.OrderedDict(a=1), collections.Counter("aab"), Every(3, "epoch"), inspect.Parameter.empty),
]
TEXTS = (
    st.sampled_from(
        [
            "",
            "1e3",
            "null",
            "~",
            "0x10",
            "2024-01-01",
            "true",
            "on",
            "<<",
            "-",
            ": ",
            "# x",
            "'",
            '"',
            "\\",
            "[",
            "!!int",
        ]
        + [
            "${x}",
            "$${x}",
            "$$${x}",
            "${a${b}",
            "$",
            "${",
            "}",
            "\t",
            " x ",
            "a\nb",
            "\x7f",
            "\x85",
            "\u2028",
            "\ufeff",
        ]
        + [
            "\uffff",
            "\x9f",
            "\U0001f600",
            "\\ud83d\\ude00",
            "\\u0041",
            "é",
            ".inf",
            "-.nan",
            "1_000",
            "0o17",
            "+1",
            "1.",
        ]
    )
    | st.text(max_size=6)
    | st.text("${}ab\\\n\x85\ufeff", max_size=8)
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-0.0, 5e-324, 1e22, 1.7e308, 0.1 + 0.2])
WHOLE = st.integers(-(10**300), 10**300) | st.integers(-3, 3) | st.sampled_from([2**53 + 1, -(2**63), 10**300])
SCALARS = st.none() | st.booleans() | WHOLE | NUMBERS | TEXTS
KEYS = TEXTS | st.sampled_from(["on", "null", "1", "1.5", "a.b", "with space", "k" * 999])
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
HINTS: list[tuple[Any, Any]] = [
    (int, WHOLE),
    (float, NUMBERS | WHOLE.filter(lambda number: abs(number) < 10**300)),
    (bool, st.booleans()),
    (str, TEXTS),
    (Path, TEXTS.filter(lambda text: "\0" not in text)),
    (Any, DATA),
    (inspect.Parameter.empty, DATA),
    (list[int], st.lists(WHOLE, max_size=3)),
    (list[list[str]], st.lists(st.lists(TEXTS, max_size=2), max_size=2)),
    (tuple[int, ...], st.lists(WHOLE, max_size=3)),
    (tuple[float, float], st.lists(NUMBERS, min_size=2, max_size=2)),
    (list[tuple[int, int]], st.lists(st.lists(WHOLE, min_size=2, max_size=2), max_size=2)),
    (tuple[Path, str] | None, st.none() | st.lists(st.sampled_from(["a", "b/c"]), min_size=2, max_size=2)),
    (dict[str, Any], st.dictionaries(KEYS, DATA, max_size=3)),
    (dict[int, float], st.dictionaries(st.integers(-9, 9).map(str), NUMBERS, max_size=3)),
    (dict[float, str], st.dictionaries(st.sampled_from(["0.5", "1e-3", "-2", "3"]), TEXTS, max_size=2)),
    (dict[bool, int], st.dictionaries(st.sampled_from(["true", "false"]), WHOLE, max_size=2)),
    (dict[str, tuple[int, int]], st.dictionaries(KEYS, st.lists(WHOLE, min_size=2, max_size=2), max_size=2)),
    (
        dict[int, dict[str, list[int]]],
        st.dictionaries(st.just("7"), st.dictionaries(KEYS, st.lists(WHOLE), max_size=1)),
    ),
    (int | None, st.none() | WHOLE),
    (int | float | str, WHOLE | NUMBERS | TEXTS),
    (str | list[str], TEXTS | st.lists(TEXTS, max_size=2)),
    (Literal["a", "1e3", 1, 2, None], st.sampled_from(["a", "1e3", 1, 2, None])),
    (Literal[True, "x"], st.sampled_from([True, "x"])),
    (Mode, None),
    (nn.Module, None),
    (Callable[..., Any], None),
    (torch.dtype, None),
    (Sequence[int], st.lists(WHOLE, max_size=2)),
]


class Parameter(NamedTuple):
    """A parameter of a generated component: its hint, its default, and the value in the file, if any is there."""

    hint: Any
    default: Any
    given: Any


NOTHING = object()


@st.composite
def parameters(draw: Any, hints: Sequence[tuple[Any, Any]] = tuple(HINTS)) -> list[Parameter]:
    found = []
    for _ in range(draw(st.integers(1, 5))):
        hint, values = draw(st.sampled_from(hints))
        default = draw(st.sampled_from(ODD_DEFAULTS) | DATA | (values if values is not None else st.none()))
        given = NOTHING if values is None else draw(st.just(NOTHING) | values)
        found.append(Parameter(hint, default, given))
    return found


def plain_class(made_of: Sequence[Parameter]) -> type[nn.Module]:
    """A loss with these parameters, which remembers what it was called with."""

    class Generated(nn.Module):
        def __init__(self, **given: Any) -> None:
            super().__init__()
            self.given = given

        def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return functional.cross_entropy(output, target)

    empty = inspect.Parameter.empty
    signature = [
        inspect.Parameter(f"p{number}", inspect.Parameter.KEYWORD_ONLY, annotation=each.hint, default=each.default)
        for number, each in enumerate(made_of)
    ]
    made: Any = Generated
    made.__signature__ = inspect.Signature(signature)
    made.__init__.__annotations__ = {each.name: each.annotation for each in signature if each.annotation is not empty}
    return Generated


def pipeline(made_of: Sequence[Parameter]) -> dict[str, Any]:
    given = {f"p{number}": each.given for number, each in enumerate(made_of) if each.given is not NOTHING}
    missing = {f"p{number}": 1 for number, each in enumerate(made_of) if each.default is inspect.Parameter.empty}
    return {
        "version": 1,
        "data": {"train": {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]}, "batch_size": 64},
        "model": {"mlp": {"size": 8, "hidden": [4], "num_classes": 10}},
        "loss": {"generated": {**missing, **given}},
        "optim": {"optimizer": {"sgd": {"lr": 0.1}}},
        "train": {"max_steps": 1, "device": "cpu"},
    }


def loaded(data: dict[str, Any], folder: Path) -> Spec | None:
    """The spec of a file with this data; None if it is refused. The file is YAML or JSON, by chance."""
    file = folder / "pipeline.yaml"
    text = pipeline_text(data) if len(str(data)) % 2 else yaml.safe_dump(escaped_texts(data), allow_unicode=False)
    file.write_text(text, encoding="utf-8")
    try:
        return load(file).spec
    except PipelineError:
        return None


def escaped_texts(data: Any) -> Any:
    """The data with the dollars of variables doubled, as the page of pipeline files tells to."""
    if isinstance(data, dict):
        return {key: escaped_texts(value) for key, value in data.items()}
    if isinstance(data, list):
        return [escaped_texts(value) for value in data]
    if not isinstance(data, str):
        return data
    parts, rest = "", data
    while (at := rest.find("${")) >= 0 and (end := rest.find("}", at)) >= 0:
        at -= rest[at - 1 : at] == "$"
        parts, rest = f"{parts}{rest[:at]}${rest[at : end + 1]}", rest[end + 1 :]
    return parts + rest


def read_again(spec: Spec, folder: Path) -> Spec:
    file = folder / "again.json"
    file.write_text(pipeline_text(dump(spec)), encoding="utf-8")
    json.loads(file.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    return load(file).spec


def exactly(left: Any, right: Any) -> bool:
    """True for the same object, or for equal values of equal types."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(exactly, left, right))
    if isinstance(left, dict):
        return exactly([*left.items()], [*right.items()])
    return repr(left) == repr(right)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(parameters())
def test_a_plain_class_is_read_back_with_all_of_its_values(
    tmp_path_factory: pytest.TempPathFactory, made_of: list[Parameter]
) -> None:
    folder = tmp_path_factory.mktemp("plain")
    registry_core.register("loss/generated", plain_class(made_of))
    spec = loaded(pipeline(made_of), folder)
    if spec is None:
        return
    again = read_again(spec, folder)
    assert again.loss.arguments().keys() == spec.loss.arguments().keys()
    assert exactly(again.loss.arguments(), spec.loss.arguments())
    assert again == spec
    called = spec.loss.build().given  # type: ignore[attr-defined]  # what the generated class remembers
    for number, each in enumerate(made_of):
        if each.given is NOTHING and each.default is not inspect.Parameter.empty:
            assert called.get(f"p{number}", each.default) is each.default or exactly(called[f"p{number}"], each.default)


def test_enough_of_the_generated_files_are_right(tmp_path: Path) -> None:
    """The property above is not about refused files alone."""
    drawn: list[bool] = []

    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(parameters())
    def draw(made_of: list[Parameter]) -> None:
        registry_core.register("loss/generated", plain_class(made_of))
        drawn.append(loaded(pipeline(made_of), tmp_path) is not None)

    draw()
    assert sum(drawn) > 0.6 * len(drawn)


def declaration(made_of: Sequence[Parameter]) -> type[Loss]:
    fields = {
        f"p{number}": (Any if each.hint is inspect.Parameter.empty else each.hint, Field(default=each.default))
        for number, each in enumerate(made_of)
    }
    create: Any = create_model
    made: type[Loss] = create("Declared", __base__=_Arbitrary, __module__=__name__, **fields)
    made.target = "torch.nn:CrossEntropyLoss"
    return made


class _Arbitrary(Loss):
    """A loss whose parameters may be of any type."""

    model_config: ClassVar[Any] = {"arbitrary_types_allowed": True}  # type: ignore[misc]  # pydantic's own name

    def arguments(self) -> dict[str, Any]:
        return {}


COPIED = (Settings, list)
"""Defaults that pydantic cannot copy: the author of a declaration uses a default_factory."""


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(parameters())
def test_a_declaration_is_read_back_with_all_of_its_values(
    tmp_path_factory: pytest.TempPathFactory, made_of: list[Parameter]
) -> None:
    folder = tmp_path_factory.mktemp("declared")
    made_of = [each for each in made_of if each.default is not inspect.Parameter.empty and not _uncopied(each.default)]
    registry_core.register("loss/generated", declaration(made_of))
    spec = loaded(pipeline(made_of), folder)
    if spec is not None:
        again = read_again(spec, folder)
        for name in type(spec.loss).model_fields:
            assert exactly(getattr(again.loss, name), getattr(spec.loss, name))


def _uncopied(default: Any) -> bool:
    return isinstance(default, Settings) or (isinstance(default, list) and default[:1] == [default])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", range(len(ODD_DEFAULTS)))
def test_a_run_with_any_default_is_resumed_and_evaluated(number: int, tmp_path: Path) -> None:
    default = ODD_DEFAULTS[number]
    if default is inspect.Parameter.empty:
        return
    seen: list[Any] = []
    made = plain_class([Parameter(inspect.Parameter.empty, default, NOTHING)])
    own = made.__init__

    def noted(self: Any, **given: Any) -> None:
        own(self, **given)
        seen.append(given.get("p0", default))

    made.__init__ = noted  # type: ignore[method-assign]  # notes each call
    registry_core.register("loss/generated", made)
    (tmp_path / "pipeline.json").write_text(json.dumps(pipeline([])))
    result = registry_core.train(load(tmp_path / "pipeline.json"), tmp_path / "run")
    assert result.position.step == 1
    assert registry_core.resume(tmp_path / "run").position.step == 1
    assert registry_core.evaluate(tmp_path / "run")["step"] == 1
    assert len(seen) > 2
    assert all(each is default or exactly(each, default) for each in seen)


@pytest.mark.filterwarnings("ignore")
def test_generated_runs_are_resumed_and_evaluated(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A sample of what the properties above generate, trained for a step."""

    @settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(parameters())
    def check(made_of: list[Parameter]) -> None:
        folder = tmp_path_factory.mktemp("run")
        registry_core.register("loss/generated", plain_class(made_of))
        spec = loaded(pipeline(made_of), folder)
        if spec is not None:
            registry_core.train(spec, folder / "run")
            assert load(folder / "run" / "pipeline.json").spec == load_spec(spec).spec
            assert registry_core.resume(folder / "run").position.step == 1
            assert math.isfinite(registry_core.evaluate(folder / "run")["train/loss"])

    check()


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


def load_from(folder: Path, given: dict[str, Any]) -> Spec:
    data = pipeline([])
    data["loss"] = {"generated": given}
    (folder / "p.json").write_text(json.dumps(data))
    return load(folder / "p.json").spec


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
    for given in ({}, {"one": {"limit": 2.0}, "many": [{"sizes": [3]}]}):
        spec = load_from(tmp_path, given)
        assert read_again(spec, tmp_path) == spec
    ((_, recorded),) = dump(load_from(tmp_path, {}).loss).items()
    assert recorded["many"] == [{"sizes": [1, 2]}, {"sizes": []}]


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
