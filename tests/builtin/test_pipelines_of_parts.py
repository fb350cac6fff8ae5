"""Parts that no example uses, in pipelines that learn to read real digits: every component is in a file that runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest
from conftest import ROOT
from sklearn.datasets import load_digits

import registry_core

pytestmark = pytest.mark.exhaustive

FOLDER = ROOT / "tests" / "pipelines" / "parts"
FIGURES = {
    "automatic": ("val/accuracy", 0.6),
    "colours": ("val/accuracy", 0.5),
    "distances": ("val/nearest_neighbour_accuracy", 0.8),
    "geometry": ("val/accuracy", 0.6),
    "invert": ("val/accuracy", 0.6),
    "layers": ("val/f1", 0.6),
    "probabilities": ("val/mean_squared_error", 0.05),
    "repeated": ("val/accuracy", 0.8),
    "sizes": ("val/accuracy", 0.8),
    "ten_crops": ("val/accuracy", 0.7),
}
"""What each pipeline reaches at least, or for an error at most; guessing reaches 0.1, with an error of 0.09."""


@pytest.mark.parametrize("name", FIGURES)
def test_it_learns(name: str, tmp_path: Path) -> None:
    metric, figure = FIGURES[name]
    reached = registry_core.train(registry_core.load(FOLDER / f"{name}.yaml"), tmp_path / "run").metrics[metric]
    assert reached < figure if metric.endswith("error") else reached > figure


@pytest.fixture(scope="module")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 digits of scikit-learn as files, in a folder a class."""
    folder = tmp_path_factory.mktemp("digits")
    images, labels = load_digits(return_X_y=True)
    for number, (pixels, label) in enumerate(zip(images[:300], labels[:300], strict=True)):
        (folder / str(label)).mkdir(exist_ok=True)
        image = PIL.Image.fromarray((pixels.reshape(8, 8) * 255 // 16).astype("uint8"))
        image.save(folder / str(label) / f"{number}.png")
    return folder


@pytest.mark.covers("dataset/image_folder", reference="the folders of scikit-learn's digits")
def test_files_in_class_folders(class_folders: Path, tmp_path: Path) -> None:
    spec = registry_core.load(FOLDER / "class_folders.yaml", [f"vars.root={class_folders}"])
    assert registry_core.train(spec, tmp_path / "run").metrics["val/accuracy"] > 0.4


@pytest.mark.covers("dataset/image_index", "command/index", reference="the folders of scikit-learn's digits")
def test_files_of_an_index_that_the_command_wrote(class_folders: Path, tmp_path: Path) -> None:
    """The index file that the command makes of class folders trains a network of torchvision."""
    index = tmp_path / "digits.txt"
    command = [sys.executable, "-m", "registry_core", "index", str(class_folders), "--out", str(index)]
    subprocess.run(command, check=True, capture_output=True)
    spec = registry_core.load(FOLDER / "index_file.yaml", [f"vars.index={index}"])
    result = registry_core.train(spec, tmp_path / "run")
    assert result.position.step == 12
    assert result.metrics["train/loss"] < 2.0


def test_every_pipeline_here_is_run() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {*FIGURES, "common", "class_folders", "index_file"}
