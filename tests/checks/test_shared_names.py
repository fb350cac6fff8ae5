"""An output of the model with the name of an entry of the samples is refused: a loss would compare it with itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

import registry_core
from registry_core.components import DataFacts, Dataset, Model, Transform
from registry_core.config.text.tree import read_text
from registry_core.diagnostics import BrokenComponent, DataError, PipelineError, Problem
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.loaded import load_tree
from registry_core.planning.make import make_plan

Names = tuple[str, ...]


class Rows(torch.utils.data.Dataset[Any]):
    def __init__(self, entries: Names) -> None:
        self.entries = entries

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {name: torch.full((4,), float(index)) for name in self.entries}


class Several(nn.Module):
    def __init__(self, names: Names) -> None:
        super().__init__()
        self.names, self.body = names, nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> Any:
        found = {name: self.body(x) for name in self.names}
        return found if len(found) > 1 else found[self.names[0]]


def same(sample: dict[str, Any]) -> dict[str, Any]:
    return {**sample, "mask": sample["input"]}


pytestmark = pytest.mark.usefixtures("own_session")


def problems(
    has: Names, outputs: Names, tells: Names | None = None, masks: Names = (), transforms: Any = (), batch: Any = ()
) -> list[Problem]:
    """The errors of a pipeline whose samples have these entries, of which the data set tells some, by validate."""
    try:
        make_plan(load_tree(tree_with(has, outputs, tells, masks, transforms, batch)))
    except PipelineError as error:
        return list(error.problems)
    return []


def tree_with(
    has: Names, outputs: Names, tells: Names | None, masks: Names = (), transforms: Any = (), batch: Any = ()
) -> Any:
    class Data(Dataset):
        def facts(self) -> DataFacts:
            return replace(DataFacts(length=8), entries=tells, masks=masks)

        def build(self) -> Any:
            return Rows(has)

    class Net(Model):
        pass

    Net.outputs = outputs
    Net.build = lambda self: Several(outputs)  # type: ignore[method-assign]  # as a declaration would

    class Adds(Transform):
        added_entries: ClassVar[Names] = ("mask",)

        def build(self) -> Any:
            return same

    class AddsToBatches(Adds):
        unit: ClassVar[Any] = "batch"

    for name, part in (("dataset/data", Data), ("model/named", Net), ("transform/adds", Adds)):
        registry_core.register(name, part)
    registry_core.register("transform/adds_to_batches", AddsToBatches)
    section = {"dataset": "data", "transforms": list(transforms), "batch_transforms": list(batch)}
    return read_text(
        json.dumps(
            {
                "version": 1,
                "data": {"train": section, "val": section, "batch_size": 4},
                "model": "named",
                "loss": {"weighted_sum": {"losses": [{"loss": "mse", "output": outputs[-1], "target": "target"}]}},
                "optim": {"optimizer": {"sgd": {"lr": 0.1}}},
                "train": {"max_steps": 1, "device": "cpu"},
            }
        ),
        "pipeline.json",
    )


PAIR = ("input", "target")


@pytest.mark.parametrize(
    "case",
    [
        {"has": PAIR, "outputs": ("target",), "tells": PAIR},
        {"has": PAIR, "outputs": ("target",)},
        {"has": PAIR, "outputs": ("output", "input"), "tells": PAIR},
        {"has": (*PAIR, "output"), "outputs": ("output",), "tells": (*PAIR, "output")},
        {"has": (*PAIR, "mask"), "outputs": ("output", "mask"), "tells": (*PAIR, "mask")},
        {"has": (*PAIR, "mask"), "outputs": ("output", "mask"), "masks": ("mask",)},
    ],
)
def test_an_output_is_no_entry(case: dict[str, Any]) -> None:
    (problem,) = problems(**case)
    assert problem.code == "shared-name"
    assert problem.keys == ("model",)
    assert repr(next(name for name in case["outputs"] if name in case["has"])) in problem.message


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"transforms": ["adds"]}, ("transforms", 0)),
        ({"transforms": [{"random_apply": {"transforms": ["adds"]}}]}, ("transforms", 0)),
        ({"batch": ["adds_to_batches"]}, ("batch_transforms", 0)),
    ],
)
@pytest.mark.parametrize("tells", [PAIR, None])
def test_entries_that_transforms_add_count(more: dict[str, Any], place: Any, tells: Names | None) -> None:
    (problem,) = problems(PAIR, ("output", "mask"), tells, **more)
    assert (problem.code, problem.keys) == ("shared-name", ("data", "train", *place))
    assert problems(PAIR, ("output", "other"), tells, **more) == []


def test_an_entry_that_is_not_told_is_found_with_the_first_batch(tmp_path: Path) -> None:
    plan = make_plan(load_tree(tree_with((*PAIR, "output"), ("output",), None)))
    found = dry_run(plan)
    assert {(problem.code, problem.keys) for problem in found.problems} == {("shared-name", ("model",))}
    with pytest.raises(DataError, match="'output' is both an output of the model 'named' and an entry") as raised:
        registry_core.train(plan, tmp_path / "run")
    assert raised.value.code == "shared-name"


@pytest.mark.parametrize(
    ("reads", "words"),
    [
        (("output", "output"), "The loss 'mse' compares 'output' with itself."),
        (("target", "target"), "The loss 'mse' compares 'target' with itself."),
        (("input", "target"), "The loss 'mse' reads 'input', 'target', but no output of the model, so nothing"),
    ],
)
def test_a_loss_compares_an_output_with_an_entry(reads: Names, words: str) -> None:
    tree = tree_with(PAIR, ("output",), PAIR)
    tree.data["loss"]["weighted_sum"]["losses"][0].update(output=reads[0], target=reads[1])
    with pytest.raises(PipelineError) as raised:
        load_tree(tree)
    (problem,) = raised.value.problems
    assert problem.code == "loss-input"
    assert problem.keys == ("loss", "weighted_sum", "losses", 0, "loss")
    assert problem.message.startswith(words)
    tree.data["loss"]["weighted_sum"]["losses"][0].update(output="output", target="input")
    assert {warning.code for warning in load_tree(tree).warnings} == {"same-data"}


class WithLoss(nn.Module):
    """A model that has a part called as parameters of losses begin."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> Any:
        return self.loss(x.flatten(1))


class Weighted(nn.CrossEntropyLoss):
    """A loss with a trained weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(10))


def test_a_parameter_of_the_model_is_none_of_the_loss(pipeline: Any, tmp_path: Path) -> None:
    """One of them would not be trained."""
    registry_core.register("model/with_loss", WithLoss)
    registry_core.register("loss/weighted", Weighted)
    loaded = registry_core.load(pipeline(model="with_loss", loss="weighted"))
    with pytest.raises(BrokenComponent, match=r"'loss\.weight' of the model has the name of a parameter of the loss"):
        registry_core.train(loaded, tmp_path / "run")
