"""Virtual environments that see what is installed here, for packages that tests install."""

from __future__ import annotations

import os
import sysconfig
import venv
from pathlib import Path

_NOT_PASSED_ON = ("PYTHONPATH", "COLUMNS", "FORCE_COLOR", "PY_COLORS", "PYTEST_ADDOPTS", "REGISTRY_CORE_PLUGINS")

DRIVER = """
import contextlib, io, json, sys
from registry_core.cli.main import main
results = []
for arguments in json.load(sys.stdin):
    out, err, code = io.StringIO(), io.StringIO(), 0
    sys.argv = ["registry-core", *arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    results.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(results))
"""
"""Code that runs the commands on its standard input one after the other in one process: torch is imported once."""


def environment() -> dict[str, str]:
    """The variables for processes in them: nothing that changes what is imported, measured or printed."""
    return {key: value for key, value in os.environ.items() if key not in _NOT_PASSED_ON and not key.startswith("COV")}


def venv_with_all_of_this(folder: Path) -> Path:
    """The interpreter of a new one."""
    venv.create(folder, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    here = sysconfig.get_path("purelib")
    (site / "all-of-this.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    return folder / "bin" / "python"
