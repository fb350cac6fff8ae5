"""Checks for transforms of samples and of batches."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import PIL.Image
import torch
from torchvision import tv_tensors

from registry_core.assembly.building import build
from registry_core.assembly.data.collation import collate, stacked_images
from registry_core.assembly.data.transforms import BuiltTransform, Moment
from registry_core.components import CheckFailed, Image
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.testing.checks import check
from registry_core.testing.inputs import BATCH
from registry_core.testing.not_applicable import NotApplicable, reading_files
from registry_core.testing.subject import CLASSES, Subject

SIDES = (24, 24)
_FORMS: tuple[Any, ...] = ("pil", "uint8", "float")
_KEY = 7


def built_transform(component: Any) -> Any:
    """A transform for data with a few classes."""
    made = component.for_classes(getattr(component, "num_classes", None) or CLASSES)
    return build(made, made.build)


def _step(component: Any) -> BuiltTransform:
    with reading_files():
        return BuiltTransform.of(component.for_classes(getattr(component, "num_classes", None) or CLASSES), _KEY)


def _images() -> Iterator[Image]:
    for form in _FORMS:
        for channels in (3, 1):
            high = 1.0 if form == "float" else 255.0
            yield Image(form, channels, *SIDES, low=0.0, high=high)


def _accepted(component: Any) -> list[tuple[Image, Image | None]]:
    """Images that it accepts, each with the declared result."""
    found = []
    for image in _images():
        try:
            found.append((image, component.infer_image(image)))
        except CheckFailed:
            continue
    if not found:
        raise NotApplicable(f"it accepts no common image of {SIDES[0]} x {SIDES[1]} pixels")
    if all(after is None for _, after in found):
        raise NotApplicable("it does not declare its images: override `infer_image`")
    return found


def _sample(image: Image, component: Any, seed: int = 0) -> dict[str, Any]:
    batched = component.get_unit() == "batch"
    shape = (*([BATCH] if batched else []), image.channels or 3, *SIDES)
    numbers = torch.randint(256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    value: Any = tv_tensors.Image(numbers)
    if image.form == "pil":
        array = numbers.permute(1, 2, 0).numpy()
        value = PIL.Image.fromarray(array if image.channels == 3 else array[:, :, 0])
    elif image.form == "float":
        value = tv_tensors.Image(numbers.float() / 255)
    if batched:
        value = value.as_subclass(torch.Tensor)
    target = torch.arange(BATCH) % CLASSES if batched else 1
    return {"input": value, "target": target}


def _applied(step: BuiltTransform, sample: dict[str, Any], number: int = 3, epoch: int = 1) -> list[Any]:
    return [view["input"] for view in step.each(copy.deepcopy(sample), Moment(epoch, number))]


def _target_fits(component: Any) -> None:
    try:
        component.infer_target("class_indices")
    except CheckFailed as failed:
        raise NotApplicable(f"it does not accept class indices as targets: {failed}") from None


@check()
def keeps_its_word(subject: Subject) -> None:
    """Its result is the declared one: form, channels, height, width, and the range of values."""
    component = subject.component()
    _target_fits(component)
    step = _step(component)
    for before, after in _accepted(component):
        for seed in range(3):
            for made in _applied(step, _sample(before, component, seed), number=seed):
                if after is not None:
                    wrong = _difference(made, after, batched=component.get_unit() == "batch")
                    assert not wrong, f"a {before} becomes {wrong}, but it declares {after}"


def _difference(made: Any, said: Image, *, batched: bool) -> str:
    """The facts that differ from the declared ones, in words; empty if none do."""
    if isinstance(made, PIL.Image.Image):
        form, channels, (width, height) = "pil", len(made.getbands()), made.size
        values = np.asarray(made).astype(float)
    elif isinstance(made, torch.Tensor):
        form = "uint8" if made.dtype == torch.uint8 else "float" if made.is_floating_point() else str(made.dtype)
        channels, height, width = made.shape[1:] if batched else made.shape
        values = made.double().numpy()
    else:
        return f"a {type(made).__name__}"
    facts = {"form": form, "channels": channels, "height": height, "width": width}
    wrong = [f"{name} {value}" for name, value in facts.items() if getattr(said, name) not in (None, value)]
    slack = 1e-5 * max(1.0, abs(said.high or 0.0), abs(said.low or 0.0))
    if said.low is not None and values.min() < said.low - slack:
        wrong.append(f"the value {values.min():g}")
    if said.high is not None and values.max() > said.high + slack:
        wrong.append(f"the value {values.max():g}")
    return ", ".join(wrong)


def _has_batch_form(subject: Subject) -> bool:
    try:
        return bool(subject.component().has_batch_form)
    except BaseException as error:  # a component may raise anything; another check reports it
        pass_interrupt(error)
        return False


@check(where=_has_batch_form)
def has_the_same_bits_in_a_batch(subject: Subject) -> None:
    """Its batch form returns for a stack of images the bits that it returns for each image alone."""
    component = subject.component()
    _target_fits(component)
    alone = _step(component)
    with reading_files():
        batched = BuiltTransform.of(component, _KEY, batch_form=True).batch_form
    assert batched is not None
    for before, _ in _accepted(component):
        samples = [_sample(before, component, seed) for seed in range(BATCH)]
        stacks = stacked_images(samples)
        assert stacks is not None
        made = batched(stacks["input"].clone()).as_subclass(torch.Tensor)
        expected = collate([{"input": image} for sample in samples for image in _applied(alone, sample)])
        assert torch.equal(made, expected["input"]), f"a batch of {before} differs from the images one by one"


@check()
def is_a_function_of_its_key(subject: Subject) -> None:
    """The same sample in the same epoch has the same result, in another epoch a different one if it is random."""
    component = subject.component()
    _target_fits(component)
    step = _step(component)
    before, _ = _accepted(component)[0]
    sample = _sample(before, component)
    first = _applied(step, sample)
    torch.manual_seed(99)  # only the key may matter
    np.random.seed(99)
    assert _equal(first, _applied(step, sample)), "its results differ for the same sample and epoch"
    assert _equal(first, _applied(_step(component), sample)), "it has state: a new one returns a different result"


@check()
def leaves_the_sample_alone(subject: Subject) -> None:
    """It returns a new image, and does not change its input."""
    component = subject.component()
    _target_fits(component)
    step = _step(component)
    for before, _ in _accepted(component):
        sample = _sample(before, component)
        kept = copy.deepcopy(sample)
        step.each(sample, Moment(1, 3))
        assert _equal([sample["input"]], [kept["input"]]), "it changes its input image"


@check()
def goes_to_other_processes(subject: Subject) -> None:
    """The built object can be pickled, and a copy has the same results: loader processes may get a copy."""
    component = subject.component()
    _target_fits(component)
    step = _step(component)
    again = pickle.loads(pickle.dumps(step))
    before, _ = _accepted(component)[0]
    sample = _sample(before, component)
    assert _equal(_applied(step, sample), _applied(again, sample)), "a copy of it returns a different result"


def _equal(first: list[Any], second: list[Any]) -> bool:
    return len(first) == len(second) and all(
        np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first, second, strict=True)
    )
