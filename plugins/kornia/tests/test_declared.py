"""Compare the declarations with the signatures of kornia: augmentations, parameters and defaults."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import ALL, CLASSES
from kornia.augmentation.base import _BasicAugmentationBase
from torch.utils._python_dispatch import TorchDispatchMode

from registry_core import registries
from registry_core.diagnostics import BrokenComponent

NAMES = sorted(name for name in registries.transforms if name.startswith("kornia_"))
LEFT_OUT = {"kornia_random_dissolving"}
"""It downloads a diffusion model."""
PLUMBING = {"self", "keepdim", "data_keys", "transformation_matrix_mode", "kwargs"}
"""Parameters of the kornia classes for other ways to call them."""
NOT_OFFERED = {
    "kornia_random_clahe": {"slow_and_differentiable"},
    "kornia_random_horizontal_flip": {"p_batch"},
    "kornia_random_vertical_flip": {"p_batch"},
    "kornia_random_cut_mix_v2": {"use_correct_lambda"},
    "kornia_random_mosaic": {"min_bbox_size", "padding_mode", "resample", "align_corners", "cropping_mode"},
    "kornia_rand_augment": {"policy"},
    "kornia_trivial_augment": {"policy"},
}
README = Path(__file__).parents[1] / "README.md"


def test_every_augmentation_of_kornia_is_there() -> None:
    offered = {
        name
        for name, found in CLASSES.items()
        if inspect.isclass(found)
        and not re.search("3_d|base|sequential|dispather|operation", name)
        and (issubclass(found, _BasicAugmentationBase) or found.__module__.startswith("kornia.augmentation.auto"))
    }
    assert set(NAMES) == offered - LEFT_OUT
    assert {case.name for case in ALL} == set(NAMES), "each one is tested"


@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_defaults_are_those_of_kornia(name: str) -> None:
    signature = inspect.signature(CLASSES[name].__init__).parameters
    fields = registries.transforms[name].model_fields
    own = {"num_classes", "mask_fill"} & set(fields)
    assert set(fields) - own == set(signature) - PLUMBING - NOT_OFFERED.get(name, set())
    for parameter in set(fields) - own:
        default = signature[parameter].default
        assert fields[parameter].is_required() == (default is inspect.Parameter.empty), parameter
        if default is not inspect.Parameter.empty:
            assert fields[parameter].default == plain(default), parameter


def plain(value: Any) -> Any:
    """Return a default of kornia as it is written in a file."""
    if isinstance(value, Enum):
        return value.name.lower()
    return value.lower() if isinstance(value, str) and value.isupper() else value


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_described_in_sentences(name: str) -> None:
    declaration = registries.transforms[name]
    assert declaration.summary().endswith((".", "`."))
    assert "kornia.augmentation" in (declaration.__doc__ or "")
    for parameter, field in declaration.model_fields.items():
        words = field.description or ""
        assert words[:1].isupper(), parameter
        assert words.endswith("."), parameter
    registries.transforms[name](**declaration.example)


def test_declaring_imports_neither_torch_nor_kornia() -> None:
    code = (
        "import sys; from registry_core import registries; "
        "names = [n for n in registries.transforms if n.startswith('kornia_')]; "
        "found = [registries.transforms[n].infer_image for n in names]; "
        "print(len(found), [m for m in ('torch', 'kornia', 'numpy') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == f"{len(NAMES)} []\n"


def test_the_readme_says_what_is_left_out() -> None:
    text = README.read_text()
    assert all(CLASSES[name].__name__ in text for name in LEFT_OUT)


class Draws(TorchDispatchMode):
    """Records random operations of torch and the devices on which they draw."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.found.append((str(func), result.device.type))
        return result


@pytest.mark.parametrize("case", [case for case in ALL if "transplantation" not in case.name], ids=str)
def test_all_numbers_are_drawn_on_the_processor_before_pixels_are_touched(case: Any) -> None:
    """Parameters are drawn from the shape alone, on the CPU; with them, nothing else is drawn.

    Nothing can therefore be drawn from the generator of another device.
    """
    module = case.declared.build().module
    with Draws() as drawing:
        params = module.forward_parameters(torch.Size(case.shape))
    assert {device for _, device in drawing.found} <= {"cpu"}
    images = case.images()
    with Draws() as applying, torch.no_grad():
        module(images, params=params)
    assert applying.found == []


@pytest.mark.parametrize("case", ALL, ids=str)
def test_numbers_come_from_torch_alone(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import random

    import numpy as np

    def before() -> tuple[Any, Any]:
        return random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # the tuple form of the state

    state = before()
    maps = torch.zeros(case.shape[0], *case.shape[2:], dtype=torch.int64)
    vectors = torch.zeros(case.shape[0], dtype=torch.int64)
    needs_maps = "mosaic" in case.name or "transplantation" in case.name
    case.declared.build()({"input": case.images(), "target": maps if needs_maps else vectors})
    assert before() == state


def test_an_older_kornia_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry_core_kornia.declaring.version", lambda _: "0.8.3")
    with pytest.raises(
        BrokenComponent, match=r"requires kornia 0\.9 or newer, but 0\.8\.3 is installed\. .*pip install"
    ):
        ALL[0].declared.build()
