"""`registry-core list` in environments of many plugins, as whole processes, interleaved with `python -c pass`.

    python benchmarks/listing.py [ROUNDS]

Every environment has 500 distributions beside what is installed anyway. So many components are spread over them as
evenly as goes; a distribution without any has a console script, like most on a real machine. Prints the median, the
smallest and the largest wall time, and by how much the median is longer than that of `python -c pass`.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from whole_process import MAIN, Case, interleaved, line

DISTRIBUTIONS = 500
COMPONENTS = (1, 100, 1_000, 10_000)
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


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    cases = {"python -c pass": Case(["-c", "pass"]), "list, nothing added": Case(["-c", MAIN, "list"])}
    with tempfile.TemporaryDirectory() as folder:
        for components in COMPONENTS:
            path = Path(folder, str(components))
            environment(path, components)
            cases[f"list, {components:,} added"] = Case(["-c", MAIN, "list"], str(path))
        times = interleaved(cases, rounds)
    floor = statistics.median(times["python -c pass"])
    for name, found in times.items():
        print(f"{line(name, found)}  + {(statistics.median(found) - floor) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
