"""``validate --deep``: one batch through everything, against plain torch; and what it says of what goes wrong."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Ended
from failing_components import POINTS
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import registry_core
from registry_core.assembly.pipeline import assemble
from registry_core.engine.memory import KeptForBackward, storages, written_bytes
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.inspection.dry_run.report import DryRun
from registry_core.planning.make import make_plan

NUMBERS = 64 * 16 + 16 + 16 * 10 + 10
"""Of the mlp of the tests' pipeline."""
CPU = {"epochs": 1, "device": "cpu"}


@pytest.fixture
def acme(distribution: Callable[..., Path]) -> None:
    distribution("acme", POINTS)


@pytest.fixture
def deep(pipeline: Callable[..., Path]) -> Callable[..., DryRun]:
    """The dry run of a changed pipeline."""

    def start(*, on_meta: bool = False, **changes: Any) -> DryRun:
        path = pipeline(**{"train": CPU, **changes})
        return dry_run(make_plan(registry_core.load(path)), on_meta=on_meta)

    return start


def rows(found: DryRun) -> dict[str, int]:
    assert found.problems == []
    assert found.memory is not None
    return found.memory.rows


def test_losses_and_metrics_are_those_of_plain_torch(
    deep: Callable[..., DryRun], pipeline: Callable[..., Path]
) -> None:
    layers = ["flatten", {"linear": {"out_features": 16}}, "relu", "dropout", {"linear": {"out_features": 10}}]
    changes = {"train": CPU, "model": {"sequential": {"input": [1, 8, 8], "layers": layers}}}
    found = deep(**changes)
    loaded = assemble(make_plan(registry_core.load(pipeline(**changes))))  # for the first values and batches alone
    net = loaded.model
    first, measured = (next(loaded.loaders[section].batches(0)).entries for section in ("train", "val"))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    loss = functional.cross_entropy(net(first["input"]), first["target"])
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    optimizer.step()
    output = net.eval()(measured["input"])
    assert found.sections["train"].loss == pytest.approx(loss.item(), rel=1e-6)
    val = found.sections["val"]
    assert val.loss == pytest.approx(functional.cross_entropy(output, measured["target"]).item(), rel=1e-6)
    hits = (output.argmax(1) == measured["target"]).float().mean().item()
    assert val.metrics == {"accuracy": pytest.approx(hits)}
    assert val.entries["output"] == {"shape": [64, 10], "dtype": "float32"}
    assert found.sections["train"].entries["input"] == {"shape": [64, 1, 8, 8], "dtype": "float32"}


def test_memory_is_what_torch_allots(deep: Callable[..., DryRun]) -> None:
    by_hand = {
        "parameters": 4 * NUMBERS,
        "buffers": 0,
        "gradients": 4 * NUMBERS,
        "optimizer state": 4 * NUMBERS,
        "averaged weights": 0,
        "batch": 64 * 64 * 4 + 64 * 8,
        # what relu gave, what log_softmax gave, and the number of samples that nll divided by
        "kept for backward": 4 * (64 * 16 + 64 * 10 + 1),
    }
    found = deep()
    assert rows(found) == by_hand
    assert found.memory is not None
    assert (found.memory.num_parameters, found.memory.total) == (NUMBERS, sum(by_hand.values()))
    assert rows(deep(on_meta=True)) == by_hand


@pytest.mark.parametrize(
    ("optimizer", "each", "besides"),
    [({"sgd": {"lr": 0.1}}, 0, 0), ({"adam": {"lr": 0.1}}, 2, 4 * 4), ({"adamw": {"amsgrad": True}}, 3, 4 * 4)],
)
@pytest.mark.parametrize("on_meta", [False, True])
def test_memory_of_optimizers(
    deep: Callable[..., DryRun], optimizer: Any, each: int, besides: int, on_meta: bool
) -> None:
    """Adam keeps two tensors like each parameter, amsgrad a third one, and both count steps in a number of each."""
    found = rows(deep(optim={"optimizer": optimizer}, on_meta=on_meta))
    assert found["optimizer state"] == each * 4 * NUMBERS + besides


def test_averaged_weights_and_buffers(deep: Callable[..., DryRun]) -> None:
    """The average has the weights, the buffers, and a count of its own."""
    layers = ["flatten", {"linear": {"out_features": 16}}, "batch_norm1d", {"linear": {"out_features": 10}}]
    found = rows(deep(model={"sequential": {"input": [1, 8, 8], "layers": layers}}, train={**CPU, "ema": {}}))
    assert found["parameters"] == 4 * (NUMBERS + 32)
    assert found["buffers"] == 4 * 32 + 8
    assert found["averaged weights"] == 4 * (NUMBERS + 64) + 8 + 8


