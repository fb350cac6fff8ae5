"""The JSON Schema of pipeline files: a real validator, a real YAML language server, and what validate says."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PIPELINE, ROOT, Ended, changed
from corpus import Mistake, mistakes
from jsonschema import Draft7Validator
from language_server import LanguageServer, language_server
from pydantic import ValidationError
from test_mistakes import GOOD

from registry_core.catalog import Record, installed
from registry_core.components import Component
from registry_core.config.loading.annotations import model_in
from registry_core.config.schema import component_schema, describe_all, describe_needed, pipeline_schema
from registry_core.config.text.tree import read_file, read_text, read_value
from registry_core.registry.registries import BY_KIND

OURS = [record for record in installed().records if record.distribution == "registry-core"]
FILES = sorted((*(ROOT / "examples").glob("*.yaml"), *(ROOT / "tests" / "pipelines").rglob("*.yaml")))
BASES = {"common.yaml"}
"""Files that others extend, and that are no whole pipelines."""


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return pipeline_schema(describe_all(timeout=60))


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft7Validator:
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_pipeline_file_is_valid(validator: Draft7Validator, path: Path) -> None:
    data = read_file(path).data
    if path.name == "finetune.yaml":  # its model is in a plugin of its own
        data["model"] = "lenet"
    if path.name in BASES:
        data["extends"] = "itself.yaml"
    problems = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(data)]
    assert not problems


OF_FORM = {
    "component-form",
    "missing-key",
    "missing-parameter",
    "newer-version",
    "older-version",
    "out-of-range",
    "unknown-component",
    "unknown-key",
    "unknown-parameter",
    "wrong-choice",
    "wrong-length",
    "wrong-type",
}
"""Codes of what is wrong by itself, without a look at anything else: a schema can see it."""

NOT_BY_FORM = {
    "finetune/unfreeze-option-of-adam": "the options of another component",
    "finetune/unfreeze-rate-negative": "the options of another component",
    "optimizers/group-option-of-adam-at-sgd": "the options of another component",
    "rules/group-option-misspelt": "the options of another component",
    "rules/group-rate-negative": "the options of another component",
    "scalars/float-batch-size": "to a schema 64.0 is whole",
}

EITHER = {"wrong-value", "old-spelling"}
"""Codes of what is wrong by itself in a way that a schema can say or cannot."""

READABLE = [mistake for mistake in mistakes() if not mistake.options and mistake.by_itself]


@pytest.mark.parametrize("mistake", READABLE, ids=[mistake.name for mistake in READABLE])
def test_the_schema_refuses_mistakes_of_form(validator: Draft7Validator, mistake: Mistake) -> None:
    valid = validator.is_valid(read_file(mistake.path).data)
    if mistake.code not in EITHER:
        assert valid == (mistake.code not in OF_FORM or mistake.name in NOT_BY_FORM)


def test_the_pipeline_without_a_mistake_is_valid(validator: Draft7Validator) -> None:
    assert validator.is_valid(read_text(GOOD, "pipeline.yaml").data)


WRONG: tuple[Any, ...] = ({"no": "such"}, "no such text", -7.5, [[["deep"]]], True, None)


@pytest.mark.parametrize("record", OURS, ids=lambda record: record.full_name)
def test_schema_and_declaration_agree(record: Record) -> None:
    """On the example, an unknown parameter, and values of all kinds for every parameter: both refuse, or none."""
    declaration = BY_KIND[record.kind].declaration(record)
    validator = Draft7Validator(component_schema(record, describe_needed([record], timeout=60)))
    example = dict(declaration.example)
    assert validator.is_valid(json.loads(json.dumps(example)))
    assert not validator.is_valid({**example, "no_such_parameter": 1})
    for name, field in declaration.model_fields.items():
        written = field.alias or name
        for value in WRONG:
            data = {**example, written: value}
            if not validator.is_valid(data):
                assert not _accepted(declaration, data), (
                    f"the schema refuses {written}: {value!r}, and the check does not"
                )
            elif not _of_components(field.annotation) and _wrong_by_form(declaration, data, written):
                raise AssertionError(f"the check refuses {written}: {value!r} for its form, and the schema does not")


def _of_components(annotation: Any) -> bool:
    found = model_in(annotation)
    return found is not None and issubclass(found, Component)


def _accepted(declaration: Any, data: Any) -> bool:
    try:
        declaration.model_validate(data)
    except (ValidationError, TypeError):
        return False
    return True


def _wrong_by_form(declaration: Any, data: Any, name: str) -> bool:
    """Whether pydantic itself refuses this parameter: its type or range, not a rule about several of them."""
    try:
        declaration.model_validate(data)
    except ValidationError as error:
        return any(found["loc"][:1] == (name,) and found["type"] != "value_error" for found in error.errors())
    return False


def test_variables_and_extension(validator: Draft7Validator) -> None:
    assert validator.is_valid(changed(vars={"rate": 0.1}, optim={"optimizer": {"sgd": {"lr": "${rate}"}}}))
    assert not validator.is_valid(changed(optim={"optimizer": {"sgd": {"lr": "0.1"}}}))
    assert validator.is_valid(changed(metrics="${metrics}", model="${model}"))
    assert validator.is_valid({"extends": "base.yaml", "data": {"batch_size": 3}, "model": {"lenet": {}}})
    assert not validator.is_valid({"data": {"batch_size": 3}})
    assert not validator.is_valid({"extends": "base.yaml", "data": {"batch_sizes": 3}})
    assert not validator.is_valid({"extends": "base.yaml", "model": {"lenet": {"num_classes": "ten"}}})


def test_names_with_their_distribution(validator: Draft7Validator) -> None:
    assert validator.is_valid(changed(loss="registry-core:mse"))
    assert validator.is_valid(changed(loss={"registry-core:cross_entropy": {"label_smoothing": 0.1}}))
    assert not validator.is_valid(changed(loss={"registry-core:cross_entropy": {"label_smoothing": 2}}))
    assert not validator.is_valid(changed(loss="acme:mse"))


def test_names_in_conflict_are_both_described(distribution: Callable[..., Path], command: Callable[..., Ended]) -> None:
    module = "def mse(output, target, weight: float = 2.0):\n    'Weighted.'\n    return output\n"
    distribution("acme", "[registry_core.v1.losses]\nmse = acme_mse:mse\n", modules={"acme_mse": module})
    ended = command("schema")
    assert ended.code == 0, ended.err
    validator = Draft7Validator(json.loads(ended.out))
    for name, key in (("acme:mse", "weight"), ("mse", "weight"), ("mse", "reduction")):
        value = "sum" if key == "reduction" else 3.0
        assert validator.is_valid(changed(loss={name: {key: value}})), (name, key)
    assert not validator.is_valid(changed(loss={"registry-core:mse": {"weight": 3.0}}))


def test_what_a_function_reads_first_is_left_open(
    distribution: Callable[..., Path], command: Callable[..., Ended]
) -> None:
    """An editor must not refuse what only a plugin's own function can judge, unless the plugin says what it takes."""
    module = (
        "from typing import Annotated, ClassVar\nfrom pydantic import BeforeValidator, Field\n"
        "from registry_core.components import Loss\n\n\nclass Own(Loss):\n    'Its own.'\n"
        "    target: ClassVar[str] = 'torch.nn:L1Loss'\n"
        "    pair: Annotated[tuple[int, int], BeforeValidator(lambda v: (v, v))] = Field(description='A pair.')\n"
    )
    distribution("acme", "[registry_core.v1.losses]\nown = acme_own:Own\n", modules={"acme_own": module})
    validator = Draft7Validator(json.loads(command("schema", "loss/own").out))
    assert validator.is_valid({"pair": 3})
    assert not validator.is_valid({"pairs": 3})
    assert not validator.is_valid({})


