"""Start-up of commands as whole processes, interleaved with `python -c pass` and `python -c "import torch"`.

    python benchmarks/startup.py [ROUNDS]

Prints the median, the smallest and the largest wall time of each, and the ratio of medians to `import torch`.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from whole_process import MAIN, Case, interleaved, line

DIGITS = str(Path(__file__).parent.parent / "examples" / "digits.yaml")
CASES = {
    "python -c pass": Case(["-c", "pass"]),
    "registry-core list": Case(["-c", MAIN, "list"]),
    "registry-core show loss/mse": Case(["-c", MAIN, "show", "loss/mse"]),
    "registry-core validate": Case(["-c", MAIN, "validate", DIGITS]),
    "registry-core plan": Case(["-c", MAIN, "plan", DIGITS]),
    "import torch": Case(["-c", "import torch"]),
}


def main() -> None:
    times = interleaved(CASES, int(sys.argv[1]) if len(sys.argv) > 1 else 9)
    torch = statistics.median(times["import torch"])
    for name, found in times.items():
        print(f"{line(name, found)}  1/{torch / statistics.median(found):.1f} of import torch")


if __name__ == "__main__":
    main()
