"""The memory of a hook belongs to the hook, wherever it is in the list when the run is resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import Ended
from hypothesis import given
from hypothesis import strategies as st
from registry_builtin.hooks.run import Checkpoint, EarlyStopping, Progress

import registry_core
from registry_core.components import Hook
from registry_core.config.run_layout import pointed
from registry_core.engine.hook_memory import Owner, match

HOOKS = st.one_of(
    st.builds(Checkpoint, keep=st.integers(1, 3), best=st.sampled_from([None, "val/loss", "val/accuracy"])),
    st.builds(EarlyStopping, monitor=st.sampled_from(["val/loss", "val/accuracy"]), patience=st.integers(1, 2)),
    st.builds(Progress),
)


@given(st.lists(HOOKS, max_size=6).flatmap(lambda hooks: st.tuples(st.just(hooks), st.permutations(range(len(hooks))))))
def test_a_permuted_list_keeps_every_memory(drawn: tuple[list[Hook], list[int]]) -> None:
    """Each hook has the memory of one that is equal to it, and no memory is lost or used twice."""
    hooks, order = drawn
    saved = [Owner.of(hook) for hook in hooks]
    here = [saved[place] for place in order]
    found = match(here, saved)
    assert all(each.saved is not None and not each.reason for each in found)
    assert sorted(each.saved for each in found if each.saved is not None) == list(range(len(hooks)))
    for owner, each in zip(here, found, strict=True):
        assert each.saved is not None
        assert saved[each.saved].parameters == owner.parameters


@given(st.lists(HOOKS, max_size=5), st.lists(HOOKS, max_size=5))
def test_a_memory_goes_only_to_a_hook_that_it_fits(before: list[Hook], after: list[Hook]) -> None:
    saved = [Owner.of(hook) for hook in before]
    here = [Owner.of(hook) for hook in after]
    found = match(here, saved)
    used = [each.saved for each in found if each.saved is not None]
    assert len(used) == len(set(used))
    for owner, each in zip(here, found, strict=True):
        if each.saved is not None:
            assert saved[each.saved].name == owner.name
            assert not owner.changed(saved[each.saved].parameters)


def owners(*hooks: Hook) -> list[Owner]:
    return [Owner.of(hook) for hook in hooks]


def test_a_hook_that_watches_something_else_starts_anew_and_says_so() -> None:
    (found,) = match(owners(EarlyStopping(monitor="val/accuracy")), owners(EarlyStopping(monitor="val/loss")))
    assert found.saved is None
    assert found.reason.endswith(" starts anew: its monitor changed from 'val/loss' to 'val/accuracy'.")


def test_other_parameters_may_change() -> None:
    (found,) = match(owners(Checkpoint(keep=5, best="val/loss")), owners(Checkpoint(keep=1, best="val/loss")))
    assert (found.saved, found.reason) == (0, "")


def test_where_there_is_a_choice_hooks_start_anew() -> None:
    found = match(owners(Checkpoint(keep=5)), owners(Checkpoint(keep=1), Checkpoint(keep=2)))
    assert found[0].saved is None
    assert "the run had several such hooks" in found[0].reason


def test_an_inserted_hook_takes_no_memory(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """The best checkpoint of a run stays, though the hook that keeps it moves in the list."""
    keeping = {"checkpoint": {"every": "1 epoch", "keep": 1, "best": "val/accuracy"}}
    worse = {"optim": {"optimizer": {"sgd": {"lr": 20.0}}}}
    first = pipeline(train={"epochs": 2, "device": "cpu"}, hooks=[keeping], **worse)
    run = registry_core.train(registry_core.load(first), tmp_path / "run").directory
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    second = pipeline(train={"epochs": 4, "device": "cpu"}, hooks=["progress", "jsonl", keeping], **worse)
    registry_core.resume(run, registry_core.load(second))
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    best = max(rows, key=lambda row: (row["val/accuracy"], -row["step"]))["step"]
    chosen = pointed(run / "checkpoints", "best")
    assert chosen is not None
    assert chosen.name == f"step-{best:08d}"
    newest = rows[-1]["step"]
    assert {path.name for path in (run / "checkpoints").glob("step-*")} == {chosen.name, f"step-{newest:08d}"}


def test_two_checkpoint_hooks_have_two_bests_and_their_own_retention(
    pipeline: Callable[..., Path], tmp_path: Path, command: Callable[..., Ended]
) -> None:
    hooks: list[Any] = [
        {"checkpoint": {"best": "val/accuracy", "keep": 1}},
        {"checkpoint": {"best": "val/loss", "keep": 3}},
    ]
    path = pipeline(train={"epochs": 5, "device": "cpu"}, hooks=hooks)
    run = registry_core.train(registry_core.load(path), tmp_path / "run").directory
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [row["step"] for row in rows]
    accuracy = max(rows, key=lambda row: (row["val/accuracy"], -row["step"]))["step"]
    loss = min(rows, key=lambda row: (row["val/loss"], row["step"]))["step"]
    folder = run / "checkpoints"
    kept = {int(path.name.removeprefix("step-")) for path in folder.glob("step-*")}
    assert kept == {*steps[-3:], accuracy, loss}
    named = {name: pointed(folder, name) for name in ("best", "best-val-accuracy", "best-val-loss")}
    assert {name: int(path.name[5:]) for name, path in named.items() if path} == {
        "best": accuracy,
        "best-val-accuracy": accuracy,
        "best-val-loss": loss,
    }
    measured = command("eval", folder / "best-val-loss", "--json")
    assert json.loads(measured.out)["step"] == loss


def test_a_run_that_was_stopped_trains_nothing_until_it_is_told_to(
    pipeline: Callable[..., Path], tmp_path: Path, command: Callable[..., Ended]
) -> None:
    stopping = {"early_stopping": {"monitor": "val/loss", "patience": 2, "min_delta": 10.0}}
    path = pipeline(train={"epochs": 9, "device": "cpu"}, hooks=[stopping])
    stopped = registry_core.train(registry_core.load(path), tmp_path / "run")
    assert stopped.position.epoch == 3
    for _ in range(2):
        again = command("train", "--resume", stopped.directory)
        assert again.code == 0
        assert "The run was stopped at step 18: val/loss has not improved" in again.out
        assert "--go-on" in again.out
        assert len((stopped.directory / "metrics.jsonl").read_text().splitlines()) == 3
    on = command("train", "--resume", stopped.directory, "--go-on")
    assert on.code == 0, on.err
    assert len((stopped.directory / "metrics.jsonl").read_text().splitlines()) == 5  # new patience
