"""Specs that are made or changed in Python: checked as files are, and written so that a run can be read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from conftest import ROOT
from registry_builtin.losses.classes import CrossEntropy
from torch import nn

import registry_core
from registry_core.components import Loss
from registry_core.config import dump
from registry_core.config.models import Spec
from registry_core.diagnostics import PipelineError
from registry_core.registry import registries

DIGITS = ROOT / "examples" / "digits.yaml"


pytestmark = pytest.mark.usefixtures("own_session")


@pytest.fixture
def spec() -> Spec:
    return registry_core.load(DIGITS, ["train.epochs=1", "train.max_steps=2", "train.device=cpu", "hooks=[]"]).spec


def changed(spec: Any, **values: Any) -> Any:
    """A copy whose values may be inside sections, as in ``train__epochs``, none of which pydantic validates."""
    for key, value in values.items():
        outer, _, inner = key.partition("__")
        value = changed(getattr(spec, outer), **{inner: value}) if inner else value
        spec = spec.model_copy(update={outer: value})
    return spec


class Own(CrossEntropy):
    """A loss that nobody registered."""


class Bare(Loss):
    """Another."""

    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"


MSE = registries.losses["mse"]

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a number as a text": ({"train__epochs": "3"}, "train.epochs: Expected a whole number, not '3'."),
    "a number that is too small": ({"train__epochs": 0}, "train.epochs: 0 must be at least 1."),
    "a choice": ({"train__device": "gpu"}, "train.device: 'gpu' is not one of 'auto', 'cpu'"),
    "a misspelt key": ({"train__epoch": 3}, "train.epoch: The key 'epoch' is unknown here. Did you mean 'epochs'?"),
    "nothing": ({"data": None}, "data: Expected a mapping, not null."),
    "a parameter": ({"loss__label_smoothing": 2.0}, "loss.cross_entropy.label_smoothing: 2.0 must be at most 1."),
    "no parameter": ({"loss__name": "x"}, "loss.cross_entropy.name: The loss 'cross_entropy' has no parameter 'name'."),
    "a class": ({"loss": MSE}, "loss: Expected a loss: a name, or one name with its parameters, not <class "),
    "a module": ({"loss": nn.MSELoss()}, "loss: Expected a loss: a name, or one name with its parameters, not MSELoss"),
    "another kind": (
        {"loss": registries.metrics["accuracy"]()},
        "loss: The loss 'accuracy' is unknown. 'accuracy' is a metric; put a loss here.",
    ),
    "what does not fit": ({"loss": MSE()}, "loss: This loss expects values"),
    "a class of one's own": (
        {"loss": Own()},
        "loss: Own is a loss that is not registered, so the run could not be read again. Register it before the spec "
        "is used: registry_core.register('loss/own', Own). [unknown-component]",
    ),
    "one of one's own in a list": ({"metrics": (Bare(),)}, "metrics[0]: Bare is a loss that is not registered"),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_a_file_could_not_say_is_refused(mistake: str, spec: Spec, tmp_path: Path) -> None:
    changes, words = REFUSED[mistake]
    wrong = changed(spec, **changes)
    said = [str(problem) for problem in registry_core.check(wrong)]
    assert len(said) == 1
    assert said[0].startswith(words), said
    for function in (registry_core.plan, lambda each: registry_core.train(each, tmp_path / "run")):
        with pytest.raises(PipelineError) as raised:
            function(wrong)
        assert str(raised.value) == said[0]
    assert not (tmp_path / "run").exists()


def test_all_mistakes_are_told_at_once(spec: Spec) -> None:
    wrong = changed(spec, train__epochs=0, loss=Own(), data__batch_size="many", metrics=("accuracies",))
    found = {problem.path for problem in registry_core.check(wrong)}
    assert found == {"train.epochs", "loss", "data.batch_size", "metrics[0]"}


def test_warnings_are_told_as_of_a_file(spec: Spec, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert registry_core.check(spec) == ()
    same = changed(spec, data__val__dataset=spec.data.train.dataset)
    (warning,) = registry_core.check(same)
    (of_file,) = registry_core.load(DIGITS, ["data.val.dataset.digits.split=train", "hooks=[]"]).warnings
    assert warning == of_file._replace(place=None)
    registry_core.train(same, tmp_path / "first")
    assert capsys.readouterr().err == f"{warning}\n"
    told: list[str] = []
    registry_core.train(same, tmp_path / "second", tell=told.append)
    assert told == [str(warning)]


def test_a_run_of_a_changed_spec_can_be_read_again(spec: Spec, tmp_path: Path) -> None:
    """Whether its components were looked up, imported, or written as in a file."""
    made = changed(
        spec,
        loss=CrossEntropy(label_smoothing=0.5),
        metrics=[registries.metrics["accuracy"](), "top_k_accuracy"],
        optim__optimizer=registries.optimizers["sgd"](lr=0.5).model_copy(update={"momentum": 0.25}),
    )
    run = registry_core.train(made, tmp_path / "run").directory
    written = json.loads((run / "pipeline.json").read_text())
    assert list(written["loss"]) == ["cross_entropy"]
    assert written["loss"]["cross_entropy"]["label_smoothing"] == 0.5
    assert [next(iter(metric)) for metric in written["metrics"]] == ["accuracy", "top_k_accuracy"]
    assert written["optim"]["optimizer"]["sgd"]["momentum"] == 0.25
    assert registry_core.resume(run, changed(made, hooks=())).position.step == 2
    assert registry_core.evaluate(run)["samples"] == 359


def test_what_is_registered_may_be_of_ones_own(spec: Spec, tmp_path: Path) -> None:
    registry_core.register("loss/own", Own)
    run = registry_core.train(changed(spec, loss=Own(label_smoothing=0.5)), tmp_path / "run").directory
    assert list(json.loads((run / "pipeline.json").read_text())["loss"]) == ["own"]
    assert registry_core.resume(run).position.step == 2


def test_a_name_that_is_claimed_twice_is_written_with_its_distribution(
    spec: Spec, distribution: Callable[..., Path]
) -> None:
    smooth = CrossEntropy(label_smoothing=0.5)
    registry_core.register("loss/cross_entropy", Own)
    assert list(dump(changed(spec, loss=smooth))["loss"]) == ["registry-core:cross_entropy"]
    assert list(dump(changed(spec, loss=Own()))["loss"]) == ["this session:cross_entropy"]
    assert list(dump(spec)["loss"]) == ["registry-core:cross_entropy"], "though it was loaded by its name alone"
    preferring = changed(spec, loss=smooth, prefer={"loss/cross_entropy": "this session"})
    assert list(dump(preferring)["loss"]) == ["registry-core:cross_entropy"]
    assert list(dump(changed(preferring, loss=Own()))["loss"]) == ["cross_entropy"]
    for each in (changed(spec, loss=smooth), preferring):
        assert type(registry_core.plan(each).spec.loss) is CrossEntropy
