"""Batches are those of torch's own DataLoader over the same order."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data._utils import signal_handling

import registry_core
from registry_core import load
from registry_core.assembly.data import workers
from registry_core.assembly.pipeline import assemble
from registry_core.diagnostics import RunError
from registry_core.engine.trained import TrainedModel, evaluate
from registry_core.planning.make import make_plan


@pytest.mark.covers("section/data", reference="torch.utils.data.DataLoader")
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 50, 359])
def test_batches_are_those_of_torchs_loader(pipeline: Callable[..., Path], batch_size: int, drop_last: bool) -> None:
    spec = load(pipeline(data__batch_size=batch_size, data__drop_last=drop_last, seed=7))
    loader = assemble(make_plan(spec)).loaders["train"]
    digits: Any = load_digits()
    pixels = torch.from_numpy((digits.images[4::5] * 255 // 16).astype(np.float32) / 255)[:, None]
    words = np.random.Philox(key=[7, 1], counter=[0, 0, 0, 2]).random_raw(359)
    order = np.argsort(words, kind="stable").tolist()
    plain = DataLoader(
        TensorDataset(pixels, torch.from_numpy(digits.target[4::5])), batch_size, sampler=order, drop_last=drop_last
    )
    ours = list(loader.batches(epoch=2))
    assert len(ours) == len(plain) == len(loader)
    for batch, (images, targets) in zip(ours, plain, strict=True):
        torch.testing.assert_close(batch.entries["input"], images, rtol=0, atol=1e-7)
        assert torch.equal(batch.entries["target"], targets)


def test_a_section_may_have_a_batch_size_of_its_own(pipeline: Callable[..., Path]) -> None:
    section = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"], "batch_size": 200}
    loaders = assemble(make_plan(load(pipeline(data__val=section)))).loaders
    assert [len(batch.entries["target"]) for batch in loaders["val"].batches(0)] == [200, 159]
    assert len(next(iter(loaders["train"].batches(0))).entries["target"]) == 64


def test_no_worker_outlives_its_run(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """Python would kill it at the end, and torch complain about that with a traceback."""
    spec = load(pipeline(data__workers=2, train__max_steps=2))
    result = registry_core.train(spec, tmp_path / "run")
    assert multiprocessing.active_children() == []
    TrainedModel.open(tmp_path / "run").evaluate()
    assert multiprocessing.active_children() == []
    assert len(list(result.pipeline.loaders["val"].batches(0))) == 6, "a loader can be used again"
    result.pipeline.loaders["val"].close()
    assert multiprocessing.active_children() == []


UNSENDABLE = """
import torch

class Unsendable:
    def __len__(self):
        return 8
    def __getitem__(self, n):
        return {"input": torch.zeros(1, 8, 8), "target": 0, "more": (lambda: n) if n == 5 else None}

class Large(Unsendable):
    def __getitem__(self, n):
        return {"input": torch.zeros(1, 8, 8), "target": 0, "more": torch.zeros(500_000)}
"""
DATASETS = "[registry_core.v1.datasets]\nunsendable = parts_unsendable:Unsendable\nlarge = parts_unsendable:Large\n"


@pytest.mark.parametrize("section", ["train", "val"])
def test_a_batch_that_cannot_be_sent_is_an_error(
    pipeline: Callable[..., Path], distribution: Callable[..., Path], tmp_path: Path, section: str
) -> None:
    distribution("acme", DATASETS, modules={"parts_unsendable": UNSENDABLE})
    data = {name: {"dataset": "unsendable" if name == section else {"digits": {}}} for name in ("train", "val")}
    for part in data.values():
        part["transforms"] = [] if part["dataset"] == "unsendable" else ["to_tensor"]  # type: ignore[assignment]
    written = pipeline(data={**data, "batch_size": 4, "workers": 2}, train={"max_steps": 2})
    message = f"A loader process cannot send a batch of data.{section}: .*lambda.*Return entries that can be pickled"
    with pytest.raises(RunError, match=message):
        registry_core.train(load(written), tmp_path / "run")
    assert multiprocessing.active_children() == []


def test_full_shared_memory_is_an_error(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """In a mount namespace of its own, where /dev/shm has 1 MB."""
    mount = "mount -t tmpfs -o size=1m tmpfs /dev/shm"
    if subprocess.run(["unshare", "-m", "bash", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small /dev/shm")
    section = {"dataset": {"digits": {"split": "val"}}, "transforms": [{"resize": {"size": [256, 256]}}, "to_tensor"]}
    model = {"sequential": {"input": [1, 256, 256], "layers": ["flatten", {"linear": {"out_features": 10}}]}}
    written = pipeline(data={"train": section, "batch_size": 16, "workers": 2}, model=model)
    run = f"{sys.executable} -m registry_core train {written} --out {tmp_path / 'run'}"
    ended = subprocess.run(
        ["unshare", "-m", "bash", "-c", f"{mount} && {run}"], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 5
    assert "cannot send a batch of data.train: the shared memory is full (/dev/shm). Enlarge it" in ended.stderr
    assert "Traceback" not in ended.stderr


ENDING = """
import os
import signal

