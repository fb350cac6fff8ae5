"""Loading, planning and assembly of a pipeline analyse each section once, and everything else once a pipeline."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from conftest import ROOT
from example_files import EXAMPLES, overrides_of

import registry_core
from registry_core.assembly.pipeline import assemble
from registry_core.components import Dataset, Transform

PACKAGE = Path(registry_core.__file__).parent

ONCE_A_SECTION = {
    "sections.look_at",
    "sections.analyse_section",
    "samples.way_of",
    "lengths.samples_in_epoch",
    "lengths.batches_in_epoch",
}
ONCE_A_PIPELINE = {
    "analysis.analyse",
    "lengths.horizon_of",
    "measured.metric_names",
    "measured.watchers",
    "model.analyse_terms",
    "weights.analyse_weights",
    "stored_weights.stored_weights",
    "analysis.Analysis.run_facts",
    "analysis.Analysis.rules",
    "rules.RuleAnalysis.init_errors",
    "rules.RuleAnalysis.group_errors",
    "model.ModelAnalysis.layers",
    "model.ModelAnalysis.modules",
}


@contextmanager
def calls_counted(of: Callable[[Any], str | None]) -> Iterator[Counter[str]]:
    """Count the calls of Python functions under the name that ``of`` returns for their code objects."""
    counts: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and (name := of(frame.f_code)) is not None:
            counts[name] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield counts
    finally:
        sys.setprofile(before)


def of_analysis(code: Any) -> str | None:
    """The name of a function of the analysis: ``module.function``."""
    path = Path(code.co_filename)
    return f"{path.stem}.{code.co_qualname}" if path.parent == PACKAGE / "analysis" else None


def _loaded(example: Path, mnist: Path | None) -> registry_core.Loaded:
    return registry_core.load(example, overrides_of(example, mnist))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_each_analysis_is_made_once(example: Path, mnist: Path | None) -> None:
    assemble(registry_core.plan(_loaded(example, mnist)))  # imports and registries are not counted
    with calls_counted(of_analysis) as counts:
        loaded = _loaded(example, mnist)
        plan = registry_core.plan(loaded)
        assemble(plan)
    sections = len(loaded.spec.data.sections())
    assert {name: counts[name] for name in ONCE_A_SECTION} == dict.fromkeys(ONCE_A_SECTION, sections)
    too_often = {name: counts[name] for name in ONCE_A_PIPELINE if counts[name] > 1}
    assert not too_often
    assert counts["analysis.analyse"] == counts["model.analyse_terms"] == 1


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_each_transform_and_data_set_is_asked_once_by_the_analysis(
    example: Path, mnist: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = _loaded(example, mnist)
    asked: Counter[str] = Counter()

    def follow(cls: type[Any], name: str) -> None:
        original = cls.__dict__[name]

        def counted(self: Any, *arguments: Any) -> Any:
            if sys._getframe(1).f_code.co_filename.startswith(str(PACKAGE)):
                asked[f"{type(self).__name__}.{name}"] += 1
            return original(self, *arguments)

        monkeypatch.setattr(cls, name, counted)

    transforms = [passage.transform for section in loaded.analysis.sections.values() for passage in section.passages]  # type: ignore[union-attr]  # it was loaded with its data
    datasets = [section.dataset for section in loaded.spec.data.sections().values()]
    for base, methods in ((Transform, ("infer_image", "infer_target")), (Dataset, ("facts",))):
        for cls in {type(each) for each in (*transforms, *datasets) if isinstance(each, base)}:
            for method in methods:
                if method in cls.__dict__:
                    follow(cls, method)
    again = _loaded(example, mnist)
    assemble(registry_core.plan(again))
    expected: Counter[str] = Counter()
    for transform in transforms:
        expected[f"{type(transform).__name__}.infer_target"] += 1
        expected[f"{type(transform).__name__}.infer_image"] += 1
    for dataset in datasets:
        expected[f"{type(dataset).__name__}.facts"] += 1
    assert {name: (count, expected[name]) for name, count in asked.items() if count > expected[name]} == {}
    assert any(name.endswith(".facts") for name in asked)


def test_a_change_of_the_spec_is_analysed_anew(tmp_path: Path) -> None:
    loaded = registry_core.load(ROOT / "examples" / "digits.yaml")
    spec = loaded.spec
    smaller = spec.data.model_copy(update={"train": spec.data.val, "batch_size": 16})
    changed = spec.model_copy(update={"data": smaller, "train": spec.train.model_copy(update={"epochs": 1})})
    plan = registry_core.plan(changed)
    samples = plan.sections["train"].facts.length
    assert samples == registry_core.plan(loaded).sections["val"].facts.length != 1438
    assert f"{samples}" in str(plan)
    result = registry_core.train(changed, tmp_path)
    assert result.position.step == -(-samples // 16)
