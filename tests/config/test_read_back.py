"""Whatever a run is made of can be read back from its pipeline.json: generated components, defaults and values."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from generated_parameters import NOTHING, Parameter, Settings, exactly, parameters, pipeline, plain_class
from hypothesis import HealthCheck, given, settings
from pydantic import Field, create_model

import registry_core
from registry_core.components import Loss
from registry_core.config import Spec
from registry_core.config.dump import pipeline_text, recorded
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load, load_spec

pytestmark = pytest.mark.usefixtures("own_session")
ANY = {"deadline": None, "suppress_health_check": list(HealthCheck)}


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
    file.write_text(pipeline_text(recorded(spec)), encoding="utf-8")
    json.loads(file.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    return load(file).spec


@settings(max_examples=150, **ANY)
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

    @settings(max_examples=100, database=None, **ANY)
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


@settings(max_examples=150, **ANY)
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
    """True for a default that pydantic cannot copy; the author of a declaration uses a default_factory."""
    return isinstance(default, Settings) or (isinstance(default, list) and default[:1] == [default])


@pytest.mark.filterwarnings("ignore")
def test_generated_runs_are_resumed_and_evaluated(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A sample of what the properties above generate, trained for a step."""

    @settings(max_examples=8, database=None, derandomize=True, **ANY)
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
