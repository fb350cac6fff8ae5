"""The data of the package agrees with the installed version of pytorch_optimizer."""

# A test's name says what it shows.
from __future__ import annotations

import importlib.util
import inspect
import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytorch_optimizer import get_supported_optimizers
from pytorch_optimizer.optimizer import OPTIMIZERS

from registry_core.registry import registries

HERE = Path(__file__).parent.parent
NAMES = sorted(name for name in registries.optimizers if name.startswith("pytorch_optimizer_"))


@pytest.fixture(scope="module")
def make_index() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_index_of_pytorch_optimizer", HERE / "make_index.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_files_are_those_of_the_installed_version(make_index: Any) -> None:
    for path, text in make_index.contents().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run make_index.py"


def test_every_optimizer_of_the_library_is_listed_or_left_out_with_a_reason(make_index: Any) -> None:
    listed = {name.removeprefix("pytorch_optimizer_") for name in NAMES}
    left_out = set(make_index.left_out())
    assert listed | left_out == set(get_supported_optimizers())
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    assert [name for name in sorted(left_out) if f"`{name}`" not in readme] == []
    assert f"{len(listed)} optimizers" in readme


@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_those_of_the_signature(name: str) -> None:
    declaration: Any = registries.optimizers[name]
    made = OPTIMIZERS[name.removeprefix("pytorch_optimizer_")]
    signature = inspect.signature(made).parameters
    of_its_base = {"lr", "betas", "eps", "weight_decay"} if name == "pytorch_optimizer_magma" else set()
    extra = {*declaration.group_keys, *of_its_base}
    for key, field in declaration.model_fields.items():
        if key in extra:
            continue
        given = signature[key].default
        if field.is_required():
            assert given is inspect.Parameter.empty or (key, given) == ("lr", None)
        else:
            assert (math.inf if key == "growth_rate" else field.default) == given
        assert field.description
        assert field.description.endswith(".")


def test_summaries_are_sentences_and_name_no_other_file() -> None:
    for name in NAMES:
        declaration: Any = registries.optimizers[name]
        record = registries.optimizers.record(name)
        assert record.summary == declaration.summary()
        assert record.summary.endswith(".")
        declaration(**declaration.example)


def test_declaring_imports_neither_torch_nor_the_library() -> None:
    code = (
        "import sys\n"
        "from registry_core.registry import registries\n"
        "registries.optimizers['pytorch_optimizer_soap'](lr=0.1)\n"
        "print([name for name in ('torch', 'pytorch_optimizer') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
