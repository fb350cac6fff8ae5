"""Every registered transform, with the parameters of its example, is checked and trains in a pipeline on the digits."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import changed
from safetensors.torch import save_file

import registry_core
from registry_core.config import Spec
from registry_core.diagnostics import PipelineError
from registry_core.registry.registries import transforms

BEFORE: list[list[Any]] = [[], ["to_tensor"], ["to_image"]]
RESIZE: list[list[Any]] = [[], [{"resize": {"size": [8, 8]}}]]
GREY: list[list[Any]] = [[], ["grayscale"]]
AFTER: list[list[Any]] = [[], ["to_tensor"]]
LOSSES = ["cross_entropy", "bce_with_logits", "soft_margin"]
FIRST: dict[str, list[Any]] = {"signs": [{"one_hot": {"num_classes": 10}}]}
"""What the targets of the digits need before a transform of targets."""


def spec_with(name: str, path: Path) -> Spec:
    """A small pipeline with the transform, and around it the first conversions with which it is right."""
    example = {name: dict(transforms[name].example)} if transforms[name].example else name
    problems = []
    for loss, after, before, grey, resize in product(LOSSES, AFTER, BEFORE, GREY, RESIZE):
        on_batches = transforms[name].unit == "batch"
        chain = [*FIRST.get(name, []), *before, *([] if on_batches else [example]), *grey, *resize, *after]
        data = changed(data__train__transforms=chain, data__batch_size=16, train__max_steps=2, train__epochs=None)
        data["data"]["train"]["batch_transforms"] = [example] if on_batches else []
        del data["data"]["val"], data["train"]["epochs"], data["metrics"]
        data["loss"] = loss
        path.write_text(json.dumps(data))
        try:
            return registry_core.load(path)
        except PipelineError as error:
            problems.append(f"{chain}: {error}")
    raise AssertionError("\n".join(problems))


@pytest.mark.filterwarnings("ignore:Anti-alias option is always applied for PIL")
@pytest.mark.parametrize("name", list(transforms))
def test_it_trains(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    whitening = {"transformation_matrix": torch.eye(64), "mean_vector": torch.zeros(64)}
    save_file(whitening, "whitening.safetensors")  # the file that linear_transformation's example names
    result = registry_core.train(spec_with(name, tmp_path / "pipeline.json"), out=tmp_path / "runs")
    assert result.position.step == 2


@pytest.mark.parametrize("name", list(transforms))
def test_it_says_what_it_is(name: str, command: Any) -> None:
    ended = command("show", f"transform/{name}")
    assert ended.code == 0
    assert "Example:" in ended.out
    for field in transforms[name].model_fields.values():
        assert field.description, "every parameter says what it is"
