"""Batch transforms on the device: the same for any number of workers and after a resume, in their place in the file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import Ended
from safetensors.torch import load_file

import registry_core
from registry_core.components import Draws, stream_key
from registry_core.diagnostics import PipelineError
from registry_core.planning.make import make_plan

MODULE = '''
"""A batch transform for the device that draws from torch's generator, and notes the threads of its calls."""
import os
from typing import ClassVar

import torch

from registry_core.components import Transform


class Noise(Transform):
    """Add noise to a batch."""

    target: ClassVar[str] = "acme_noise:add_noise"
    random: ClassVar[str] = "generators"
    unit: ClassVar[str] = "batch"
    on_device: ClassVar[bool] = True
    std: float = 0.1

    def infer_image(self, image):
        return image


class Fit(Transform):
    """Resize a batch to 8 x 8."""

    target: ClassVar[str] = "acme_noise:fit"
    unit: ClassVar[str] = "batch"
    on_device: ClassVar[bool] = True

    def infer_image(self, image):
        return image.changed(height=8, width=8, varying=False)


def fit():
    return lambda batch: {**batch, "input": torch.nn.functional.interpolate(batch["input"], (8, 8))}


def add_noise(std):
    def add(batch):
        with open(os.environ["NOTED"], "a") as file:
            noise = torch.randn(batch["input"].shape)
            print(os.getpid(), torch.is_grad_enabled(), noise[0, 0, 0, 0].item(), file=file)
        return {**batch, "input": batch["input"] + std * noise}
    return add
'''


@pytest.fixture
def noise(distribution: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NOTED", str(tmp_path / "noted"))
    points = "[registry_core.v1.transforms]\nnoise = acme_noise:Noise\nfit = acme_noise:Fit\n"
    distribution("acme", points, modules={"acme_noise": MODULE})
    return tmp_path / "noted"


def weights(run: Path) -> dict[str, torch.Tensor]:
    (path,) = (run / "checkpoints").glob(f"{(run / 'checkpoints' / 'latest').read_text()}/model.safetensors")
    return load_file(path)


def test_they_are_called_in_the_training_process_without_gradients(
    noise: Path, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    path = pipeline(data__train__batch_transforms=["noise"], data__workers=2, train={"epochs": 2})
    registry_core.train(registry_core.load(path), tmp_path / "run")
    lines = [line.rsplit(" ", 1) for line in noise.read_text().splitlines()]
    assert {process for process, _ in lines} == {f"{os.getpid()} False"}
    key = stream_key(0, "data.train.batch_transforms[0]")
    seeds = [Draws(key, epoch, number).seed() for epoch in range(2) for number in range(6)]
    expected = [torch.randn(16, generator=torch.Generator().manual_seed(seed))[0].item() for seed in seeds]
    assert [float(drawn) for _, drawn in lines] == pytest.approx(expected), "the numbers of each batch are its own"


def test_results_do_not_depend_on_workers_or_interruptions(
    noise: Path, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    changes = {
        "data__train__batch_transforms": [{"noise": {"std": 0.5}}],
        "hooks": [{"checkpoint": {"every": "2 steps", "keep": 9}}],
        "train__epochs": 2,
    }
    alone = registry_core.train(registry_core.load(pipeline(**changes)), tmp_path / "alone").directory
    helped = registry_core.train(
        registry_core.load(pipeline(**changes, data__workers=2)), tmp_path / "helped"
    ).directory
    parted = tmp_path / "parted"
    shutil.copytree(alone, parted)
    for step in (4, 6, 8, 10, 12):
        shutil.rmtree(parted / "checkpoints" / f"step-{step:08d}")
    registry_core.resume(parted)
    quiet = registry_core.train(registry_core.load(pipeline(train__epochs=2)), tmp_path / "quiet").directory
    for other in (helped, parted):
        assert all(torch.equal(value, weights(other)[name]) for name, value in weights(alone).items())
    assert not all(torch.equal(value, weights(quiet)[name]) for name, value in weights(alone).items())


def test_they_stand_last(noise: Path, pipeline: Callable[..., Path]) -> None:
    with pytest.raises(PipelineError, match=r"'mixup' runs while loading, but 'noise' before it on") as failed:
        registry_core.load(pipeline(data__train__batch_transforms=["noise", "mixup"]))
    assert failed.value.problems[0].remedy == "Move it before 'noise'."
    plan = make_plan(registry_core.load(pipeline(data__train__batch_transforms=["mixup", "noise"])))
    lines = str(plan).splitlines()
    assert lines.index("  on the device, batch by batch") < next(n for n, line in enumerate(lines) if "noise" in line)
    parts = [{"random_apply": {"transforms": ["noise"]}}]
    with pytest.raises(PipelineError, match="noise runs on the device and is not supported inside random_apply"):
        registry_core.load(pipeline(data__train__batch_transforms=parts))


def test_they_are_shown_and_used_in_evaluations(
    noise: Path, pipeline: Callable[..., Path], command: Callable[..., Ended], tmp_path: Path
) -> None:
    path = pipeline(data__val__batch_transforms=[{"noise": {"std": 0.25}}])
    steps = json.loads(command("sample", path, "--section", "val", "--json").out)
    assert [step["name"] for step in steps if step["step"] == "device transform"] == ["noise"]
    noise.unlink()
    registry_core.train(registry_core.load(path), tmp_path / "run")
    assert len(noise.read_text().splitlines()) == 6, "once for each batch of the one evaluation"


def test_a_batch_is_of_one_size_before_its_transforms(noise: Path, pipeline: Callable[..., Path]) -> None:
    """What is done to batches cannot make images of several sizes fit: they are stacked before it."""
    fitted = {"data__train__batch_transforms": ["fit"], "data__val__batch_transforms": ["fit"]}
    registry_core.load(pipeline(data__train__transforms=[{"resize": {"size": 16}}, "to_tensor"], **fitted))
    sizes = {"random_resize": {"min_size": 8, "max_size": 16}}
    with pytest.raises(PipelineError, match=r"data.train have different sizes after the transforms"):
        registry_core.load(pipeline(data__train__transforms=[sizes, "to_tensor"], **fitted))
