"""Input time that each rewrite saves: batches of a pipeline with the rewrite on and off, in one process, interleaved.

    python benchmarks/rewrites.py [ROUNDS] [MNIST_FOLDER]

Input time is the time from the index of a sample to the batch that is ready to be moved to the device, without workers.
Prints the median of each in milliseconds a batch, and the share that is saved, round by round.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import registry_core
from registry_core.assembly.data.loader import Loader
from registry_core.assembly.pipeline import assemble
from registry_core.planning.rewrites.table import REWRITES

EXAMPLES = Path(__file__).parent.parent / "examples"
BATCHES = 40


def loader_of(example: str, overrides: list[str], switches: dict[str, bool]) -> Loader:
    texts = [f"data.rewrites.{name}={'true' if on else 'false'}" for name, on in switches.items()]
    loaded = registry_core.load(EXAMPLES / example, ["train.device=cpu", "data.workers=0", *overrides, *texts])
    return assemble(registry_core.plan(loaded)).loaders["train"]


def milliseconds(loader: Loader, epoch: int) -> float:
    """The mean time of a batch over the first batches of an epoch."""
    batches = loader.batches(epoch)
    next(batches)  # the order of the epoch is made before the first batch
    started = time.perf_counter()
    count = sum(1 for _, _ in zip(range(BATCHES), batches, strict=False))
    return (time.perf_counter() - started) / count * 1000


def spread(values: list[float], form: Callable[[float], str]) -> str:
    return f"{form(statistics.median(values))} ({form(min(values))} to {form(max(values))})"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    cases = {"examples/digits.yaml": ("digits.yaml", list[str]())}
    if len(sys.argv) > 2:
        cases["examples/mnist.yaml"] = ("mnist.yaml", [f"vars.data={sys.argv[2]}"])
    for rewrite in REWRITES:
        others = {each.name: False for each in REWRITES}
        for title, (example, overrides) in cases.items():
            on, off = (loader_of(example, overrides, {**others, rewrite.name: state}) for state in (True, False))
            milliseconds(on, 0), milliseconds(off, 0)
            times = [(milliseconds(on, epoch), milliseconds(off, epoch)) for epoch in range(1, rounds + 1)]
            print(f"{rewrite.name}, {title}")
            for name, found in (("on", [pair[0] for pair in times]), ("off", [pair[1] for pair in times])):
                print(f"  {name:<4} {spread(found, lambda value: f'{value:.2f}')} ms a batch")
            saved = [1 - with_it / without for with_it, without in times]
            print(f"  saved {spread(saved, lambda value: f'{value:.0%}')} of the input time")


if __name__ == "__main__":
    main()
