"""A virtual environment for each tool."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from elsewhere.tools import Tool


def python_of(tool: Tool, work: Path, site_packages: Path | None) -> Path:
    """The interpreter of the tool's environment, made and filled where it is missing."""
    if not tool.packages:
        return Path(sys.executable)
    folder = work / "env" / tool.name
    python = folder / "bin" / "python"
    if not (folder / "filled").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        if site_packages is not None:
            found = next(folder.glob("lib/python*/site-packages"))
            (found / "seen.pth").write_text(f"{site_packages}\n")
        subprocess.run([python, "-m", "pip", "install", "-q", *tool.packages], check=True)
        (folder / "filled").touch()
    return python


_ASK = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def versions(tool: Tool, python: Path) -> dict[str, str]:
    """Of the tool's packages and of torch."""
    names = [package.partition("==")[0].partition("[")[0] for package in tool.packages] or ["registry-core"]
    done = subprocess.run([python, "-c", _ASK, *names, "torch"], check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found
