"""The state of every component is looked at before the first step, and what can be saved continues bit for bit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Ended, distributions
from reliability.outcome import bits

import registry_core
from registry_core.diagnostics import BrokenComponent, CheckpointError
from registry_core.engine.checkpoint.store import newest

PARTS = '''
import datetime, math, threading
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim import SGD
from torch.optim.lr_scheduler import ExponentialLR, LRScheduler
from registry_core.components import hookimpl


class Table(LRScheduler):
    """Rates from a table, which it keeps with what it has seen."""

    def __init__(self, optimizer, total: int = 12):
        self.table = np.linspace(1, 0.1, total + 1)
        self.seen, self.made, self.best = {-1}, datetime.date(2020, 1, 2), math.inf
        self.curves = [math.cos, {"power": pow, "times": 0}]
        super().__init__(optimizer)

    def get_lr(self):
        self.seen.add(self.last_epoch)
        self.curves[1]["times"] += 1
        at = min(len(self.seen) + self.curves[1]["times"], len(self.table) - 1)
        return [base * float(self.table[at]) * self.curves[0](0.0) for base in self.base_lrs]


class Nested(LRScheduler):
    """Asks another schedule, which it keeps."""

    def __init__(self, optimizer):
        self.inner = ExponentialLR(optimizer, 0.9)
        super().__init__(optimizer)

    def get_lr(self):
        return [group["lr"] for group in self.optimizer.param_groups]


class Traced(SGD):
    """Keeps an object for each parameter from its first step on."""

    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["trace"] = threading.Lock()
        return super().step(closure)


class Converted(Traced):
    """Keeps such objects, which its saved state does not have."""

    def state_dict(self):
        found = super().state_dict()
        return {**found, "state": {index: {"traced": True} for index in found["state"]}}

    def load_state_dict(self, saved):
        super().load_state_dict({**saved, "state": {index: {"trace": None} for index in saved["state"]}})


class Extra(nn.Module):
    """A layer with extra state, a sparse buffer and complex weights."""

    def __init__(self, note: str = "data"):
        super().__init__()
        self.body, self.note, self.calls = nn.Linear(64, 10), note, {"calls": 0}
        self.phase = nn.Parameter(torch.tensor([1 + 1j] * 10, dtype=torch.complex128))
        self.register_buffer("mask", torch.eye(10).to_sparse())

    def get_extra_state(self):
        return threading.Lock() if self.note == "lock" else self.calls

    def set_extra_state(self, state):
        self.calls = dict(state)

    def forward(self, x):
        self.calls["calls"] += self.training
        return (self.body(x.flatten(1)) * self.phase.abs()).float()


class Scaled(nn.Module):
    """A loss with extra state of its own."""

    def get_extra_state(self):
        return {"lock": threading.Lock()}

    def set_extra_state(self, state): ...

    def forward(self, output, target):
        return functional.cross_entropy(output, target)


class Keeping:
    """Keeps what it is told to, from the start of the run or from its first row."""

    def __init__(self, what: str = "lock", late: bool = False):
        self.what, self.late, self.kept = what, late, None

    @hookimpl
    def run_started(self, run):
        if self.kept is None:
            self.kept = [] if self.late else [self._made()]

    @hookimpl
    def metrics_measured(self, row):
        self.kept.append(self._made())

    def _made(self):
        return {"lock": threading.Lock, "array": lambda: np.ones(3), "seen": lambda: {1, 2}}[self.what]()

    def state_dict(self):
        return {"best": {"kept": self.kept}}

    def load_state_dict(self, state):
        self.kept = state["best"]["kept"]


class Failing(Keeping):
    """Has no state at all."""

    def state_dict(self):
        return {"missing": self.missing}
'''
POINTS = """
[registry_core.v1.schedulers]
table = saved_parts:Table
nested = saved_parts:Nested
[registry_core.v1.optimizers]
traced = saved_parts:Traced
converted = saved_parts:Converted
[registry_core.v1.models]
extra = saved_parts:Extra
[registry_core.v1.losses]
scaled = saved_parts:Scaled
[registry_core.v1.hooks]
keeping = saved_parts:Keeping
failing = saved_parts:Failing
"""


@pytest.fixture(scope="module", autouse=True)
def _parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with distributions(tmp_path_factory.mktemp("saved")) as make:
        make("saved-parts", POINTS, modules={"saved_parts": PARTS})
        yield


SAVED: dict[str, str] = {
    "schedule": "optim.scheduler={table: {by: step}}",
    "optimizer": "optim.optimizer={converted: {lr: 0.1}}",
    "model": "model=extra",
    "hook": "hooks=[{keeping: {what: array}}, {keeping: {what: seen, late: true}}]",
}


@pytest.mark.parametrize("name", SAVED)
def test_a_run_with_such_a_state_continues_bit_for_bit(name: str, run: Callable[..., Any]) -> None:
    option = SAVED[name]
    every = "{checkpoint: {every: 2 steps, keep: 9}}"
    hooks = option[:-1] + f", {every}]" if option.startswith("hooks=") else f"hooks=[{every}]"
    whole = run(option, hooks, "train.max_steps=6", "train.log_every=1 step", "train.evaluate_every=2 steps")
    expected, rows = _state(whole.directory), (whole.directory / "metrics.jsonl").read_bytes()
    for step in (4, 6):
        shutil.rmtree(whole.directory / "checkpoints" / f"step-{step:08d}")
    resumed = registry_core.resume(whole.directory)
    assert resumed.summary["resumed_from_step"] == 2
    assert resumed.summary["guarantee"] == "exact"
    assert _state(resumed.directory) == expected
    assert (resumed.directory / "metrics.jsonl").read_bytes() == rows
    assert registry_core.evaluate(resumed.directory)["val/loss"] == whole.metrics["val/loss"]


def _state(directory: Path) -> Any:
    _, (weights, state, _) = newest(directory / "checkpoints", None, pytest.fail)
    listed = {part: {name: values[name] for name in sorted(values)} for part, values in weights.items()}
    return bits((listed, state["torch"], state["hooks"]))


REFUSED = {
    "optim.scheduler": ("nested", "scheduler 'nested' of saved-parts 1.0", "inner is an ExponentialLR"),
    "optim.optimizer": ("{traced: {lr: 0.1}}", "optimizer 'traced' of saved-parts 1.0", "state[0].trace is a lock"),
    "model": ("{extra: {note: lock}}", "model 'extra' of saved-parts 1.0", "_extra_state is a lock"),
    "loss": ("scaled", "loss 'scaled' of saved-parts 1.0", "_extra_state'].lock is a lock"),
    "hooks": ("[progress, keeping]", "hook 'keeping'", "best.kept[0] is a lock"),
}


@pytest.mark.parametrize("keys", REFUSED)
def test_what_cannot_be_saved_is_said_before_the_first_step(
    keys: str, pipeline: Callable[..., Path], command: Callable[..., Ended], tmp_path: Path
) -> None:
    value, owner, said = REFUSED[keys]
    ended = command("train", pipeline(), "--set", f"{keys}={value}", "--out", tmp_path / "run")
    assert ended.code == 3
    place = "hooks[1]" if keys == "hooks" else keys
    assert f"{place}: " in ended.err
    assert f"The state of the {owner} cannot be saved in a checkpoint: " in ended.err
    assert f"{said}. Keep " in ended.err
    assert "[unsavable-state]" in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "run" / "metrics.jsonl").exists()
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        *((keys, []) for keys in ("optim.scheduler", "optim.optimizer", "model", "loss")),
        *((keys, ["--on", "meta"]) for keys in ("optim.scheduler", "optim.optimizer", "loss")),  # eye() needs values
    ],
)
def test_the_dry_run_says_the_same(
    keys: str, where: list[str], pipeline: Callable[..., Path], command: Callable[..., Ended]
) -> None:
    ended = command("validate", pipeline(), "--set", f"{keys}={REFUSED[keys][0]}", "--deep", *where, "--json")
    assert ended.code == 3, ended
    (problem,) = [each for each in json.loads(ended.out)["problems"] if each["severity"] == "error"]
    assert (problem["code"], problem["path"]) == ("unsavable-state", keys)


def test_a_hook_has_no_state_before_the_run(pipeline: Callable[..., Path], command: Callable[..., Ended]) -> None:
    """Hooks are not called in a dry run, and some begin their state when the run starts."""
    assert command("validate", pipeline(), "--set", "hooks=[keeping]", "--deep").code == 0


def test_a_hook_that_fails_to_tell_its_state_is_named(run: Callable[..., Any]) -> None:
    with pytest.raises(BrokenComponent, match=r"hook 'failing' of saved-parts 1.0 failed in state_dict: Attr") as error:
        run("hooks=[failing]")
    assert error.value.keys == ("hooks", 0)


def test_what_comes_later_is_named_with_its_place(run: Callable[..., Any]) -> None:
    with pytest.raises(CheckpointError, match=r"best\.kept\[0\] is a lock"):
        run("hooks=[{keeping: {late: true}}]")


def test_the_test_states_are_looked_at_without_a_step(run: Callable[..., Any]) -> None:
    """The random generators are left alone, so a run has the bits that it has without the look."""
    first, second = run(), run("hooks=[{keeping: {what: array}}]")
    assert all(
        torch.equal(*pair)
        for pair in zip(
            first.pipeline.model.state_dict().values(), second.pipeline.model.state_dict().values(), strict=True
        )
    )
