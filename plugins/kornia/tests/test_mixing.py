"""Compare mixed targets with the labels of kornia and with the visible pixels."""

from __future__ import annotations

import pytest
import torch
from cases import MIXING, Case
from kornia.augmentation import RandomCutMixV2, RandomMixUpV2
from torch.nn.functional import one_hot

from registry_core.components import CheckFailed


def mixed(case: Case, images: torch.Tensor, target: torch.Tensor, seed: int) -> dict[str, torch.Tensor]:
    """Return the mixed batch."""
    torch.manual_seed(seed)
    made: dict[str, torch.Tensor] = case.declared.build()({"input": images, "target": target})
    return made


def classes(case: Case) -> torch.Tensor:
    """Return different class indices for the samples of a batch."""
    return torch.arange(case.shape[0])


@pytest.mark.parametrize("case", MIXING, ids=str)
def test_targets_are_what_is_seen_of_each_image(case: Case) -> None:
    """Image n is 1 in channel n only, so the mean of a channel is the visible fraction of an image."""
    rows = case.shape[0]
    images = torch.eye(rows)[:, :, None, None].expand(-1, -1, 24, 20).contiguous()
    changed = 0
    for seed in range(12):
        made = mixed(case, images, classes(case), seed)
        assert made["target"].shape == (rows, 7)
        assert made["target"].dtype == torch.float32
        assert torch.allclose(made["target"][:, :rows], made["input"].mean((2, 3)), atol=1e-5)
        assert torch.allclose(made["target"].sum(1), torch.ones(rows))
        changed += not torch.equal(made["input"], images)
    assert changed


@pytest.mark.parametrize("case", MIXING, ids=str)
def test_images_are_those_of_kornia(case: Case) -> None:
    parameters = {key: tuple(v) if isinstance(v, list) else v for key, v in case.parameters.items()}
    del parameters["num_classes"]
    correct = {"use_correct_lambda": True} if "cut" in case.name else {}
    reference = Case(case.name, parameters, correct).reference()
    for seed in range(4):
        made = mixed(case, case.images(), classes(case), seed)
        torch.manual_seed(seed)
        assert torch.equal(made["input"], reference(case.images()))


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_mixup_has_the_labels_of_kornia(p: float) -> None:
    case = Case("kornia_random_mix_up_v2", {"num_classes": 7, "p": p})
    made = mixed(case, case.images(), classes(case), 3)
    torch.manual_seed(3)
    images, labels = RandomMixUpV2(p=p, data_keys=["input", "class"])(case.images(), classes(case))
    assert torch.equal(made["input"], images)
    own, other, weight = labels.unbind(1)
    expected = one_hot(own.long(), 7) * (1 - weight)[:, None] + one_hot(other.long(), 7) * weight[:, None]
    assert torch.allclose(made["target"], expected)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_cutmix_has_the_labels_of_kornia(p: float) -> None:
    case = Case("kornia_random_cut_mix_v2", {"num_classes": 7, "p": p})
    made = mixed(case, case.images(), classes(case), 3)
    torch.manual_seed(3)
    reference = RandomCutMixV2(p=p, data_keys=["input", "class"], use_correct_lambda=True)
    images, labels = reference(case.images(), classes(case))
    assert torch.equal(made["input"], images)
    own, other, kept = labels[0].unbind(1)
    kept = kept if p else torch.ones_like(kept)  # kornia reports 0 for unmixed images, which are mixed with themselves
    expected = one_hot(own.long(), 7) * kept[:, None] + one_hot(other.long(), 7) * (1 - kept)[:, None]
    assert torch.allclose(made["target"], expected)


def test_vectors_are_mixed_as_class_numbers_are() -> None:
    case = MIXING[0]
    numbers = mixed(case, case.images(), classes(case), 5)["target"]
    vectors = mixed(case, case.images(), one_hot(classes(case), 7).float(), 5)["target"]
    assert torch.equal(numbers, vectors)


@pytest.mark.parametrize("case", MIXING, ids=str)
def test_classes_and_forms(case: Case) -> None:
    assert case.declared.infer_target("class_indices") == "distributions"
    with pytest.raises(CheckFailed, match="mixes classes, but the targets are class maps"):
        case.declared.infer_target("class_maps")
    open_ = Case(case.name, {key: value for key, value in case.parameters.items() if key != "num_classes"}).declared
    assert open_.for_classes(4).num_classes == 4  # type: ignore[attr-defined]  # defined by the mixing transforms
    with pytest.raises(CheckFailed, match="cannot infer the number of classes"):
        open_.for_classes(None)
    with pytest.raises(CheckFailed, match="has 7 classes, but the model or the data has 10"):
        case.declared.for_classes(10)
