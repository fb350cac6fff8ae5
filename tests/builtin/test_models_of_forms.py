"""Models for targets of every form, against the same networks in plain torch, with the same numbers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Ended
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as F

import registry_core
from registry_core.components import CheckFailed, Image, Model
from registry_core.diagnostics import PipelineError
from registry_core.registry import registries


def model(name: str, **parameters: Any) -> Model:
    return registries.models[name](**parameters)


def network(outputs: int = 3) -> Model:
    return model("mlp", size=4, hidden=(5,), num_classes=outputs)


def plain(outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, outputs))


def images(count: int) -> tuple[Tensor, ...]:
    return tuple(torch.randn(6, 1, 4, 4) for _ in range(count))


def with_numbers_of(built: nn.Module, reference: nn.Module) -> nn.Module:
    """The model, with the parameters of the reference in their order."""
    theirs = list(reference.state_dict().values())
    own = built.state_dict()
    assert [value.shape for value in own.values()] == [value.shape for value in theirs]
    built.load_state_dict(dict(zip(own, theirs, strict=True)))
    return built


@pytest.mark.covers("model/pair", "model/triplet", reference="plain torch modules called for each image")
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(
    ("name", "gives"),
    [("pair", ("output", "second_output")), ("triplet", ("output", "positive_output", "negative_output"))],
)
def test_embeddings_with_shared_weights(name: str, gives: tuple[str, ...], normalize: bool) -> None:
    declared, reference = model(name, network=network(), normalize=normalize), plain()
    assert declared.outputs == gives
    given = images(len(gives))
    found = with_numbers_of(declared.build(), reference)(*given)
    for key, one in zip(gives, given, strict=True):
        expected = reference(one)
        if normalize:
            expected = expected / expected.square().sum(1, keepdim=True).sqrt()
        torch.testing.assert_close(found[key], expected)
    sum(value.sum() for value in found.values()).backward()


@pytest.mark.covers("model/pair_distance", reference="norms of differences in plain torch")
@pytest.mark.parametrize("p", [1.0, 2.0])
@pytest.mark.parametrize("normalize", [False, True])
def test_distances(p: float, normalize: bool) -> None:
    reference, (first, second) = plain(), images(2)
    built = with_numbers_of(model("pair_distance", network=network(), p=p, normalize=normalize).build(), reference)
    a, b = reference(first), reference(second)
    if normalize:
        a, b = F.normalize(a), F.normalize(b)
    expected = (a - b).abs().sum(1) if p == 1 else (a - b).square().sum(1).sqrt()
    torch.testing.assert_close(built(first, second), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.covers("model/pair_ranking", reference="plain torch modules called for each image")
def test_scores() -> None:
    reference, (first, second) = plain(1), images(2)
    found = with_numbers_of(model("pair_ranking", network=network(1)).build(), reference)(first, second)
    torch.testing.assert_close(found["output"], reference(first)[:, 0])
    torch.testing.assert_close(found["second_output"], reference(second)[:, 0])


@pytest.mark.covers("model/gaussian", reference="the formula in plain torch")
def test_means_and_variances() -> None:
    declared, reference, (given,) = model("gaussian", network=network(4), minimum=0.5), plain(4), images(1)
    found = with_numbers_of(declared.build(), reference)(given)
    raw = reference(given)
    torch.testing.assert_close(found["output"], raw[:, :2])
    torch.testing.assert_close(found["variance"], torch.log1p(raw[:, 2:].exp()) + 0.5)
    assert declared.num_outputs() == 2


def _convolutions(i: int, o: int, count: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n in range(count):
        layers += [nn.Conv2d(i if n == 0 else o, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*layers)


class UNetByHand(nn.Module):
    """A U-Net of depth 2, written out."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = _convolutions(3, 4, 2), _convolutions(4, 8, 2)
        self.c = _convolutions(8, 16, 2)
        self.to_b, self.to_a = nn.ConvTranspose2d(16, 8, 2, stride=2), nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.d, self.e = _convolutions(16, 8, 2), _convolutions(8, 4, 2)
        self.last = nn.Conv2d(4, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.a(x)
        b = self.b(F.max_pool2d(a, 2))
        c = self.c(F.max_pool2d(b, 2))
        d = self.d(torch.cat([b, self.to_b(c)], 1))
        return self.last(self.e(torch.cat([a, self.to_a(d)], 1)))


@pytest.mark.covers("model/unet", reference="the network in plain torch")
def test_unet() -> None:
    declared, reference = model("unet", in_channels=3, num_classes=5, width=4, depth=2), UNetByHand()
    built = with_numbers_of(pickle.loads(pickle.dumps(declared.build())), reference)
    given = torch.randn(2, 3, 12, 20)
    found = built(given)
    torch.testing.assert_close(found, reference(given))
    assert found.shape == (2, 5, 12, 20)
    torch.testing.assert_close(built.eval()(given), reference.eval()(given))
    shallow = model("unet", depth=1).build()
    assert shallow(torch.randn(1, 1, 6, 6)).shape == (1, 2, 6, 6)


@pytest.mark.covers("model/crnn", reference="the network in plain torch")
@pytest.mark.parametrize("recurrent", ["lstm", "gru"])
def test_crnn(recurrent: Any) -> None:
    declared = model("crnn", size=(10, 31), num_classes=6, features=3, hidden=7, recurrent=recurrent)
    first, second = _convolutions(1, 3, 1), _convolutions(3, 6, 1)
    kind = {"lstm": nn.LSTM, "gru": nn.GRU}[recurrent]
    columns = kind(6 * 2, 7, bidirectional=True)
    head = nn.Linear(14, 6)
    built = with_numbers_of(declared.build(), nn.ModuleList([first, second, columns, head]))
    given = torch.randn(2, 1, 10, 31)
    features = F.max_pool2d(second(F.max_pool2d(first(given), 2)), 2)
    assert features.shape == (2, 6, 2, 7)
    steps = torch.stack([features[..., column].reshape(2, -1) for column in range(7)])
    expected = head(columns(steps)[0]).transpose(0, 1)
    torch.testing.assert_close(built(given), expected)
    assert built(given).shape == (2, 31 // 4, 6)


@pytest.mark.parametrize(
    ("declared", "image", "message"),
    [
        (model("unet"), Image("float", 3, 8, 8), "expects 1 input channel, but the images have 3"),
        (model("unet", depth=3), Image("float", 1, 8, 20), "expects a width divisible by 8, but the images have 20"),
        (model("crnn"), Image("float", 1, 32, 64), "expects images of 32 x 128 pixels, but the images are 32 x 64"),
        (model("pair", network=network()), Image("float", 1, 8, 8), "expects images of 4 x 4 pixels"),
    ],
)
def test_images_that_do_not_fit(declared: Model, image: Image, message: str) -> None:
    with pytest.raises(CheckFailed, match=message) as failed:
        declared.check_input(image)
    assert failed.value.remedy


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("pair_ranking", {"network": network(2)}, "the score requires 1 output, but .* has 2"),
        ("gaussian", {"network": network(3)}, "each value requires two outputs, but .* has 3"),
        ("triplet", {"network": model("pair", network=network())}, "does not map one image to one output"),
        ("crnn", {"size": (3, 40)}, "images of 3 x 40 pixels are too small"),
        ("unet", {"depth": 0}, "greater than or equal to 1"),
    ],
)
def test_parameters_that_do_not_fit(name: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model(name, **parameters)


def test_mistakes_in_the_inner_model_have_their_place(
    pipeline: Callable[..., Path], command: Callable[..., Ended]
) -> None:
    text = (
        "version: 1\ndata:\n  train: {dataset: {triplets: {dataset: digits}}, transforms: [to_tensor]}\n"
        "model:\n  triplet:\n    network:\n      sequential:\n        input: [1, 8, 8]\n        layers:\n"
        "          - flatten\n          - {linear: {in_features: 65, out_features: 4}}\n"
        "loss: triplet_margin\noptim: {optimizer: {sgd: {lr: 0.1}}}\n"
    )
    ended = command("validate", pipeline(text))
    assert ended.code == 2
    assert "pipeline.yaml:11:" in ended.err
    assert "65" in ended.err


def test_a_model_must_be_given_the_images_that_it_takes(pipeline: Callable[..., Path]) -> None:
    changes = {"model": {"pair": {"network": {"mlp": {"size": 8}}}}, "loss": "cosine_embedding", "metrics": []}
    with pytest.raises(PipelineError, match=r"model reads 'second', which the samples of data.train do not have"):
        registry_core.load(pipeline(**changes))