def test_bf16_keeps_less(deep: Callable[..., DryRun]) -> None:
    """Halves of the input, of what relu gave, and of the second weights; what log_softmax gave stays in 32 bits."""
    half = rows(deep(train={**CPU, "precision": "bf16"}))
    assert half["parameters"] == 4 * NUMBERS
    assert half["kept for backward"] == 2 * (64 * 64 + 64 * 16 + 16 * 10) + 4 * (64 * 10 + 1)
    on_meta = deep(train={**CPU, "precision": "bf16"}, on_meta=True)
    assert rows(on_meta)["kept for backward"] == 4 * (64 * 16 + 64 * 10 + 1)
    assert [warning.path for warning in on_meta.warnings] == ["train.precision"]


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # torch 2.11 says so though they are asked for
def test_storages_count_once() -> None:
    weight = torch.zeros(100)
    assert sum(storages([weight, weight[:10], weight.view(10, 10)]).values()) == 400
    meta = torch.zeros(100, device="meta")
    assert sum(storages([meta, meta[1:], torch.zeros(3, device="meta")]).values()) == 412
    sparse = torch.sparse_coo_tensor([[0, 3]], [1.0, 2.0], (1000,), check_invariants=True)
    assert sum(storages([sparse]).values()) == 2 * 8 + 2 * 4


def test_what_autograd_keeps() -> None:
    """exp keeps its result, the product both factors: x, exp(x) and sin(x) are three tensors; sin keeps x again."""
    x = torch.zeros(1000, requires_grad=True)
    with KeptForBackward() as kept:
        (x.exp() * x.sin()).sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert kept.peak == 3 * 4000
    with KeptForBackward(storages([x])) as kept:
        for _ in range(3):  # each backward pass lets go of what its forward pass kept
            (x.exp() * x.sin()).sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert kept.peak == 2 * 4000


def test_recomputed_activations_are_not_kept() -> None:
    block = nn.Sequential(*[nn.Sequential(nn.Linear(50, 50), nn.Tanh()) for _ in range(8)])
    x = torch.randn(20, 50)
    with KeptForBackward(storages(block.parameters())) as kept:
        block(x).sum().backward()
    assert kept.peak == 9 * 20 * 50 * 4
    with KeptForBackward(storages(block.parameters())) as kept:
        out = checkpoint(block, x.requires_grad_(), use_reentrant=False)
        during = kept.peak
        out.sum().backward()
    assert during == 20 * 50 * 4


def test_parts_and_what_they_give(deep: Callable[..., DryRun], acme: None) -> None:
    found = deep(model="unused")
    shown = [(part.name, part.type, part.gives) for part in found.layers]
    assert shown == [("body", "Linear", {"shape": [64, 10], "dtype": "float32"}), ("spare", "Linear", None)]
    assert found.without_gradient == ["spare.weight", "spare.bias"]
    (warning,) = found.warnings
    assert "spare.weight, spare.bias" in str(warning)
    assert warning.place is not None


def test_frozen_on_purpose_is_no_warning(deep: Callable[..., DryRun], acme: None) -> None:
    found = deep(model="unused", finetune={"freeze": [r"spare\..*"]})
    assert (found.without_gradient, found.warnings, found.problems) == ([], [], [])


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")  # of torch 2.11's own compiling
def test_every_example_like_pipeline_has_no_problem(deep: Callable[..., DryRun]) -> None:
    for changes in (
        {"optim": {"optimizer": {"lbfgs": {"max_iter": 3}}}},
        {"train": {**CPU, "accumulate": 3, "clip": {"norm": 1.0}, "ema": {}}},
        {"data__train__batch_transforms": ["mixup"], "data__workers": 2},
        {"optim__scheduler": {"cosine_annealing": {}}, "train": {**CPU, "compile": True}},
    ):
        found = deep(**changes)
        assert (found.problems, found.warnings) == ([], []), changes
        assert found.sections["train"].loss is not None


