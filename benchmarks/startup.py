"""Start-up of commands as whole processes, interleaved with `python -c pass` and `python -c "import torch"`.

    python benchmarks/startup.py [ROUNDS]

Prints the median, the smallest and the largest wall time of each, and the ratio of medians to `import torch`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAIN = "from registry_core.cli.main import main; main()"
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "registry-core list": ["-c", MAIN, "list"],
    "registry-core show loss/mse": ["-c", MAIN, "show", "loss/mse"],
    "registry-core validate": ["-c", MAIN, "validate", str(ROOT / "examples" / "digits.yaml")],
    "registry-core plan": ["-c", MAIN, "plan", str(ROOT / "examples" / "digits.yaml")],
    "import torch": ["-c", "import torch"],
}


def seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            spent = seconds(arguments)
            if number:  # the first round warms the page cache
                times[name].append(spent)
    torch = statistics.median(times["import torch"])
    for name, found in times.items():
        middle = statistics.median(found)
        spread = f"{min(found) * 1000:5.0f} to {max(found) * 1000:5.0f}"
        print(f"{name:<28} {middle * 1000:5.0f} ms  ({spread})  1/{torch / middle:.1f} of import torch")


if __name__ == "__main__":
    main()
