"""Generate the data of the package on models and optimizers from the installed timm.

python make_index.py              do not measure known models again (seconds)
python make_index.py --measure    build every model on the meta device (about 10 minutes)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import timm
from making.measure import measure
from making.models import described_parameters, index, model_data, written
from making.optimizers import optimizer_data, optimizer_index, written_optimizers

HERE = Path(__file__).parent
PACKAGE = HERE / "registry_core_timm"
MEASURED = HERE / "making" / "measured.json"


def contents(measured: dict[str, Any]) -> dict[Path, str]:
    """Return the contents of every generated file of the package."""
    models = model_data(described_parameters(PACKAGE / "data" / "model_parameters.tsv"), measured)
    optimizers = optimizer_data(described_parameters(PACKAGE / "data" / "optimizer_parameters.tsv"))
    return {
        PACKAGE / "data" / "models.json": written(models),
        PACKAGE / "models.index": index(models),
        PACKAGE / "data" / "optimizers.json": written_optimizers(optimizers),
        PACKAGE / "optimizers.index": optimizer_index(optimizers),
    }


def known() -> dict[str, Any]:
    """Return earlier measurements."""
    found: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    return found


def measured_anew(before: dict[str, Any]) -> dict[str, Any]:
    """Measure each timm model that has not been measured before."""
    found: dict[str, Any] = {}
    for name in timm.list_models():
        if name in before:
            found[name] = before[name]
            continue
        try:
            found[name] = measure(name)
        except Exception as error:  # a model that emits no vector per image is omitted, whatever the reason
            found[name] = str(error) or type(error).__name__
        print(name, found[name], flush=True)
    return found


def main() -> None:
    """Measure new models and write all files."""
    measured = measured_anew({} if "--measure" in sys.argv[1:] else known())
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(found)}" for name, found in sorted(measured.items()))
    MEASURED.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    for path, text in contents(measured).items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
