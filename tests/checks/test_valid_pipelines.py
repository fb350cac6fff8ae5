"""No false alarms, and nothing missed: pipelines that are valid by construction validate and train.

What they leave is read back: the pipeline of the run is the one that was trained, and it is resumed and evaluated.

REGISTRY_EXAMPLES=50 draws so many of each component, at random; the default is few, and the same in every run.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import distributions
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from valid_cases import make_files
from valid_pipelines import pipelines

import registry_core
from registry_core.catalog import KINDS, installed
from registry_core.config import Spec
from registry_core.config.loading.resolve import components
from registry_core.loaded import load

pytestmark = pytest.mark.exhaustive

EXAMPLES = int(os.environ.get("REGISTRY_EXAMPLES", "0"))
"""How many pipelines of each component are drawn; 0: two, always the same."""

COMPONENTS = sorted(
    f"{record.kind}/{record.name}"
    for kind in KINDS
    for record in installed().of_kind(kind)
    if record.distribution == "registry-core"
)

SOUNDING = '''
import torch
from registry_builtin.objects.digits import Digits
from registry_core.components import DataFacts, Dataset, Image

class Sounding(Dataset):
    """Digits with a sound, which no data set of registry-core has."""
    target = "sounding_digits:Read"
    split: str
    def facts(self):
        entries = ("input", "target", "audio", "sample_rate")
        return DataFacts(12, Image("pil", 1, 8, 8), 10, target_form="class_indices", entries=entries)

class Read:
    def __init__(self, split):
        self.digits = Digits(split)
        self.targets = self.digits.targets[:12]
    def __len__(self): return 12
    def __getitem__(self, index):
        return {**self.digits[index], "audio": torch.linspace(-1, 1, 100), "sample_rate": 8000}
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the files of data sets; a data set with sounds is installed."""
    made = tmp_path_factory.mktemp("files")
    make_files(made)
    with distributions(tmp_path_factory.mktemp("sounding")) as distribution:
        entry_point = "[registry_core.v1.datasets]\nsounding = sounding_digits:Sounding\n"
        distribution("sounding", entry_point, modules={"sounding_digits": SOUNDING})
        yield made


def trained(pipeline: dict[str, Any]) -> set[str]:
    """The components of a pipeline that validates without an error or warning, trains two steps, and is read back."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.json"
        path.write_text(json.dumps(pipeline))
        loaded = load(path)
        spec = loaded.spec
        result = registry_core.train(spec, Path(folder) / "run")
        read_back(result.directory, spec)
    assert result.position.step == 2
    assert [str(each) for each in loaded.warnings] == []
    assert result.summary["hook_errors"] == []
    assert math.isfinite(result.metrics.get("val/loss", 0.0)), result.metrics
    return {f"{component.kind}/{component.name}" for component in components(spec)}


def read_back(run: Path, spec: Spec) -> None:
    """The run directory has the very spec, and the run can be resumed and evaluated."""
    assert load(run / "pipeline.json", fresh=False).spec == spec
    assert registry_core.resume(run).position.step == 2
    measured = registry_core.evaluate(run)
    assert measured["step"] == 2
    assert all(math.isfinite(value) for name, value in measured.items() if name.endswith("/loss"))


@pytest.mark.filterwarnings("ignore")  # what torch and others warn of is looked at where each component is tested
@pytest.mark.parametrize("component", COMPONENTS)
def test_what_is_valid_by_construction_validates_and_trains(component: str, folder: Path) -> None:
    """Every component is in pipelines of its own, of random parameters, among random others."""

    @settings(
        max_examples=EXAMPLES or 2,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        pipeline = data.draw(pipelines(folder, component))
        try:
            found = trained(pipeline)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error}\n{json.dumps(pipeline)}") from error
        assert component in found

    check()
