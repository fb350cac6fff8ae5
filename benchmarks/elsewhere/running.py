"""Run a set-up with a mistake in it as a process of its own, and keep what is seen from outside."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from elsewhere import worlds
from elsewhere.edits import Edit
from elsewhere.mistakes import Mistake
from elsewhere.tools import SETUPS, Tool

STAGES = ("parsed", "instantiated", "batch", "epoch", "finished")


@dataclass(frozen=True)
class Seen:
    """What one process showed."""

    output: str
    """Standard output and error as they came."""
    code: int | None
    """None where the time limit ended it."""
    seconds: float
    """Of processor time where the process was not forked, else of the clock."""

    def reached(self) -> list[str]:
        """The stages whose markers were printed."""
        return [stage for stage in STAGES if f"@@ {stage}" in self.output]

    def figures(self) -> list[float] | None:
        """Training and validation loss at the end."""
        for line in self.output.splitlines():
            if line.startswith("@@ finished"):
                words = line.split()[2:]
                return None if "None" in words else [float(word) for word in words]
        return None


class Server:
    """A process that has imported a tool's slow modules, and forks one for each command."""

    def __init__(self, tool: Tool, python: Path) -> None:
        script = Path(__file__).parent / "forking.py"
        self.process = subprocess.Popen(
            [python, script, *tool.preload],
            env=_environment(tool),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer("ready")

    def run(self, folder: Path, arguments: tuple[str, ...], limit: float) -> Seen:
        """What a command shows."""
        assert self.process.stdin is not None
        output = folder / "output.txt"
        asked = {"folder": str(folder), "arguments": arguments, "output": str(output), "limit": limit}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self._answer("{"))
        return Seen(output.read_text(errors="replace"), answer["code"], answer["seconds"])

    def _answer(self, beginning: str) -> str:
        """The next line that begins so: what the modules print when imported is passed over."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(beginning):
                return line
        raise RuntimeError(f"{self.process.args} ended.")

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def _environment(tool: Tool) -> dict[str, str]:
    found = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    if tool.packages:
        found.pop("PYTHONPATH", None)
    return found


@dataclass(frozen=True)
class Case:
    """A folder with a set-up, and how it is checked and run."""

    tool: Tool
    python: Path
    folder: Path
    run: tuple[str, ...]
    limit: float

    def check(self, server: Server | None) -> Seen:
        """What the tool's check says."""
        return self._process(self.tool.check, server)

    def train(self, server: Server | None) -> Seen:
        """What the training says; registry-core's own files and lines take the place of the markers."""
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        seen = self._process(self.run, server)
        return self._marked(seen) if self.tool.name == "registry-core" else seen

    def _marked(self, seen: Seen) -> Seen:
        run = self.folder / "run"
        stages = ["parsed"]
        if (run / "init.txt").exists():
            stages += ["instantiated"]
        if (run / "steps.jsonl").exists() and (run / "steps.jsonl").read_text():
            stages += ["batch"]
        if "epoch 1/" in seen.output:
            stages += ["epoch"]
        marks = "".join(f"@@ {stage}\n" for stage in stages)
        if seen.code == 0:
            last = _last_figures(run / "metrics.jsonl")
            marks += f"@@ finished {last.get('train/loss')} {last.get('val/loss')}\n"
        return Seen(marks + seen.output, seen.code, seen.seconds)

    def _process(self, arguments: tuple[str, ...], server: Server | None) -> Seen:
        """Forked by the server, or without one as a process from its beginning."""
        if server is not None:
            return server.run(self.folder, arguments, self.limit)
        before = _processor_time()
        try:
            done = subprocess.run(
                [self.python, *arguments],
                cwd=self.folder,
                env=_environment(self.tool),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self.limit,
            )
        except subprocess.TimeoutExpired as ended:
            return Seen((ended.stdout or b"").decode(errors="replace"), None, self.limit)
        return Seen(done.stdout.decode(errors="replace"), done.returncode, _processor_time() - before)


def _processor_time() -> float:
    """Of the processes that were waited for: what else the machine does falls out of it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _last_figures(path: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in path.read_text().splitlines():
        found.update(json.loads(line))
    return found


def edited(text: str, run: tuple[str, ...], edit: list[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    """The configuration and the arguments with a mistake in them.

    ValueError: a text that is to be replaced is in neither.
    """
    for old, new in edit:
        if old in text:
            text = text.replace(old, new, 1)
        elif any(old in argument for argument in run):
            run = tuple(argument.replace(old, new) for argument in run)
        else:
            raise ValueError(f"There is no {old!r} in the set-up.")
    return text, run


def case(tool: Tool, python: Path, mistake: Mistake | None, edit: Edit, work: Path, limit: float) -> Case:
    """A fresh folder with the tool's set-up, the mistake and the data; without a mistake the good set-up."""
    folder = work / "cases" / tool.name / (mistake.slug if mistake else "good")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in tool.files:
        shutil.copytree(SETUPS / name, folder, dirs_exist_ok=True)
    world = mistake.world if mistake else ""
    data = worlds.build(work / "data" / (world or "good"), world)
    (folder / "data").symlink_to(data)
    (folder / "no").symlink_to(data / "no")
    (folder / "taken").write_text("a file\n")
    config = folder / tool.config
    text, run = edited(config.read_text(), tool.run, edit if isinstance(edit, list) else [])
    config.write_text(text)
    return Case(tool, python, folder, run, limit)
