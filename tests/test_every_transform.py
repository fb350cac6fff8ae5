"""Every registered transform, with the parameters of its example, is checked and trains in a pipeline on the digits."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from conftest import changed

import registry_core
from registry_core.components.registries import transforms
from registry_core.errors import PipelineError
from registry_core.spec import Spec

BEFORE: list[list[Any]] = [[], ["to_tensor"], ["to_image"]]
RESIZE: list[list[Any]] = [[], [{"resize": {"size": [8, 8]}}]]
GREY: list[list[Any]] = [[], ["grayscale"]]
AFTER: list[list[Any]] = [[], ["to_tensor"]]


def spec_with(name: str, path: Path) -> Spec:
    """A small pipeline with the transform, and around it the first conversions with which it is right."""
    example = {name: dict(transforms[name].example)} if transforms[name].example else name
    problems = []
    for after, before, grey, resize in product(AFTER, BEFORE, GREY, RESIZE):
        chain = [*before, example, *grey, *resize, *after]
        data = changed(data__train__transforms=chain, data__batch_size=16, train__max_steps=2, train__epochs=None)
        del data["data"]["val"], data["train"]["epochs"]
        path.write_text(json.dumps(data))
        try:
            return registry_core.load(path)
        except PipelineError as error:
            problems.append(f"{chain}: {error}")
    raise AssertionError("\n".join(problems))


@pytest.mark.filterwarnings("ignore:Anti-alias option is always applied for PIL")
@pytest.mark.parametrize("name", list(transforms))
def test_it_trains(name: str, tmp_path: Path) -> None:
    result = registry_core.run(spec_with(name, tmp_path / "pipeline.json"), out=tmp_path / "runs")
    assert result.position.step == 2


@pytest.mark.parametrize("name", list(transforms))
def test_it_says_what_it_is(name: str, command: Any) -> None:
    ended = command("show", f"transform/{name}")
    assert ended.code == 0
    assert "Example:" in ended.out
    for field in transforms[name].model_fields.values():
        assert field.description, "every parameter says what it is"
