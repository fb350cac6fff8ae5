"""A sample is the same bits for the same epoch and index, whoever asks for it and however it is loaded.

The values are computed by hand from the digits of scikit-learn and the random numbers of each place in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

import registry_core
from registry_core.assembly.data import executor as executing
from registry_core.assembly.data.executor import Executor, Request
from registry_core.components import Draws, stream_key
from registry_core.engine.trained import TrainedModel
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.inspection.trace import trace
from registry_core.inspection.whitening import whitening_of
from registry_core.planning.rewrites.table import REWRITES

MODULE = '''
"""Transforms that draw one number each: for a sample, for a batch, and for a batch on the device."""
from typing import ClassVar

from registry_core.components import Hook, Transform, hookimpl

MOVED = []


class Shift(Transform):
    """Add a number to a Pillow image."""
    target: ClassVar[str] = "acme_routes:shift"
    random: ClassVar[str] = "counter"

    def infer_image(self, image):
        return image


class Scale(Shift):
    """Multiply a batch by a number."""
    target: ClassVar[str] = "acme_routes:scale"
    unit: ClassVar[str] = "batch"


class Lift(Scale):
    """Add a number to a batch on the device."""
    target: ClassVar[str] = "acme_routes:lift"
    on_device: ClassVar[bool] = True


class Look(Hook):
    """Look at batches when the run starts."""
    target: ClassVar[str] = "acme_routes:Looking"


def shift():
    def shifted(sample, draws):
        added = int(draws.uniform() * 99)
        return {**sample, "input": sample["input"].point([value // 2 + added for value in range(256)])}
    return shifted


def scale():
    return lambda batch, draws: {**batch, "input": batch["input"] * (1 + draws.uniform())}


def lift():
    def on_device(batch, draws):
        MOVED.append(all(getattr(value, "was_moved", False) for value in batch.values()))
        return {**batch, "input": batch["input"] + draws.uniform()}
    return on_device


class Looking:
    @hookimpl
    def run_started(self, run):
        for section in ("train", "val"):
            self.batch = run.samples[section].batch(range(4), 0)
            assert len(run.samples[section]) == (1438 if section == "train" else 359)
'''
SEED = 5
ROWS = 4
"""Samples of a batch: the indices 0 to 3 in the order of the data."""


def by_hand(section: str) -> torch.Tensor:
    """The first batch of epoch 0 at the input of the model, in float32 as the transforms compute."""
    digits = (load_digits().images * 255 // 16).astype(np.uint8)
    places = [place for place in range(len(digits)) if (place % 5 == 4) == (section == "val")][:ROWS]
    made = []
    for index, place in enumerate(places):
        added = int(_number(f"data.{section}.transforms[0]", index) * 99)
        pixels = torch.from_numpy(digits[place] // 2 + np.uint8(added))
        made.append((pixels.float().div(255) - torch.tensor(0.3)).div(torch.tensor(0.4))[None])
    batch = torch.stack(made)
    batch = batch * (1 + _number(f"data.{section}.batch_transforms[0]", 0))
    return batch + _number(f"data.{section}.batch_transforms[1]", 0)


def _number(place: str, index: int) -> float:
    return float(Draws(stream_key(SEED, place), 0, index).uniform())


@pytest.fixture
def routes(distribution: Callable[..., Path], pipeline: Callable[..., Path]) -> Callable[..., Any]:
    """A loaded pipeline with transforms at every place."""
    points = (
        "[registry_core.v1.transforms]\nshift = acme_routes:Shift\nscale = acme_routes:Scale\nlift = acme_routes:Lift\n"
    )
    distribution(
        "acme", points + "[registry_core.v1.hooks]\nlook = acme_routes:Look\n", modules={"acme_routes": MODULE}
    )

    def load(workers: int, *, rewritten: bool) -> Any:
        def section(split: str) -> dict[str, Any]:
            normalize = {"normalize": {"mean": [0.3], "std": [0.4]}}
            return {
                "dataset": {"digits": {"split": split}},
                "sampler": "sequential",
                "transforms": ["shift", "to_tensor", normalize],
                "batch_transforms": ["scale", "lift"],
            }

        data = {"train": section("train"), "val": section("val"), "batch_size": ROWS, "workers": workers}
        data["rewrites"] = {rewrite.name: rewritten for rewrite in REWRITES}
        train = {"max_steps": 2, "device": "cpu"}
        path = pipeline(seed=SEED, data=data, train=train, hooks=["look"])
        return registry_core.load(path)

    return load


@pytest.fixture
def on_device(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Request, torch.Tensor]]:
    """Every batch at the input of the model, with its section and request; tensors that were moved are marked."""
    seen: list[tuple[str, Request, torch.Tensor]] = []
    whole, move = Executor.on_device, executing.to_device

    def noted(self: Executor, batch: Any, request: Request) -> Any:
        made = whole(self, batch, request)
        seen.append((self.section, request, made["input"].clone()))
        return made

    def marked(batch: Any, placement: Any) -> Any:
        moved = {name: value.clone() for name, value in move(batch, placement).items()}
        for value in moved.values():
            value.was_moved = True
        return moved

    monkeypatch.setattr(Executor, "on_device", noted)
    monkeypatch.setattr(executing, "to_device", marked)
    return seen


@pytest.mark.parametrize("rewritten", [True, False], ids=["rewritten", "as written"])
@pytest.mark.parametrize("workers", [0, 2])
def test_every_route_has_the_same_bits(
    routes: Callable[..., Any],
    on_device: list[tuple[str, Request, torch.Tensor]],
    tmp_path: Path,
    workers: int,
    rewritten: bool,
) -> None:
    loaded = routes(workers, rewritten=rewritten)
    expected = {section: by_hand(section) for section in ("train", "val")}

    def took(route: str, *sections: str, rows: int = ROWS) -> None:
        """The first batches of epoch 0 that were seen are those by hand, and of these sections."""
        first = [(section, images) for section, request, images in on_device if request[:2] == (0, 0)]
        assert sorted(section for section, _ in first) == sorted(sections), route
        for section, images in first:
            assert torch.equal(images, expected[section][:rows]), (route, section)
        on_device.clear()

    run = tmp_path / "run"
    registry_core.train(loaded, run)
    took("a hook's view, training and evaluation", "train", "train", "val", "val")
    assert [registry_core.evaluate(run, section=section) for section in ("train", "val")]
    took("evaluation of a trained model", "train", "val")

    val = (load_digits().images * 255 // 16).astype(np.uint8)[4]
    Image.fromarray(val).save(tmp_path / "digit.png")
    TrainedModel.open(run).predict([tmp_path / "digit.png"], 1)
    took("prediction", "val", rows=1)

    plan = registry_core.plan(loaded)
    for section in ("train", "val"):
        assert [step.step for step in trace(plan, section, 0, 0)][-1] == "model"
        took("sample", section)
    assert dry_run(plan, out=tmp_path / "runs").problems == []
    took("the dry run", "train", "val")
    import acme_routes

    assert len(acme_routes.MOVED) > 10
    assert all(acme_routes.MOVED), "a transform on the device got tensors that were not moved"


@pytest.mark.parametrize("workers", [0, 2])
def test_whitening_sees_the_images_before_the_matrix(
    routes: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """Its mean is that of the images of epoch 0, computed by hand in float64."""
    spec = routes(workers, rewritten=True).spec
    found = whitening_of(spec, "linear_transformation", "pca", 1e-3)
    digits = (load_digits().images * 255 // 16).astype(np.uint8)
    rows = []
    for index, place in enumerate(place for place in range(len(digits)) if place % 5 != 4):
        added = int(_number("data.train.transforms[0]", index) * 99)
        pixels = torch.from_numpy(digits[place] // 2 + np.uint8(added)).float().div(255)
        rows.append((pixels - torch.tensor(0.3)).div(torch.tensor(0.4)).flatten())
    images = torch.stack(rows).double()
    assert found.images == len(images)
    torch.testing.assert_close(found.mean.double(), images.mean(0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("workers", [0, 2])
def test_single_samples_are_those_of_the_batches(routes: Callable[..., Any], workers: int) -> None:
    """In a later epoch too: what `sample` and hooks see of one sample is its row before the transforms of batches."""
    from registry_core.assembly.pipeline import assemble

    loaded = routes(workers, rewritten=True)
    assembled = assemble(registry_core.plan(loaded)).loaders["train"]
    others = assemble(registry_core.plan(routes(0, rewritten=False))).loaders["train"]
    scale = float(Draws(stream_key(SEED, "data.train.batch_transforms[0]"), 3, 0).uniform())
    batch = next(iter(assembled.batches(3)))
    assembled.close()
    for row, index in enumerate(batch.request.indices):
        one = assembled.executor.sample(index, 3)["input"]
        assert torch.equal(one, others.executor.sample(index, 3)["input"])
        assert torch.equal(batch.entries["input"][row], one * (1 + scale))
