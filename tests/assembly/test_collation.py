"""Batches of values of mixed types are those of torch's own collation, and values that do not stack are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate
from torchvision.tv_tensors import BoundingBoxes

import registry_core
from registry_core.assembly.data.collation import NotStackable, collate
from registry_core.diagnostics import DataError

NUMBERS: list[list[Any]] = [
    [3, 3.5, 0.25, 7.9],
    [0, 1],
    [True, 2.5],
    [1, True],
    [np.int32(1), np.float64(2.5)],
    [np.float16(1.5), 2],
    [np.uint8(200), 100],
    [torch.tensor(3), torch.tensor(3.5)],
    [np.array(3), np.array(3.5)],
    [3, torch.tensor(3.5)],
    [np.array([1, 2]), np.array([0.5, 2.5])],
    [torch.tensor([1, 2]), torch.tensor([0.5, 2.5])],
    [torch.tensor([True]), torch.tensor([0.5])],
    [[1, 2], [3.5, 4]],
    [(1, 2), (3, 4)],
    [[[1, 2], [3, 4]], [[5, 6], [7, 8.5]]],
]


@pytest.mark.parametrize("values", NUMBERS, ids=repr)
def test_values_are_those_of_torch(values: list[Any]) -> None:
    found = collate([{"target": value} for value in values])["target"]
    expected = torch.stack([torch.as_tensor(np.asarray(value)).double() for value in values])
    torch.testing.assert_close(found.double(), expected, rtol=1e-7, atol=0)
    if not isinstance(values[0], (list, tuple)):  # torch transposes those
        plain = default_collate(values)
        assert found.dtype.is_floating_point == plain.dtype.is_floating_point or plain.dtype is torch.bool
        assert found.shape == plain.shape


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, False], torch.int64),
        ([np.bool_(True), np.bool_(False)], torch.int64),
        ([np.int8(3), 4], torch.int64),
        ([np.float64(1), np.float64(2)], torch.float32),
        ([1.0, 2.0], torch.float32),
        ([np.zeros(2), np.ones(2)], torch.float64),
        ([torch.tensor(True), torch.tensor(False)], torch.bool),
        ([[0, 1], [1, 0]], torch.int64),
        ([[0.0, 1], [1, 0]], torch.float32),
    ],
)
def test_types(values: list[Any], kind: torch.dtype) -> None:
    assert collate([{"x": value} for value in values])["x"].dtype is kind


@pytest.mark.parametrize("values", [["a", "b"], [None, None], [{"a": 1}, {"a": 2}], [["a"], ["b", "c"]], [[], []]])
def test_other_objects_are_listed(values: list[Any]) -> None:
    assert collate([{"x": value} for value in values])["x"] == values


@pytest.mark.parametrize(
    ("values", "place", "words"),
    [
        ([torch.zeros(3), torch.zeros(3), torch.zeros(4)], 2, "the shape 4 in the entry 'x', but others have 3"),
        ([torch.zeros(2, 4), torch.zeros(2, 3), torch.zeros(2, 3)], 0, "the shape 2 x 4 in the entry 'x'"),
        ([[1, 2], [1, 2, 3]], 1, "the shape 3"),
        ([torch.zeros(1), 3], 1, "the shape of one number"),
        ([3, None], 1, "has a NoneType as the entry 'x', but others have a int"),
        ([3, "4"], 1, "has a str"),
        ([2**70, 1], 0, "no 64-bit number"),
    ],
)
def test_values_that_do_not_stack_are_named(values: list[Any], place: int, words: str) -> None:
    with pytest.raises(NotStackable) as failed:
        collate([{"x": value} for value in values])
    assert failed.value.place == place
    assert words in failed.value.fault


def test_arrays_as_numpy_users_have_them(recwarn: pytest.WarningsRecorder) -> None:
    """Reversed, of another byte order, or read-only: torch refuses the first two, and warns of the third."""
    flipped, swapped, fixed = np.arange(6.0).reshape(2, 3)[:, ::-1], np.array([1, 2], ">f4"), np.array([1.0, 2.0])
    fixed.flags.writeable = False
    for array in (flipped, swapped, fixed):
        found = collate([{"x": array}, {"x": array}])["x"]
        assert found.tolist() == [array.tolist()] * 2
    assert not recwarn.list


def test_boxes_are_listed_wherever_they_are() -> None:
    boxes = BoundingBoxes(torch.ones(2, 4), format="XYXY", canvas_size=(8, 8))
    for values in ([boxes, torch.zeros(0, 4)], [torch.zeros(0, 4), boxes]):
        found = collate([{"x": value} for value in values])["x"]
        assert [(type(one), len(one)) for one in found] == [(torch.Tensor, len(value)) for value in values]


def test_a_number_in_a_list_is_refused_with_its_sample() -> None:
    with pytest.raises(NotStackable, match="9223372036854775808 as the entry 'x'") as failed:
        collate([{"x": [1, 2]}, {"x": [3, 2**63]}])
    assert failed.value.place == 1


def test_tensors_that_torch_does_not_stack_are_refused_by_name() -> None:
    values = [torch.ones(2), torch.ones(2).to_sparse()]
    with pytest.raises(RuntimeError):
        torch.stack(values)
    with pytest.raises(NotStackable, match="the entry 'x', which torch does not stack"):
        collate([{"x": value} for value in values])


def test_images_of_several_modes_are_told_to_be_converted() -> None:
    with pytest.raises(NotStackable) as failed:
        collate([{"input": torch.ones(3, 8, 8)}, {"input": torch.ones(1, 8, 8)}])
    assert "channels: add rgb or grayscale" in failed.value.remedy


PARTS = """
import torch

