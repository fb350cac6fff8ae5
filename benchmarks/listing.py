"""`registry-core list` in environments of many plugins, as whole processes, interleaved with `python -c pass`.

    python benchmarks/listing.py [ROUNDS]

Every environment has 500 distributions beside what is installed anyway. So many components are spread over them as
evenly as goes; a distribution without any has a console script, like most on a real machine. Prints the median, the
smallest and the largest wall time, and by how much the median is longer than that of `python -c pass`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DISTRIBUTIONS = 500
COMPONENTS = (1, 100, 1_000, 10_000)
MAIN = "from registry_core.cli.main import main; main()"
METADATA = "Metadata-Version: 2.1\nName: bench-{number}\nVersion: 1.0\nSummary: A distribution.\n" + (
    "Requires-Dist: something>=1\nClassifier: Programming Language :: Python :: 3\n" * 40
)
"""About as long as usual: 3.5 kB."""

CLASS = '''
class Loss{number}:
    """Measure how far outputs are from targets, in the way of number {number}."""

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight
'''


def environment(folder: Path, components: int) -> None:
    """Write the distributions of an environment, with their modules."""
    for number in range(DISTRIBUTIONS):
        own = range(number, components, DISTRIBUTIONS)
        info = folder / f"bench_{number}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(METADATA.format(number=number))
        points = "".join(f"bench_{each} = bench_{number}:Loss{each}\n" for each in own)
        text = f"[registry_core.v1.losses]\n{points}" if points else "[console_scripts]\nbench = bench:main\n"
        (info / "entry_points.txt").write_text(text)
        (folder / f"bench_{number}.py").write_text("".join(CLASS.format(number=each) for each in own))


def seconds(arguments: list[str], path: str) -> float:
    started = time.perf_counter()
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path})
    return time.perf_counter() - started


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as folder:
        cases: dict[str, tuple[list[str], str]] = {"python -c pass": (["-c", "pass"], "")}
        cases["list, nothing added"] = (["-c", MAIN, "list"], "")
        for components in COMPONENTS:
            path = Path(folder, str(components))
            environment(path, components)
            cases[f"list, {components:,} added"] = (["-c", MAIN, "list"], str(path))
        cases["list loss --json, 10,000 added"] = (["-c", MAIN, "list", "loss", "--json"], str(path))
        times: dict[str, list[float]] = {name: [] for name in cases}
        for number in range(rounds + 1):
            for name, (arguments, site) in cases.items():
                spent = seconds(arguments, site)
                if number:  # the first round warms the page cache
                    times[name].append(spent)
    floor = statistics.median(times["python -c pass"])
    for name, found in times.items():
        middle = statistics.median(found)
        spread = f"{min(found) * 1000:5.0f} to {max(found) * 1000:5.0f}"
        print(f"{name:<32} {middle * 1000:5.0f} ms  ({spread})  + {(middle - floor) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