import torch
from torch.utils.data import get_worker_info


class Bad:
    def __reduce__(self):
        return fail, ()


def fail():
    raise ValueError("it cannot be read back")


class Ending:
    def __init__(self, how: str):
        self.how = how
    def __len__(self):
        return 64
    def __getitem__(self, n):
        sample = {"input": torch.zeros(1, 8, 8), "target": n % 10}
        if self.how == "Bad":
            return {**sample, "more": Bad()}
        if self.how == "gradient":
            return {**sample, "more": torch.zeros(2, requires_grad=True)}
        if n == 40 and get_worker_info() is not None:
            os._exit(3) if self.how == "exit" else os.kill(os.getpid(), getattr(signal, self.how))
        return sample
"""


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("SIGKILL", "A loader process of data.train ended by SIGKILL, as it does where the memory is full. Use fewer"),
        (
            "SIGBUS",
            r"of data.train ended by SIGBUS, as it does where the shared memory is full \(/dev/shm\). Enlarge it",
        ),
        ("SIGSEGV", "of data.train ended by SIGSEGV. Set data.workers to 0"),
        ("exit", "of data.train ended with exit code 3. Set data.workers to 0"),
        ("Bad", "batch of data.train cannot be received from a loader process: ValueError: it cannot be read back."),
        ("gradient", "cannot send a batch of data.train: .*gradients: return it after detach"),
    ],
)
def test_the_end_of_a_loader_process_is_an_error(
    pipeline: Callable[..., Path], distribution: Callable[..., Path], tmp_path: Path, how: str, message: str
) -> None:
    """In a process of its own, whose standard error shows no traceback; the processes end with it."""
    points = "[registry_core.v1.datasets]\nending = parts_ending:Ending\n"
    distribution("acme", points, modules={"parts_ending": ENDING})
    data = {"train": {"dataset": {"ending": {"how": how}}, "sampler": "sequential"}, "batch_size": 4, "workers": 2}
    with pytest.raises(RunError, match=message):
        registry_core.train(load(pipeline(data=data)), tmp_path / "run")
    assert multiprocessing.active_children() == []


@pytest.fixture(params=[False, True], ids=["", "after a loader of torch"])
def handler_of_torch(request: pytest.FixtureRequest) -> Iterator[None]:
    """With the handler of SIGCHLD that the first loader of torch in a process installs, and without it."""
    before, is_set = signal.getsignal(signal.SIGCHLD), signal_handling._SIGCHLD_handler_set
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal_handling._SIGCHLD_handler_set = False
    if request.param:
        signal_handling._set_SIGCHLD_handler()
    yield
    signal.signal(signal.SIGCHLD, before)
    signal_handling._SIGCHLD_handler_set = is_set


def test_a_dying_loader_process_interrupts_nothing(
    handler_of_torch: None, pipeline: Callable[..., Path], distribution: Callable[..., Path]
) -> None:
    """The handler of torch would raise in the middle of whatever runs; the batches before are received."""
    points = "[registry_core.v1.datasets]\nending = parts_ending:Ending\n"
    distribution("acme", points, modules={"parts_ending": ENDING})
    section = {"dataset": {"ending": {"how": "SIGKILL"}}, "sampler": "sequential"}
    handler = signal.getsignal(signal.SIGCHLD)
    loaded = load(pipeline(data={"train": section, "batch_size": 4, "workers": 1}))
    loader = assemble(make_plan(loaded)).loaders["train"]
    seen: list[int] = []

    def iterate() -> None:
        for batch in loader.batches(0):
            seen.append(batch.request.batch)
            time.sleep(0.1)
            assert signal.getsignal(signal.SIGCHLD) == handler

    with pytest.raises(RunError, match="SIGKILL"):
        iterate()
    assert seen[:5] == [0, 1, 2, 3, 4]


def test_a_loader_process_that_ends_while_others_start_is_an_error(
    pipeline: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(workers._Iterator):
        def __init__(self, loader: Any) -> None:
            super().__init__(loader)
            self._workers[0].kill()
            self._workers[0].join()

    monkeypatch.setattr(workers, "_Iterator", Killed)
    loader = assemble(make_plan(load(pipeline(data__workers=2)))).loaders["train"]
    with pytest.raises(RunError, match=r"A loader process of data\.train ended by SIGKILL"):
        list(loader.batches(0))


@pytest.mark.parametrize("name", ["WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_several_processes_are_refused_by_name(
    pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    result = registry_core.train(load(pipeline(train__max_steps=1)), tmp_path / "run")
    monkeypatch.setenv(name, "2")
    for start in (
        lambda: registry_core.train(load(pipeline()), tmp_path / "other"),
        lambda: registry_core.resume(result.directory),
        lambda: evaluate(result.directory),
    ):
        with pytest.raises(RunError, match=f"{name}=2 asks for 2 processes"):
            start()
    assert not (tmp_path / "other").exists()
    monkeypatch.setenv(name, "1")
    evaluate(result.directory)
