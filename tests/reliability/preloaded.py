"""All that a run imports, and one thread: the server that test processes are forked from imports this module."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
import torch._dynamo
from reliability.failing_saves import save_with_faults  # noqa: F401  # the processes of other harnesses call it
from reliability.small_runs import write_small_run

from registry_core.assembly.pipeline import assemble
from registry_core.cli import eval, predict, train  # noqa: F401  # the command line imports them late
from registry_core.engine import api, trained  # noqa: F401  # the commands import them late
from registry_core.loaded import load
from registry_core.planning.make import make_plan

torch.set_num_threads(1)
with tempfile.TemporaryDirectory() as folder:  # the components decide what else is imported; nothing is trained
    assemble(make_plan(load(write_small_run(Path(folder)))))