class Odd:
    def __len__(self):
        return 4
    def describe_sample(self, n):
        return f"row {n}"
    def __getitem__(self, n):
        sample = {"input": torch.zeros(1, 8, 8 if n != 2 else 9), "target": [3, 3.5, 0.25, 7.9][n]}
        return sample

class Lacking(Odd):
    def __getitem__(self, n):
        return {"input": torch.zeros(1, 8, 8), "target": n, **({} if n == 1 else {"more": n})}

class Ages(Odd):
    def __getitem__(self, n):
        return {"input": torch.full((1, 8, 8), n / 4), "target": [3, 3.5, 0.25, 7.9][n]}
"""
ENTRIES = "[registry_core.v1.datasets]\n" + "".join(
    f"{name.lower()} = parts_of_collation:{name}\n" for name in ("Odd", "Lacking", "Ages")
)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (
            "odd",
            "Sample 2 of data.train, row 2, has the shape 1 x 8 x 9 in the entry 'input', but others have 1 x 8 x 8. "
            "Images need one size: add resize or a crop.",
        ),
        (
            "lacking",
            "Sample 1 of data.train, row 1, has no entry 'more', which others have. Return the same entries for all "
            "samples.",
        ),
    ],
)
def test_the_error_of_a_run_names_the_sample(
    pipeline: Callable[..., Path],
    distribution: Callable[..., Path],
    tmp_path: Path,
    dataset: str,
    message: str,
    workers: int,
) -> None:
    distribution("acme", ENTRIES, modules={"parts_of_collation": PARTS})
    data = {"train": {"dataset": dataset, "sampler": "sequential"}, "batch_size": 4, "workers": workers}
    with pytest.raises(DataError) as failed:
        registry_core.train(registry_core.load(pipeline(data=data)), tmp_path / "run")
    assert str(failed.value) == message


def test_values_are_trained_as_they_are(
    pipeline: Callable[..., Path], distribution: Callable[..., Path], tmp_path: Path
) -> None:
    distribution("acme", ENTRIES, modules={"parts_of_collation": PARTS})
    section = {"dataset": "ages", "sampler": "sequential"}
    written = pipeline(
        data={"train": section, "val": section, "batch_size": 4},
        model={"mlp": {"size": 8, "num_classes": 1}},
        loss="mse",
        metrics=["mean_absolute_error"],
        optim={"optimizer": {"sgd": {"lr": 1e-30}}},
    )
    result = registry_core.train(registry_core.load(written), tmp_path / "run")
    images = torch.stack([torch.full((1, 8, 8), n / 4) for n in range(4)])
    with torch.no_grad():
        errors = result.pipeline.model(images).flatten() - torch.tensor([3, 3.5, 0.25, 7.9])
    assert result.metrics["val/loss"] == pytest.approx(float((errors**2).mean()), rel=1e-5)
    assert result.metrics["val/mean_absolute_error"] == pytest.approx(float(errors.abs().mean()), rel=1e-5)