def test_the_command(command: Callable[..., Ended], pipeline: Callable[..., Path], acme: None) -> None:
    path = pipeline(train=CPU)
    done = command("validate", path, "--deep")
    assert done.code == 0
    assert f"{path}: no problems." in done.out
    assert "  output  64 x 10 float32" in done.out
    assert "optimizer state    4.7 KiB" in done.out
    data = json.loads(command("validate", path, "--deep", "--json").out)
    assert [problem["code"] for problem in data["problems"]] == ["same-data"]
    facts = data["dry_runs"][str(path)]
    assert facts["memory"]["parameters"] == 4 * NUMBERS
    assert facts["device"] == "cpu"
    loud = command("validate", pipeline(train=CPU, model="unused"), "--deep", "--json")
    said = {problem["code"]: problem["severity"] for problem in json.loads(loud.out)["problems"]}
    assert said == {"same-data": "warning", "gradient-missing": "warning"}
    assert "look at me" in loud.err
    broken = command("validate", pipeline(train=CPU, model="mismatch"), "--deep")
    assert (broken.code, "Traceback" in broken.err) == (2, False)
    assert "pipeline.json:1:" in broken.err
    assert command("validate", pipeline(train=CPU, model="leaves"), "--deep").code == 3
    assert command("validate", path, "--on", "meta").code == 2


def test_first_values_are_not_needed_on_meta(deep: Callable[..., DryRun], acme: None) -> None:
    assert deep(init=[{"parameters": ".*weight", "init": "reads"}], on_meta=True).problems == []


def test_a_model_larger_than_memory(pipeline: Callable[..., Path]) -> None:
    """10^9 parameters, with Adam 16 GB: on meta they take none, and the sums are right."""
    path = pipeline(
        model={"mlp": {"size": 8, "hidden": [32000, 30000], "num_classes": 10}},
        optim={"optimizer": {"adam": {}}},
        train=CPU,
    )
    code = (
        "import re, sys\nfrom pathlib import Path\nfrom registry_core.cli.main import main\n"
        f"sys.argv = ['registry-core', 'validate', {str(path)!r}, '--deep', '--on', 'meta', '--json']\n"
        # not ru_maxrss: that of a child begins with what its parent had
        "try:\n    main()\nfinally:\n    status = Path('/proc/self/status').read_text()\n"
        "    print(re.search(r'VmHWM:\\s*(\\d+) kB', status)[1], file=sys.stderr)\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    numbers = 64 * 32000 + 32000 + 32000 * 30000 + 30000 + 30000 * 10 + 10
    memory = json.loads(done.stdout)["dry_runs"][str(path)]["memory"]
    assert memory["numbers"] == numbers
    assert numbers > 960_000_000
    assert memory["parameters"] == memory["gradients"] == 4 * numbers
    assert memory["optimizer_state"] == 8 * numbers + 6 * 4
    assert int(done.stderr.split()[-1]) < 1_500_000  # KiB; torch alone takes some 300 MB


def test_it_leaves_no_trace(
    pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, acme: None
) -> None:
    monkeypatch.chdir(tmp_path)
    started = tmp_path / "started"
    hooks = [{"watch": {"file": str(started)}}, {"checkpoint": {}}, "jsonl", "tensorboard"]
    plan = make_plan(registry_core.load(pipeline(train=CPU, hooks=hooks)))
    torch.manual_seed(7)
    before, files = torch.get_rng_state(), sorted(tmp_path.rglob("*"))
    deterministic = torch.are_deterministic_algorithms_enabled()
    assert dry_run(plan).problems == []
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.are_deterministic_algorithms_enabled() == deterministic
    assert sorted(tmp_path.rglob("*")) == files
    after = registry_core.train(plan, tmp_path / "after").pipeline.model.state_dict()
    assert started.exists()
    anew = registry_core.train(make_plan(registry_core.load(pipeline(train=CPU))), tmp_path / "anew")
    assert all(torch.equal(value, after[name]) for name, value in anew.pipeline.model.state_dict().items())


def test_losses_that_sum_are_told_by_the_sample(deep: Callable[..., DryRun]) -> None:
    summed = deep(loss={"cross_entropy": {"reduction": "sum"}}).sections["train"].loss
    mean = deep().sections["train"].loss
    assert summed is not None
    assert mean is not None
    assert math.isclose(summed, mean, rel_tol=1e-5)


def test_bytes_in_words() -> None:
    assert [written_bytes(count) for count in (0, 1023, 1536, 3 * 2**30)] == ["0 B", "1,023 B", "1.5 KiB", "3.0 GiB"]
