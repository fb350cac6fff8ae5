"""Virtual environments that see what is installed here, for packages that tests install."""

from __future__ import annotations

import os
import sysconfig
import venv
from pathlib import Path

_NOT_PASSED_ON = ("PYTHONPATH", "COLUMNS", "FORCE_COLOR", "PY_COLORS", "REGISTRY_CORE_PLUGINS")


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
