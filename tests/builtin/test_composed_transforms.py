"""Transforms of transforms: the decisions of torchvision, draws by counter, and facts followed through every branch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Ended
from programs import all_views
from randomness_references import chi_square_bound
from registry_builtin.transforms.colours import Grayscale
from registry_builtin.transforms.composed import RandomApply, RandomChoice, RandomOrder
from registry_builtin.transforms.conversions import Normalize, ToTensor
from registry_builtin.transforms.crops import CenterCrop, RandomCrop
from registry_builtin.transforms.flips_and_turns import RandomHorizontalFlip
from registry_builtin.transforms.sizes import Pad, Resize
from test_transforms import picture, values
from torchvision.transforms import v2

import registry_core
from registry_core.components import CheckFailed, Image, Transform, stream_key
from registry_core.components.randomness import philox

IMAGE = picture("pil", 3, 13, 17)
PARTS = (CenterCrop(size=9), Pad(padding=2), Resize(size=[7, 11]))
REFERENCES = [v2.CenterCrop(9), v2.Pad(2), v2.Resize((7, 11))]
COUNT = 12


def made(transform: Transform, index: int, epoch: int = 0) -> Any:
    (view,) = all_views((transform,), {"input": IMAGE, "target": 3}, epoch, index, purpose="here")
    assert view["target"] == 3
    return view["input"]


def words(index: int, epoch: int = 0) -> tuple[int, ...]:
    """The words that decide for a sample, from the generator itself."""
    return philox((index, 0, epoch, 0), stream_key(0, "here[0]"))


@pytest.mark.covers("transform/random_apply", reference="torchvision.transforms.v2.RandomApply")
@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_random_apply_decides_as_torchvision(monkeypatch: pytest.MonkeyPatch, p: float) -> None:
    reference = v2.RandomApply(REFERENCES[:2], p=p)
    applied = 0
    for index in range(COUNT):
        drawn = words(index, 2)[0] / 2**32
        monkeypatch.setattr(torch, "rand", lambda _, drawn=drawn: torch.tensor([drawn], dtype=torch.float64))
        expected = reference(IMAGE)
        found = made(RandomApply(transforms=PARTS[:2], p=p), index, 2)
        np.testing.assert_array_equal(values(found), values(expected))
        applied += found.size != IMAGE.size
    assert applied == {0.0: 0, 1.0: COUNT}.get(p, applied)
    assert p in (0, 1) or 0 < applied < COUNT


@pytest.mark.covers("transform/random_choice", reference="torchvision.transforms.v2.RandomChoice")
@pytest.mark.parametrize("p", [None, (1.0, 0.0, 3.0)])
def test_random_choice_decides_as_torchvision(monkeypatch: pytest.MonkeyPatch, p: Any) -> None:
    reference = v2.RandomChoice(REFERENCES, p=None if p is None else list(p))
    seen = set()
    for index in range(COUNT):
        sums = np.cumsum(reference.p)
        place = int(np.searchsorted(sums, words(index)[0] / 2**32, side="right"))
        monkeypatch.setattr(torch, "multinomial", lambda *_, place=place: torch.tensor([place]))
        np.testing.assert_array_equal(
            values(made(RandomChoice(transforms=PARTS, p=p), index)), values(reference(IMAGE))
        )
        seen.add(place)
    assert seen == ({0, 1, 2} if p is None else {0, 2})


@pytest.mark.covers("transform/random_order", reference="torchvision.transforms.v2.RandomOrder")
def test_random_order_decides_as_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for index in range(COUNT):
        first, second, *_ = words(index)
        order = [0, 1, 2]
        order[0], order[first * 3 >> 32] = order[first * 3 >> 32], order[0]
        order[1], order[1 + (second * 2 >> 32)] = order[1 + (second * 2 >> 32)], order[1]
        monkeypatch.setattr(torch, "randperm", lambda _, order=order: torch.tensor(order))
        expected = v2.RandomOrder(REFERENCES)(IMAGE)
        np.testing.assert_array_equal(values(made(RandomOrder(transforms=PARTS), index)), values(expected))
        seen.add(tuple(order))
    assert len(seen) > 3


def test_choices_and_orders_are_as_likely_as_they_should() -> None:
    from registry_builtin.objects.composed_transforms import RandomChoice as Choice
    from registry_builtin.objects.composed_transforms import RandomOrder as Order

    from registry_core.components import Draws

    chosen = [Choice([1.0, 0.0, 2.0, 5.0]).chosen(Draws(7, 0, index)) for index in range(8000)]
    counts = np.bincount(chosen, minlength=4)
    assert counts[1] == 0
    expected = np.array([1000, 2000, 5000])
    assert ((counts[[0, 2, 3]] - expected) ** 2 / expected).sum() < chi_square_bound(2)
    orders = [tuple(Order().order(4, Draws(7, 0, index))) for index in range(24 * 300)]
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 24
    assert ((counts - 300) ** 2 / 300).sum() < chi_square_bound(23)


def test_each_part_has_draws_of_its_own() -> None:
    flip = RandomHorizontalFlip(p=0.5)
    both = RandomApply(transforms=(flip, flip), p=1.0)
    unflipped = sum(np.array_equal(values(made(both, index)), values(IMAGE)) for index in range(200))
    assert 60 < unflipped < 140, "two flips that always decide alike would leave every image as it was"
    alone = [np.array_equal(values(made(flip, index)), values(IMAGE)) for index in range(50)]
    inside = [
        np.array_equal(values(made(RandomChoice(transforms=(flip,)), index)), values(IMAGE)) for index in range(50)
    ]
    assert alone != inside, "a part must not draw what the transform itself would draw"


FLOAT = Image("float", 3, 13, 17, 0.0, 1.0)
PIL = Image("pil", 3, 13, 17)


def test_facts_are_followed_through_every_branch() -> None:
    crop = RandomApply(transforms=(CenterCrop(size=[9, 17]),))
    assert crop.infer_image(PIL) == PIL.changed(height=None, varying=True)
    assert RandomApply(transforms=(CenterCrop(size=[9, 17]),), p=1.0).infer_image(PIL) == PIL.changed(height=9)
    shifted = RandomChoice(transforms=(Normalize(mean=[0.5], std=[0.5]), Normalize(mean=[0.0], std=[0.1])))
    assert shifted.infer_image(FLOAT) == FLOAT.changed(low=-1.0, high=10.0)
    weighed = RandomChoice(transforms=(Normalize(mean=[0.5], std=[0.5]), Grayscale()), p=[1, 0])
    assert weighed.infer_image(FLOAT) == FLOAT.changed(low=-1.0, high=1.0)
    order = RandomOrder(transforms=(Pad(padding=1), CenterCrop(size=9)))
    assert order.infer_image(PIL) == PIL.changed(height=None, width=None, varying=True, square=True)
    many = RandomOrder(transforms=(Pad(padding=1),) * 11)
    assert many.infer_image(PIL) is None
    assert RandomOrder(transforms=(Pad(padding=1),) * 10).infer_image(PIL) == PIL.changed(height=33, width=37)


@pytest.mark.parametrize(
    ("transform", "at", "words"),
    [
        (
            RandomApply(transforms=(Pad(padding=1), ToTensor())),
            ("transforms", 1),
            "either a Pillow image or a",
        ),
        (RandomChoice(transforms=(Pad(padding=1), ToTensor())), ("transforms", 1), "either a Pillow image"),
        (RandomChoice(transforms=(Pad(padding=1), RandomCrop(size=30))), ("transforms", 1), "does not fit"),
        (RandomOrder(transforms=(RandomCrop(size=[15, 19]), Pad(padding=1))), ("transforms", 0), "does not fit"),
        (
            RandomApply(transforms=(RandomChoice(transforms=(RandomCrop(size=30),)),)),
            ("transforms", 0, RandomChoice, "transforms", 0),
            "does not fit",
        ),
    ],
)
def test_what_no_branch_can_take_is_refused(transform: Transform, at: Any, words: str) -> None:
    with pytest.raises(CheckFailed) as raised:
        transform.infer_image(PIL)
    assert words in raised.value.message
    # a class that was looked up by name is called by that name from then on
    named = tuple(each(transforms=(Pad(padding=1),)).name_in_file if isinstance(each, type) else each for each in at)
    assert raised.value.at == named


NESTED = """\
version: 1
data:
  train:
    dataset: {digits: {split: val}}
    transforms:
      - random_apply:
          transforms:
            - {random_crop: {size: 8, padding: 1}}
            - random_choice:
                transforms: [random_horizontal_flip, {center_crop: {size: 8}}]
      - random_order: {transforms: [random_horizontal_flip, {random_crop: {size: [8, 8], padding: 1}}]}
      - to_tensor
  batch_size: 64
