"""Components are there, by name, in processes that others start: torchrun's, and loader workers that are spawned."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.exhaustive

LOSS = "def half(output, target):\n    'Half.'\n    return (output - target).abs().mean() / 2\n"
SCRIPT = """
import os
from registry_core import registries

built = registries.losses["half"]().build()
rank, world = os.environ["RANK"], os.environ["WORLD_SIZE"]
open(os.path.join(os.environ["MARKS"], rank), "w").write(f"{type(built).__name__} of {world}")
"""


def test_in_processes_of_torchrun(distribution: Callable[..., Path], tmp_path: Path) -> None:
    """No import, no registration: each process finds the plugin by its metadata."""
    site = distribution("acme", "[registry_core.v1.losses]\nhalf = acme_half:half\n", modules={"acme_half": LOSS})
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    (tmp_path / "marks").mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    environment = {**kept, "PYTHONPATH": str(site), "MARKS": str(tmp_path / "marks"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr
    found = {path.name: path.read_text() for path in (tmp_path / "marks").iterdir()}
    assert found == {"0": "FunctionLoss of 2", "1": "FunctionLoss of 2"}


SPAWNED = """
import multiprocessing, sys
import registry_core

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    registry_core.train(registry_core.load(sys.argv[1]), sys.argv[2])
"""


def test_in_loader_workers_that_are_spawned(
    distribution: Callable[..., Path], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    module = (
        "def darken(image, factor: float = 0.5):\n    'Darken.'\n    return image.point(lambda v: int(v * factor))\n"
    )
    points = "[registry_core.v1.transforms]\ndarken = acme_darken:darken\n"
    site = distribution("acme", points, modules={"acme_darken": module})
    path = pipeline(data__train__transforms=["darken", "to_tensor"], data__workers=1, train={"max_steps": 2})
    script = tmp_path / "script.py"
    script.write_text(SPAWNED)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    command = [sys.executable, str(script), str(path), str(tmp_path / "run")]
    environment = {**kept, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "summary.json").exists()
