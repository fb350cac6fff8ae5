"""Make ordinary mistakes in several tools, see when each says so, and write docs/mistakes-elsewhere.md.

python benchmarks/mistakes_elsewhere.py                     everything; installs the tools below a folder of the cache
python benchmarks/mistakes_elsewhere.py --only hydra        one tool again; the others are kept as they were
python benchmarks/mistakes_elsewhere.py --page              the page again, from docs/mistakes-elsewhere.json
"""

from __future__ import annotations

import argparse
import json
import queue
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from elsewhere import environments, page
from elsewhere.edits import EDITS
from elsewhere.judging import Verdict, judge
from elsewhere.mistakes import MISTAKES, Mistake
from elsewhere.running import Server, case
from elsewhere.tools import TOOLS, Tool

DOCS = Path(__file__).parent.parent / "docs"
RESULTS = DOCS / "mistakes-elsewhere.json"


WORK = Path.home() / ".cache" / "registry-core-mistakes"
WHOLE = {"optimizer-misspelt": "a misspelt optimizer", "channels": "a model of 3 channels on grey images"}
"""Mistakes that are made once more in processes from their beginning, for their time."""


def measure(tool: Tool, chosen: list[Mistake], options: argparse.Namespace) -> dict[str, Any]:
    """The good set-up, then each mistake in it."""
    python = environments.python_of(tool, options.work, options.site_packages)
    good_case = case(tool, python, None, [], options.work, options.limit)
    whole = good_case.check(None).seconds
    servers: queue.Queue[Server | None] = queue.Queue()
    for _ in range(options.jobs):
        servers.put(Server(tool, python) if tool.preload else None)
    server = servers.get()
    good_check, goods = good_case.check(server), [good_case.train(server) for _ in range(2)]
    servers.put(server)
    for good in goods:
        if good.code != 0 or good_check.code != 0 or good.figures() is None:
            raise SystemExit(f"The good set-up of {tool.title} fails:\n{good_check.output}\n{good.output}")

    def one(mistake: Mistake, forked: bool = True) -> tuple[str, dict[str, Any]]:
        edit = EDITS[tool.name][mistake.slug]
        if isinstance(edit, str):
            verdict = Verdict("n/a", edit)
        else:
            wrong = case(tool, python, mistake, edit, options.work, options.limit)
            server = servers.get() if forked else None
            try:
                verdict = judge(mistake, wrong, server, good_case, goods)
            finally:
                if forked:
                    servers.put(server)
        print(f"{tool.title:<14} {mistake.slug:<28} {verdict.when:<4} {verdict.message[:120]!r}", flush=True)
        return mistake.slug, verdict.as_json()

    with ThreadPoolExecutor(options.jobs) as pool:
        results = dict(pool.map(one, chosen))
    for _ in range(options.jobs):
        if (server := servers.get()) is not None:
            server.close()
    seconds = {"good": round(whole, 1)}
    for mistake in MISTAKES:
        if mistake.slug in WHOLE and not options.mistake:
            seconds[mistake.slug] = round(one(mistake, forked=False)[1]["seconds"], 1)
    return {"versions": environments.versions(tool, python), "seconds": seconds, "results": results}


def kept() -> dict[str, Any]:
    """What was measured so far."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(TOOLS), help="one tool; can be repeated")
    parser.add_argument("--mistake", action="append", help="one mistake, by its slug; can be repeated")
    parser.add_argument("--times", action="store_true", help="only the times of whole processes; the rest is kept")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--limit", type=float, default=120, help="seconds until a process is ended")
    parser.add_argument("--work", type=Path, default=WORK, help="work folder")
    parser.add_argument("--site-packages", type=Path, help="a folder of packages that new environments see besides")
    parser.add_argument("--page", action="store_true", help="only write the page")
    options = parser.parse_args()
    asked = [] if options.times else options.mistake or [mistake.slug for mistake in MISTAKES]
    chosen = [mistake for mistake in MISTAKES if mistake.slug in asked]
    for name in [] if options.page else options.only or list(TOOLS):
        options.work.mkdir(parents=True, exist_ok=True)
        measured = measure(TOOLS[name], chosen, options)
        found = kept()
        if name in found:
            kept_seconds = {"seconds": found[name]["seconds"]} if options.mistake else {}
            measured |= {"results": {**found[name]["results"], **measured["results"]}, **kept_seconds}
        found[name] = measured
        RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    (DOCS / "mistakes-elsewhere.md").write_text(page.page(kept()))


if __name__ == "__main__":
    main()
