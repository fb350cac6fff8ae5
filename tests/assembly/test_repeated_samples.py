"""A sample that an epoch has several times is augmented differently each time, by a pure function of its occurrence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from registry_builtin.samplers import Repeated

import registry_core
from registry_core.assembly.data.loader import occurrences
from registry_core.assembly.pipeline import assemble
from registry_core.components import Draws
from registry_core.diagnostics import BrokenComponent
from registry_core.inspection.trace import trace

TRANSFORMS = [{"random_crop": {"size": 6}}, {"random_apply": {"p": 0.5, "transforms": ["random_horizontal_flip"]}}]


def test_occurrences_are_counted_in_order() -> None:
    order = np.array([4, 1, 4, 4, 0, 1])
    found = occurrences(order)
    assert found is not None
    assert found.tolist() == [order[:place].tolist().count(index) for place, index in enumerate(order)]
    assert occurrences(np.random.default_rng(0).permutation(1000)) is None
    many = np.random.default_rng(1).integers(0, 50, 1000)
    counted = occurrences(many)
    assert counted is not None
    assert counted.tolist() == [many[:place].tolist().count(index) for place, index in enumerate(many)]


def test_draws_of_occurrences_differ_and_those_of_the_first_are_as_without() -> None:
    def words(*moment: int) -> tuple[int, ...]:
        draws = Draws(7, *moment)
        return tuple(draws.word() for _ in range(9))

    assert words(1, 3, 0, 0) == words(1, 3)
    numbers = [0, 1, 2, 65_535, 65_536, 65_537, 131_072, 10_000_000]
    assert len({words(1, 3, view, number) for view in range(3) for number in numbers}) == 3 * len(numbers)


def test_repeated_has_every_sample_as_often() -> None:
    order = Repeated(times=3).build(100)(0, 1)
    assert np.bincount(order, minlength=100).tolist() == [3] * 100
    words = np.random.Philox(key=[0, 1], counter=[0, 0, 0, 1]).random_raw(300)
    assert np.array_equal(order, np.argsort(words, kind="stable") % 100)
    assert Repeated(times=3).epoch_length(100) == 300


def batches(written: Path, start: int = 0, **changes: Any) -> list[Any]:
    loader = assemble(registry_core.plan(registry_core.load(written))).loaders["train"]
    try:
        return [(loaded.request, loaded.entries["input"]) for loaded in loader.batches(3, start)]
    finally:
        loader.close()


@pytest.mark.covers("sampler/repeated", reference="NumPy's Philox")
@pytest.mark.parametrize("sampler", [{"repeated": {"times": 3}}, {"class_balanced": {"samples": 700}}])
@pytest.mark.parametrize("last", [["to_tensor"], ["to_tensor", {"random_erasing": {"p": 0.9}}]])
def test_repeated_samples_look_different(pipeline: Callable[..., Path], sampler: Any, last: list[Any]) -> None:
    section = {"dataset": {"digits": {"split": "val"}}, "transforms": [*TRANSFORMS, *last], "sampler": sampler}
    written = pipeline(data={"train": section, "batch_size": 50}, model={"mlp": {"size": 6, "num_classes": 10}})
    found = batches(written)
    views: dict[int, list[torch.Tensor]] = {}
    for request, images in found:
        for index, image in zip(request.indices, images, strict=True):
            views.setdefault(index, []).append(image)
    several = [images for images in views.values() if len(images) > 1]
    differ = [not torch.equal(images[0], images[1]) for images in several]
    assert np.mean(differ) > 0.85  # of 18 equally likely crops and flips, the second is another

    for (request, images), (again, others) in zip(found[2:], batches(written, 2), strict=True):  # from the middle
        assert request == again
        assert torch.equal(images, others)
    workers = pipeline(
        data={"train": section, "batch_size": 50, "workers": 2}, model={"mlp": {"size": 6, "num_classes": 10}}
    )
    for (request, images), (again, others) in zip(found, batches(workers), strict=True):
        assert request == again
        assert torch.equal(images, others)


def test_the_trace_of_a_sample_is_that_of_its_first_occurrence(pipeline: Callable[..., Path]) -> None:
    """Also where others are in the same batch: the sampler draws 700 of few samples."""
    section = {"dataset": {"digits": {"split": "val"}}, "transforms": [*TRANSFORMS, "to_tensor"]}
    section["sampler"] = {"class_balanced": {"samples": 700}}
    written = pipeline(data={"train": section, "batch_size": 700}, model={"mlp": {"size": 6, "num_classes": 10}})
    plan = registry_core.plan(registry_core.load(written))
    executor = assemble(plan).loaders["train"].executor
    request = next(assemble(plan).loaders["train"].epochs.requests(3))
    index = max(request.indices, key=request.indices.count)
    assert request.indices.count(index) > 2
    steps = list(trace(plan, "train", index, 3))
    assert [step.name for step in steps if step.step == "read"] == ["digits"]
    crops = [step for step in steps if step.name == "random_crop"]
    assert len(crops) == 1
    first = executor.sample(index, 3)["input"]
    last = next(step for step in steps if step.name == "to_tensor").entries[0]
    assert (last.low, last.high) == (first.min(), first.max())


def test_an_order_that_fails_is_an_error_of_the_sampler(
    pipeline: Callable[..., Path], distribution: Callable[..., Path], tmp_path: Path
) -> None:
    module = "import numpy as np\nclass Halves:\n    def __init__(self, length: int):\n        pass\n"
    module += "    def __call__(self, seed, epoch):\n        return np.arange(8) / 2\n"
    points = "[registry_core.v1.samplers]\nhalves = acme_halves:Halves\n"
    distribution("acme", points, modules={"acme_halves": module})
    section = {"dataset": {"digits": {}}, "transforms": ["to_tensor"], "sampler": "halves"}
    with pytest.raises(BrokenComponent, match="The sampler failed in epoch 0: TypeError"):
        registry_core.train(registry_core.load(pipeline(data={"train": section})), tmp_path / "run")
