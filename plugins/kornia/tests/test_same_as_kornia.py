"""Compare each augmentation bit for bit with the one of kornia, called with the same seed."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import torch
from cases import ALL, CHANGING, MOSAICS, MOVING, ONE_IMAGE, PIECES, Case
from torch.utils._python_dispatch import TorchDispatchMode

from registry_core.components import Draws

SEEDS = (0, 1, 2)


def given(case: Case) -> dict[str, Any]:
    """Return a batch that the augmentation supports."""
    images = case.images()
    generator = torch.Generator().manual_seed(9)
    if case.name in ("kornia_random_mosaic", "kornia_random_transplantation"):
        target = torch.randint(4, (images.shape[0], *images.shape[2:]), generator=generator)
    else:
        target = torch.randint(7, (images.shape[0],), generator=generator)
    return {"input": images, "target": target, "name": [f"sample {n}" for n in range(images.shape[0])]}


@pytest.mark.parametrize("case", [*ONE_IMAGE, *MOSAICS], ids=str)
def test_images_are_those_of_kornia(case: Case) -> None:
    built, reference, changed = case.declared.build(), case.reference(), 0
    for seed in SEEDS:
        images, batch = case.images(seed), {**given(case), "input": case.images(seed)}
        torch.manual_seed(seed)
        made = built(batch)
        torch.manual_seed(seed)
        with torch.no_grad():
            expected = reference(images)
        assert torch.equal(made["input"], expected)
        assert torch.equal(batch["input"], images), "the input is not modified"
        assert made["name"] is batch["name"]
        changed += expected.shape != images.shape or not torch.equal(expected, images)
    neutral = case in CHANGING and not case.parameters and "jiggle" in case.name
    assert neutral or changed, "a case that changes nothing tests nothing"


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_batch_is_the_same_in_its_place_and_another_elsewhere(case: Case) -> None:
    batch = given(case)

    def at(epoch: int, number: int) -> torch.Tensor:
        torch.manual_seed(Draws(77, epoch, number).seed())  # as the core seeds the generators
        made: torch.Tensor = pickle.loads(pickle.dumps(case.declared.build()))(batch)["input"]
        return made

    assert torch.equal(at(1, 2), at(1, 2))
    if draws(case):
        assert any(not torch.equal(at(1, 2), at(*other)) for other in ((2, 2), (1, 3), (4, 4), (5, 5), (6, 6)))


def draws(case: Case) -> bool:
    """Return True if its result depends on random numbers."""
    torch.manual_seed(0)
    made = [case.declared.build()(given(case))["input"] for _ in range(9)]
    return any(not torch.equal(made[0], other) for other in made)


@pytest.mark.parametrize("case", [*MOVING, *CHANGING, *PIECES], ids=str)
def test_other_images_of_a_sample_change_alike(case: Case) -> None:
    batch = {**given(case), "second": case.images()}
    torch.manual_seed(3)
    made = case.declared.build()(batch)
    assert torch.equal(made["second"], made["input"])


@pytest.mark.parametrize("case", ALL, ids=str)
def test_memory_layout_and_type_stay(case: Case) -> None:
    batch = given(case)
    built = case.declared.build()
    torch.manual_seed(3)
    plain = built(batch)["input"]
    assert plain.is_contiguous()
    torch.manual_seed(3)
    last = built({**batch, "input": batch["input"].contiguous(memory_format=torch.channels_last)})["input"]
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(last, plain, atol=1e-6)
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        made = built({**batch, "input": batch["input"].to(dtype)})["input"]
        assert made.dtype == dtype
        assert made.shape == plain.shape


@pytest.mark.parametrize("case", ALL, ids=str)
def test_global_state_stays_and_no_gradients_pass(case: Case) -> None:
    batch = given(case)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    built = case.declared.build()
    assert torch.equal(torch.get_rng_state(), before), "building draws nothing"
    batch["input"].requires_grad_()
    torch.use_deterministic_algorithms(True)
    try:
        made = built(batch)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    assert made["input"].grad_fn is None
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("case", ALL, ids=str)
def test_it_acts_in_either_mode_of_a_module(case: Case) -> None:
    built, batch, made = case.declared.build(), given(case), []
    for training in (True, False):
        built.module.train(training)
        torch.manual_seed(1)
        made.append(built(batch)["input"])
    assert torch.equal(*made)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_sums_of_whole_numbers_are_allowed_where_they_are_made(case: Case) -> None:
    """On CUDA, torch refuses cumsum of floats and medians if only deterministic algorithms are allowed."""
    built, batch, allowed, refused = case.declared.build(), given(case), [], RefusedRecord()
    module = built.module

    class Noting:
        def __getattr__(self, name: str) -> Any:
            return getattr(module, name)

        def __call__(self, *arguments: Any, **named: Any) -> Any:
            allowed.append(not torch.are_deterministic_algorithms_enabled())
            with refused:
                return module(*arguments, **named)

    built.module = Noting()
    torch.use_deterministic_algorithms(True)
    try:
        for seed in range(3):
            torch.manual_seed(seed)
            built(batch)
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(allowed) or not refused.found
    assert any(allowed) == case.declared.sums_whole_numbers  # type: ignore[attr-defined]  # defined by all transforms of this package


class RefusedRecord(TorchDispatchMode):
    """Records operations of kornia that torch refuses on CUDA if only deterministic algorithms are allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = str(func)
        if name.startswith(("aten.median.dim", "aten.kthvalue", "aten.histc", "aten.put_")) or (
            name.startswith("aten.cumsum") and result.is_floating_point()
        ):
            self.found.add(name)
        return result
