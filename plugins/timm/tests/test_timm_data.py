"""The data of the package agrees with the installed timm."""

# A test's name says what it shows.
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import timm
from timm.optim import list_optimizers  # type: ignore[attr-defined]  # timm re-exports it implicitly

from registry_core import registries

FOLDER = Path(__file__).parent.parent
DATA = json.loads((FOLDER / "registry_core_timm" / "data" / "models.json").read_text())


@pytest.fixture(scope="module")
def making() -> Any:
    """Import the script that generates the data."""
    sys.path.insert(0, str(FOLDER))
    import make_index

    yield make_index
    sys.path.remove(str(FOLDER))


newest = pytest.mark.skipif(timm.__version__ != DATA["timm"], reason=f"the data was generated from timm {DATA['timm']}")


@newest
def test_the_data_are_what_the_script_writes(making: Any) -> None:
    for path, text in making.contents(making.known()).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run make_index.py"


@newest
def test_every_model_and_optimizer_of_timm_is_offered_or_left_out_with_a_reason(making: Any) -> None:
    measured = making.known()
    assert set(measured) == set(timm.list_models())
    unfit = {name for name, found in measured.items() if isinstance(found, str)}
    assert {name for name in registries.models if name.startswith("timm_")} == {
        f"timm_{name}" for name in set(measured) - unfit
    }
    assert all(name.endswith("_enc") for name in unfit), unfit  # encoders of language models, without a pooled output
    assert len(unfit) == 7
    names: list[Any] = list_optimizers()
    left_out = {name for name in names if f"timm_{name}" not in registries.optimizers}
    assert {name for name in left_out if not name.startswith(("bnb", "fused"))} == {
        *("adahessian", "kron", "kronc", "kronw")
    }


@newest
@pytest.mark.parametrize(
    "name", ["resnet18", "vit_tiny_patch16_224", "vit_base_patch16_clip_224", "efficientnet_b1_pruned"]
)
def test_what_was_measured_is_measured_again(making: Any, name: str) -> None:
    assert list(making.measure(name)) == making.known()[name]


def test_every_declaration_accepts_its_own_defaults() -> None:
    """Check one model of each constructor and set of defaults."""
    seen = set()
    for name, (constructor, facts, own, *_) in DATA["models"].items():
        if (constructor, facts, len(own)) in seen:
            continue
        seen.add((constructor, facts, len(own)))
        declared = registries.models[f"timm_{name}"]
        defaults = {key: field.default for key, field in declared.model_fields.items()}
        assert declared.model_validate(defaults).arguments()["name"] == name
        assert all(field.description and field.description.endswith(".") for field in declared.model_fields.values())


def test_every_model_has_the_parameters_that_all_should_have() -> None:
    for constructor, *_ in DATA["models"].values():
        named = DATA["constructors"][constructor]
        assert {"num_classes", "in_chans"} - set(named["parameters"]) <= (
            {"in_chans"} if named["class"].endswith(":CSATv2") else set()
        ), named["class"]


def test_looking_a_model_up_imports_neither_timm_nor_torch() -> None:
    code = """
import sys
from registry_core import registries
registries.models["timm_resnet18"](num_classes=10).check_input
registries.optimizers["timm_lion"](lr=0.1)
registries.schedulers["timm_cosine"]()
assert not {"torch", "timm", "numpy"} & set(sys.modules), sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_index_says_what_a_model_is() -> None:
    record = registries.models.record("timm_resnet18")
    assert record.summary == "ResNet of timm with 11.7 million parameters: 1,000 classes from images of 3 x 224 x 224."
