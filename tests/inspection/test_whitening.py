"""Whitening: the matrix against NumPy and scikit-learn, in one pass, and the transform against torchvision."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Ended
from registry_builtin.transforms.linear import LinearTransformation
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torchvision import tv_tensors
from torchvision.transforms import v2

import registry_core
from registry_core.components import CheckFailed, Image
from registry_core.inspection.moments import Moments
from registry_core.inspection.whitening import whitening_matrix


def pipeline_text(file: Path, batch_size: int = 50) -> str:
    return f"""\
version: 1
data:
  train:
    dataset: {{digits: {{split: val}}}}
    transforms: [{{center_crop: {{size: 4}}}}, to_tensor, {{linear_transformation: {{file: '{file}'}}}}]
  batch_size: {batch_size}
model: {{mlp: {{size: 4, num_classes: 10}}}}
loss: cross_entropy
optim: {{optimizer: {{sgd: {{lr: 0.1}}}}}}
train: {{device: cpu}}
"""


def rows() -> np.ndarray[Any, np.dtype[np.float64]]:
    """The middles of the same digits, from scikit-learn."""
    images = load_digits().images
    chosen = images[np.arange(len(images)) % 5 == 4].astype(np.int64) * 255 // 16
    middles = chosen[:, 2:6, 2:6].reshape(len(chosen), -1).astype(np.float32) / np.float32(255)
    return middles.astype(np.float64)


@pytest.mark.covers(
    "transform/linear_transformation", "command/whiten", reference="numpy.cov, numpy.linalg.eigh, scikit-learn's PCA"
)
@pytest.mark.parametrize(("method", "batch_size"), [("zca", 50), ("pca", 7), ("zca", 400)])
def test_the_matrix_is_that_of_numpy(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path, method: str, batch_size: int
) -> None:
    file = tmp_path / "white.safetensors"
    path = pipeline(pipeline_text(file, batch_size))
    ended = command("validate", path)
    assert ended.code == 2
    assert "does not exist. Create it with `registry-core whiten" in ended.err
    made = json.loads(command("whiten", path, "--out", file, "--method", method, "--epsilon", 0.01, "--json").out)
    assert (made["images"], made["numbers"]) == (359, 16)
    assert command("validate", path).code == 0

    data, found = rows(), load_file(file)
    matrix = found["transformation_matrix"].double().numpy()
    np.testing.assert_allclose(found["mean_vector"].numpy(), data.mean(0), rtol=1e-6)
    variances, directions = np.linalg.eigh(np.cov(data.T))
    if method == "zca":
        expected = directions @ np.diag(1 / np.sqrt(variances + 0.01)) @ directions.T
        np.testing.assert_allclose(matrix, expected, atol=1e-5)
    else:
        expected = (directions / np.sqrt(variances + 0.01))[:, ::-1]
        signs = np.sign((matrix * expected).sum(0))
        np.testing.assert_allclose(matrix * signs, expected, atol=1e-5)
    result = registry_core.train(registry_core.load(path), tmp_path / "run")
    assert result.summary["steps"] == -(-359 // batch_size)


@pytest.mark.parametrize("method", ["zca", "pca"])
def test_whitened_data_have_unit_covariance(method: Any) -> None:
    data = torch.from_numpy(np.random.default_rng(0).normal(size=(500, 6)) @ np.triu(np.ones((6, 6))) + 3)
    moments = Moments(6)
    for part in data.split(33):
        moments.update(part)
    white = (data - moments.mean) @ whitening_matrix(moments.covariance(), method, 1e-12)
    torch.testing.assert_close(torch.cov(white.T), torch.eye(6, dtype=torch.float64), atol=1e-8, rtol=0)
    if method == "pca":
        expected = PCA(whiten=True).fit_transform(data.numpy())
        signs = np.sign((white.numpy() * expected).sum(0))
        np.testing.assert_allclose(white.numpy() * signs, expected, atol=1e-8)


COUNTED = '''
import weakref

import torch

alive = 0
most = 0
reads = 0


def gone():
    global alive
    alive -= 1


class Endless:
    """Images that are made when they are asked for; how many are in memory at once is counted."""

    def __init__(self, length: int = 10):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        global alive, most, reads
        image = torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(index))
        weakref.finalize(image, gone)
        alive, reads = alive + 1, reads + 1
        most = max(most, alive)
        return image, 0
'''


def test_the_data_are_read_once_and_never_held(
    command: Callable[..., Ended], distribution: Callable[..., Path], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    distribution(
        "acme", "[registry_core.v1.datasets]\nendless = acme_endless:Endless\n", modules={"acme_endless": COUNTED}
    )
    text = pipeline_text(tmp_path / "white.safetensors", 16).replace(
        "{digits: {split: val}}", "{endless: {length: 2000}}"
    )
    path = pipeline(text.replace("{center_crop: {size: 4}}, to_tensor, ", ""))
    ended = command("whiten", path, "--out", tmp_path / "white.safetensors")
    assert ended.code == 0, ended.err
    assert "2000 images of 16 values" in ended.out
    import acme_endless  # type: ignore[import-not-found]  # made above

    assert acme_endless.reads == 2000
    assert acme_endless.most <= 2 * 16


def saved(path: Path, size: int = 12, **changes: Any) -> Path:
    generator = torch.Generator().manual_seed(0)
    tensors = {"transformation_matrix": torch.rand(size, size, generator=generator), "mean_vector": torch.rand(size)}
    tensors.update(changes)
    if path.suffix == ".npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in tensors.items()})
    else:
        save_file(tensors, path)
    return path


@pytest.mark.covers("transform/linear_transformation", reference="torchvision.transforms.v2.LinearTransformation")
@pytest.mark.parametrize("name", ["white.safetensors", "white.npz"])
def test_the_transform_is_that_of_torchvision(tmp_path: Path, name: str) -> None:
    file = saved(tmp_path / name)
    found = dict(np.load(file)) if name.endswith("z") else {k: v.numpy() for k, v in load_file(file).items()}
    tensors = {key: torch.from_numpy(value) for key, value in found.items()}
    image = tv_tensors.Image(torch.rand(3, 2, 2))
    expected = v2.LinearTransformation(**tensors)(image)
    made = LinearTransformation(file=str(file)).build()({"input": image, "target": torch.tensor(3)}["input"])
    assert torch.equal(made, expected)
    facts = Image("float", 3, 2, 2, 0.0, 1.0)
    assert LinearTransformation(file=str(file)).infer_image(facts) == facts.changed(low=None, high=None)


@pytest.mark.parametrize(
    ("change", "facts", "words"),
    [
        ({}, Image("pil", 3, 2, 2), "expects a float tensor"),
        ({}, Image("float", 3, 2, 3), "expects 12 values, but the image has 3 x 2 x 3 = 18"),
        ({"mean_vector": torch.zeros(3)}, Image("float", 3, 2, 2), r"a matrix \[12, 12\] and a mean \[3\]"),
        ({"transformation_matrix": torch.zeros(12, 3)}, Image("float", 3, 2, 2), r"a matrix \[12, 3\]"),
    ],
)
@pytest.mark.parametrize("name", ["white.safetensors", "white.npz"])
def test_files_that_do_not_fit(tmp_path: Path, name: str, change: Any, facts: Image, words: str) -> None:
    transform = LinearTransformation(file=str(saved(tmp_path / name, **change)))
    with pytest.raises(CheckFailed, match=words):
        transform.infer_image(facts)


def test_files_that_are_something_else(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no matrix at all")
    save_file({"other": torch.zeros(2)}, tmp_path / "other")
    facts = Image("float", 3, 2, 2)
    with pytest.raises(CheckFailed, match=r"cannot be read as safetensors or \.npz"):
        LinearTransformation(file=str(tmp_path / "text")).infer_image(facts)
    with pytest.raises(
        CheckFailed, match=r"does not contain transformation_matrix or mean_vector\. It contains: other"
    ):
        LinearTransformation(file=str(tmp_path / "other")).infer_image(facts)


def test_whitening_needs_float_tensors(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    text = pipeline_text(tmp_path / "white").replace("to_tensor, ", "")
    ended = command("whiten", pipeline(text), "--out", tmp_path / "white")
    assert ended.code == 5
    assert "Add to_tensor before it" in ended.err
