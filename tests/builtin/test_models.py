"""Models have the layers, parameters and outputs of their sources, and say which images they cannot take."""

from __future__ import annotations

import pickle
from typing import Any, get_args

import pytest
import torch
import torch.nn.functional as F
import torchvision
from pydantic import ValidationError
from registry_builtin.models.classifiers import MLP, Architecture, LeNet, Net, TorchvisionModel
from torch import Tensor, nn

from registry_core.components import CheckFailed, Image, Model


class ByHand(nn.Module):
    """The network as it is written by hand for 32 x 32 images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.conv1(x).clamp(min=0), 2)
        x = F.max_pool2d(self.conv2(x).clamp(min=0), 2)
        x = x.reshape(len(x), 400)
        x = self.fc2(self.fc1(x).clamp(min=0)).clamp(min=0)
        return self.fc3(x)


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.covers("model/net", reference="plain torch layers")
def test_net_is_the_network_by_hand() -> None:
    net, by_hand = Net().build(), ByHand()
    shapes = {name: tuple(value.shape) for name, value in by_hand.state_dict().items()}
    assert {name: tuple(value.shape) for name, value in net.state_dict().items()} == shapes
    net.load_state_dict(by_hand.state_dict())
    images = torch.randn(4, 3, 32, 32)
    assert torch.equal(net(images), by_hand(images))
    torch.testing.assert_close(net(images.to(memory_format=torch.channels_last)), by_hand(images))


def test_parameter_counts() -> None:
    assert parameters(Net().build()) == 62_006
    assert parameters(LeNet().build()) == 61_706
    assert parameters(MLP(size=28, hidden=(300, 100)).build()) == 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10
    assert parameters(MLP(size=(4, 6), in_channels=3, hidden=[], num_classes=2).build()) == 72 * 2 + 2


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (Net(in_channels=1, size=(28, 36), num_classes=4), (1, 28, 36)),
        (Net(in_channels=1, size=8, padding=2), (1, 8, 8)),
        (Net(size=16), (3, 16, 16)),
        (LeNet(), (1, 28, 28)),
        (LeNet(in_channels=3, size=(12, 40), num_classes=5), (3, 12, 40)),
        (MLP(size=8), (1, 8, 8)),
        (MLP(size=8, hidden=(16, 16), dropout=0.5), (1, 8, 8)),
    ],
)
def test_output_shapes(model: Any, shape: tuple[int, int, int]) -> None:
    built = pickle.loads(pickle.dumps(model.build()))
    assert built(torch.randn(2, *shape)).shape == (2, model.num_classes)
    assert (model.output_form, model.num_outputs()) == ("logits", model.num_classes)


@pytest.mark.covers("model/lenet", reference="plain torch layers")
def test_lenet_is_padded_once() -> None:
    lenet = LeNet().build()
    assert (lenet.conv1.padding, lenet.conv2.padding) == ((2, 2), (0, 0))
    assert lenet.fc1.in_features == 16 * 5 * 5


@pytest.mark.covers("model/mlp", reference="plain torch layers")
def test_mlp_by_hand() -> None:
    mlp = MLP(size=4, hidden=(5,), num_classes=3).build()
    w1, b1, w2, b2 = mlp.parameters()
    images = torch.randn(2, 1, 4, 4)
    expected = (images.reshape(2, 16) @ w1.T + b1).clamp(min=0) @ w2.T + b2
    torch.testing.assert_close(mlp(images), expected)
    assert not any(isinstance(layer, nn.Dropout) for layer in mlp)


@pytest.mark.parametrize(
    ("declaration", "parameters"), [(Net, {"size": 15}), (Net, {"size": [32, 12]}), (LeNet, {"size": 11})]
)
def test_nothing_may_be_pooled_away(declaration: type[Model], parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"are too small for both convolutions\. Increase size"):
        declaration(**parameters)


def test_architectures_are_those_of_torchvision() -> None:
    assert sorted(get_args(Architecture)) == sorted(torchvision.models.list_models(module=torchvision.models))


@pytest.mark.covers("model/torchvision_model", reference="torchvision.models")
@pytest.mark.parametrize("arch", ["resnet18", "mobilenet_v3_small", "squeezenet1_0", "regnet_x_400mf"])
def test_torchvision_models_are_those_of_torchvision(arch: Any) -> None:
    torch.manual_seed(0)
    ours = TorchvisionModel(arch=arch, num_classes=5).build()
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(arch, num_classes=5)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))


def smallest(arch: str) -> int:
    """The smallest side that torchvision states for the architecture."""
    weights = torchvision.models.get_model_weights(arch)
    return min(min(one.meta["min_size"]) for one in weights)


# regnet computes its widths with tensors, which meta tensors cannot.
@pytest.mark.parametrize("arch", [arch for arch in get_args(Architecture) if not arch.startswith("regnet")])
def test_every_architecture_takes_gray_images(arch: Any) -> None:
    model = TorchvisionModel(arch=arch, num_classes=7, in_channels=1)
    side = smallest(arch)
    model.check_input(Image("float", 1, side, side))
    with torch.device("meta"), torch.no_grad():
        built = model.build().eval()
        assert built(torch.empty(2, 1, side, side)).shape == (2, 7)


@pytest.mark.parametrize(
    "arch",
    [
        "alexnet",
        "convnext_tiny",
        "densenet121",
        "googlenet",
        "inception_v3",
        "squeezenet1_0",
        "squeezenet1_1",
        "vgg11",
        "swin_t",
        "vit_b_16",
    ],
)
def test_images_too_small_for_an_architecture(arch: Any) -> None:
    model = TorchvisionModel(arch=arch)
    side = (4 if arch == "swin_t" else smallest(arch)) - 1
    with pytest.raises(CheckFailed, match=f"{arch}' expects images of .* but the images are {side} x {side}") as failed:
        model.check_input(Image("float", 3, side, side))
    assert f"{side + 1}, {side + 1}" in failed.value.remedy
    with torch.device("meta"), pytest.raises((RuntimeError, AssertionError)):
        model.build().eval()(torch.empty(2, 3, side, side))


@pytest.mark.parametrize("arch", ["googlenet", "inception_v3"])
def test_no_auxiliary_outputs_in_training(arch: Any) -> None:
    with torch.device("meta"):
        assert TorchvisionModel(arch=arch, num_classes=3).build().train()(torch.empty(2, 3, 96, 96)).shape == (2, 3)


def test_regnet_takes_gray_images() -> None:
    with torch.no_grad():
        model = TorchvisionModel(arch="regnet_x_400mf", num_classes=3, in_channels=1).build().eval()
        assert model(torch.randn(1, 1, 32, 32)).shape == (1, 3)


@pytest.mark.parametrize("arch", ["resnet18", "squeezenet1_1"])
def test_gray_images_train_with_real_numbers(arch: Any) -> None:
    model = TorchvisionModel(arch=arch, num_classes=3, in_channels=1).build()
    model(torch.randn(2, 1, 64, 64)).sum().backward()
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    assert first.in_channels == 1
    assert first.weight.grad is not None
    theirs = torchvision.models.get_model(arch)
    reference = next(module for module in theirs.modules() if isinstance(module, nn.Conv2d))
    for fact in ("out_channels", "kernel_size", "stride", "padding", "dilation", "groups"):
        assert getattr(first, fact) == getattr(reference, fact)
    assert (first.bias is None) == (reference.bias is None)


@pytest.mark.parametrize(
    ("model", "image", "message", "remedy"),
    [
        (
            LeNet(),
            Image("float", 3, 28, 28),
            "expects 1 input channel, but the images have 3",
            "Set in_channels to 3, or add grayscale.",
        ),
        (
            Net(),
            Image("float", 1, 32, 32),
            "expects 3 input channels, but the images have 1",
            "Set in_channels to 1.",
        ),
        (
            Net(),
            Image("float", 3, 28, 32),
            "expects images of 32 x 32 pixels, but the images are 28 x 32",
            "Set size to [28, 32], or add resize.",
        ),
        (
            MLP(size=8),
            Image("float", 1, None, 9),
            "expects images of 8 x 8 pixels, but the images are ? x 9",
            "Add resize or a crop to the size of the model.",
        ),
        (
            TorchvisionModel(arch="vit_b_16"),
            Image("float", 3, 256, 256),
            "expects images of 224 x 224 pixels, but the images are 256 x 256",
            "Add `resize: {size: [224, 224]}`, or choose another arch.",
        ),
        (
            TorchvisionModel(arch="resnet18"),
            Image("float", 1, 32, 32),
            "expects 3 input channels",
            "Set in_channels to 1.",
        ),
    ],
)
def test_images_that_do_not_fit(model: Model, image: Image, message: str, remedy: str) -> None:
    with pytest.raises(CheckFailed) as failed:
        model.check_input(image)
    assert message in failed.value.message
    assert failed.value.remedy == remedy


@pytest.mark.parametrize(
    "model", [Net(), LeNet(), MLP(size=8), TorchvisionModel(arch="vit_b_16"), TorchvisionModel(arch="vgg11")]
)
def test_unknown_facts_pass(model: Model) -> None:
    model.check_input(Image("float"))


def test_unknown_architectures_are_refused() -> None:
    with pytest.raises(ValidationError):
        TorchvisionModel(arch="resnet19")
