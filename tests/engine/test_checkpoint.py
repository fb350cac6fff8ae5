"""Checkpoints: whole or not there, verified before they are read, and the last good one is never lost."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import PIPELINE, RUN, save, state_at
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_core.components import Save
from registry_core.config.run_layout import pointed
from registry_core.diagnostics import CheckpointError
from registry_core.engine.checkpoint import manifest, store
from registry_core.engine.checkpoint.manifest import Origin, pipeline_digest, verify
from registry_core.engine.checkpoint.retention import Retention
from registry_core.engine.checkpoint.store import load_checkpoint, newest, save_checkpoint
from registry_core.engine.checkpoint.tensor_tree import put_together, take_apart


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = save(tmp_path, 3)
    parts, state, _ = load_checkpoint(path)
    assert torch.equal(parts["model"]["weight"], torch.full((50, 50), 3.0))
    assert parts["model"]["half"].dtype is torch.bfloat16
    assert state["position"]["step"] == 3
    assert torch.equal(state["torch"]["optimizer"]["state"][0]["exp_avg"], torch.arange(4.0))
    assert pointed(tmp_path, "latest") == path
    assert not list(tmp_path.glob("*.tmp*"))


def test_weights_that_share_memory_are_saved(tmp_path: Path) -> None:
    tied = torch.arange(6.0)
    parts, *_ = load_checkpoint(save(tmp_path, 1, loss={"a": tied, "b": tied.view(2, 3)}))
    assert torch.equal(parts["loss"]["a"].view(2, 3), parts["loss"]["b"])


def test_any_damage_is_found(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    generator = random.Random(0)
    for _ in range(60):
        victim = generator.choice(sorted(file for file in path.iterdir() if file.name != "manifest.json"))
        whole = victim.read_bytes()
        place = generator.randrange(len(whole))
        damaged = bytearray(whole)
        damaged[place] ^= 1 << generator.randrange(8)
        victim.write_bytes(generator.choice([bytes(damaged), whole[:place], whole + b"x"]))
        with pytest.raises(CheckpointError, match="damaged"):
            load_checkpoint(path)
        victim.write_bytes(whole)
    (path / "state.json").unlink()
    with pytest.raises(CheckpointError, match="not a complete checkpoint"):
        verify(path)


def test_a_large_description_of_the_tensors_is_refused_unread(tmp_path: Path) -> None:
    """The library would take minutes and gigabytes for it; the digests of the checkpoint are right."""
    path = save(tmp_path, 1)
    before = verify(path)
    text = json.dumps({"__metadata__": {str(number): "x" for number in range(700_000)}}).encode()
    (path / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    (path / "manifest.json").unlink()
    manifest.seal(path, before.origin, 1)
    with pytest.raises(CheckpointError, match=r"the header of model\.safetensors is larger than 10,000,000 bytes"):
        load_checkpoint(path)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path) -> None:
    older, newer = save(tmp_path, 1), save(tmp_path, 2)
    (newer / "model.safetensors").write_bytes(b"broken")
    said: list[str] = []
    assert newest(tmp_path, RUN, said.append)[0] == older
    assert "step-00000002" in said[0]
    (older / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        newest(tmp_path, RUN, said.append)


def test_a_save_that_fails_anywhere_leaves_the_last_good_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sync, in turn, raises as a full disk does."""
    good = save(tmp_path, 1)
    real = store.sync
    fail_at = 0
    failed = True
    while failed:
        fail_at += 1
        failing = _failing(real, fail_at)
        for module in (store, manifest):
            monkeypatch.setattr(module, "sync", failing)
        try:
            save(tmp_path, 1 + fail_at)
            failed = False
        except CheckpointError:
            found, _ = newest(tmp_path, RUN, lambda _: None)
            assert found.name >= good.name
    assert fail_at > 5


def _failing(real: Any, fail_at: int) -> Any:
    calls = iter(range(1, 1000))

    def sync(path: Path) -> None:
        if next(calls) == fail_at:
            raise OSError(28, "No space left on device")
        real(path)

    return sync


def test_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    """A process that saves without pause is killed; what is there afterwards is whole, and as new as was told."""
    for trial in range(12):
        folder = tmp_path / str(trial)
        told, writes = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                retention = Retention(folder, RUN, 1)
                for step in range(1, 10_000):
                    save(folder, step)
                    retention.note(step, Save(keep=2), 0)
                    retention.prune()
                    os.write(writes, step.to_bytes(4, "little"))
            finally:
                os._exit(0)
        os.close(writes)
        first = os.read(told, 4)
        time.sleep(0.002 * trial)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        acknowledged = first
        while chunk := os.read(told, 4):
            acknowledged = chunk
        os.close(told)
        _, found = newest(folder, RUN, lambda _: None)
        assert found.manifest.step >= int.from_bytes(acknowledged, "little")


def test_a_plain_save_would_not_survive(tmp_path: Path) -> None:
    """The control of the test above: a file written in place is found cut short."""
    whole = tmp_path / "plain.pt"
    torch.save(torch.zeros(100_000), whole)
    whole.write_bytes(whole.read_bytes()[:1000])
    with pytest.raises(Exception, match=r"\w"):
        torch.load(whole, weights_only=True)


def test_nothing_in_a_checkpoint_names_code(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    assert {file.suffix for file in path.iterdir()} == {".safetensors", ".json"}
    with pytest.raises(TypeError, match="cannot be saved in a checkpoint"):
        take_apart({"evil": os.system})


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.integers(0, 5).map(lambda n: torch.arange(n)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(max_size=6) | st.just("tensor") | st.just("tuple"), inner, max_size=3)
    ),
    max_leaves=10,
)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, torch.Tensor):
        return torch.equal(left, right)
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return type(left) is type(right) and len(left) == len(right) and all(map(same, left, right))
    return bool(left == right) and type(left) is type(right)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_nested_state_survives(tree: Any) -> None:
    structure, tensors = take_apart(tree)
    assert same(put_together(json.loads(json.dumps(structure)), tensors), tree)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "LBFGS"])
def test_the_state_of_torch_optimizers_survives(name: str, tmp_path: Path) -> None:
    parameters = [torch.nn.Parameter(torch.randn(4, 3, 2, 2))]
    optimizer = getattr(torch.optim, name)(parameters, lr=0.1)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = parameters[0].square().sum()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    origin = Origin(RUN, pipeline_digest(PIPELINE))
    path = save_checkpoint(tmp_path, 1, {"model": {}}, state_at(1, **optimizer.state_dict()), origin)
    assert same(load_checkpoint(path).state["torch"]["optimizer"], optimizer.state_dict())