def test_one_component_and_one_kind(command: Callable[..., Ended]) -> None:
    one = Draft7Validator(json.loads(command("schema", "transform/random_apply").out))
    assert one.is_valid({"transforms": [{"random_crop": {"size": 8}}], "p": 0.5})
    assert not one.is_valid({"transforms": [{"random_crop": {}}]})
    kind = Draft7Validator(json.loads(command("schema", "loss").out))
    assert kind.is_valid("mse")
    assert kind.is_valid({"cross_entropy": {"label_smoothing": 0.1}})
    assert not kind.is_valid("sgd")
    wrong = command("schema", "loss/no_such")
    assert wrong.code == 2
    assert "The loss 'no_such' is unknown" in wrong.err


@pytest.fixture(scope="module")
def server(schema: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    program = os.environ.get("REGISTRY_YAML_LANGUAGE_SERVER") or shutil.which("yaml-language-server")
    if program is None:
        pytest.skip("REGISTRY_YAML_LANGUAGE_SERVER names no yaml-language-server (npm install yaml-language-server)")
    path = tmp_path_factory.mktemp("editor") / "pipeline.schema.json"
    path.write_text(json.dumps(schema))
    with language_server(program, path) as started:
        yield started


BASE = """\
version: 1
data:
  train: {dataset: digits, transforms: [to_tensor]}
model: {mlp: {size: 8, num_classes: 10}}
optim: {optimizer: {sgd: {lr: 0.1}}}
"""


def test_an_editor_completes_parameters(server: LanguageServer) -> None:
    found = server.look(f"{BASE}loss:\n  cross_entropy:\n    |\n")
    assert set(found.items) == {"reduction", "weight", "ignore_index", "label_smoothing"}
    assert found.items["label_smoothing"] == "Fraction of each target that is spread evenly over all classes."
    dataset = "\n    dataset: digits\n    transforms:\n      - random_crop:\n          |"
    inside = server.look(BASE.replace(" {dataset: digits, transforms: [to_tensor]}", dataset) + "loss: mse\n")
    assert {"size", "padding", "pad_if_needed"} <= set(inside.items)


def test_an_editor_completes_names(server: LanguageServer) -> None:
    names = {record.name for record in installed().of_kind("loss")}
    found = server.look(f"{BASE}loss:\n  c|\n")
    assert names <= set(found.items)
    assert "Cross entropy between logits and class indices." in found.items["cross_entropy"]
    choices = server.look(f"{BASE}loss:\n  cross_entropy:\n    reduction: |\n")
    assert set(choices.items) == {"none", "mean", "sum"}


def test_an_editor_shows_texts_and_mistakes(server: LanguageServer) -> None:
    found = server.look(f"{BASE}loss:\n  cross_entropy:\n    label_smooth|ing: 3\n")
    assert "Fraction of each target that is spread evenly over all classes." in found.hover
    assert found.diagnostics == ["Value is above the maximum of 1."]
    assert server.look(f"{BASE}loss: cross_entropy|\n").diagnostics == []
    assert "Cross entropy between logits" in server.look(f"{BASE}loss:\n  cross_en|tropy: {{}}\n").hover
    assert any("epoch" in each for each in server.look(f"{BASE}loss: mse\ntrain: {{epoch: 3}}|\n").diagnostics)


def test_what_an_editor_is_told_fits_a_file_that_extends(server: LanguageServer) -> None:
    found = server.look("extends: base.yaml\ntrain:\n  epochs: 3\n  |\n")
    assert found.diagnostics == []
    assert {"precision", "accumulate"} <= set(found.items)


def test_the_example_in_conftest_is_valid(validator: Draft7Validator) -> None:
    assert validator.is_valid(PIPELINE)
    assert not validator.is_valid({**PIPELINE, "train": {"epochs": read_value("0")}})