model: {mlp: {size: 8, num_classes: 10}}
loss: cross_entropy
optim: {optimizer: {sgd: {lr: 0.1}}}
"""


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        (
            "{random_crop: {size: [8, 8], padding: 1}}",
            "{pad: {padding: 1}}, {center_crop: {size: 9}}",
            "6:7",
            "different sizes",
        ),
        ("{random_crop: {size: 8, padding: 1}}", "to_tensor", "8:15", "Pillow image"),
        ("{random_crop: {size: 8, padding: 1}}", "{random_crop: {size: 9}}", "8:16", "does not fit"),
        ("{center_crop: {size: 8}}", "to_tensor", "10:54", "either a Pillow image or a float tensor"),
        ("{center_crop: {size: 8}}", "{random_crop: {size: 9}}", "10:55", "does not fit"),
        ("{center_crop: {size: 8}}", "{centre_crop: {size: 8}}", "10:55", "Did you mean 'center_crop'"),
        ("{center_crop: {size: 8}}", "{five_crop: {size: 8}}", "10:55", "five_crop makes 5 images of one"),
        ("{random_crop: {size: [8, 8], padding: 1}}", "{random_crop: {size: 9}}", "11:62", "does not fit"),
        ("transforms: [random_h", "p: [1]\n                transforms: [random_h", "10:17", "1 weight for 2"),
    ],
)
def test_problems_inside_are_placed_there(
    command: Callable[..., Ended], pipeline: Callable[..., Path], old: str, new: str, place: str, words: str
) -> None:
    assert command("validate", pipeline(NESTED)).code == 0
    assert old in NESTED
    path = pipeline(NESTED.replace(old, new, 1), "wrong")
    ended = command("validate", path)
    assert ended.code == 2
    assert words in ended.err
    assert f"{path}:{place}: " in ended.err


def test_runs_do_not_depend_on_workers(
    pipeline: Callable[..., Path], distribution: Callable[..., Path], tmp_path: Path
) -> None:
    code = (
        "import torch\n\nclass Noisy:\n    def __call__(self, image):\n        return image + torch.rand(image.shape)\n"
    )
    distribution("acme", "[registry_core.v1.transforms]\nnoisy = acme_noisy:Noisy\n", modules={"acme_noisy": code})
    text = NESTED.replace(
        "- to_tensor", "- to_tensor\n      - {random_choice: {transforms: [noisy, random_horizontal_flip]}}"
    )
    results = [
        registry_core.train(registry_core.load(pipeline(text), [f"data.workers={workers}"]), tmp_path / str(workers))
        for workers in (0, 2)
    ]
    first, second = (result.pipeline.model.state_dict() for result in results)
    assert all(torch.equal(first[name], second[name]) for name in first)
