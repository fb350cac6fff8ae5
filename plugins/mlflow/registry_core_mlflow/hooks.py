"""The declaration of the hook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from registry_core.components import Hook

OWN = "registry_core."
"""What the names of tags that the hook sets begin with."""

_TAG = re.compile(r"[/\w.\- :]{1,250}")


def _readable_store(uri: str) -> str:
    """A local database at an absolute path; anything else that MLflow may be given, as it is."""
    if uri.startswith("sqlite:///"):
        path = uri.removeprefix("sqlite:///")
        if not path or path == ":memory:":
            raise ValueError("a database in memory is lost with the run: write sqlite:///NAME.db")
        return f"sqlite:///{Path(path).expanduser().absolute().as_posix()}"
    if "://" not in uri and uri != "databricks":
        raise ValueError(f"{uri!r} is neither the address of a server nor a database: write sqlite:///{uri}.db")
    if uri.startswith("file:"):
        raise ValueError("MLflow keeps no new runs in folders of files: write sqlite:///NAME.db")
    return uri


def _own_tags(tags: dict[str, str]) -> dict[str, str]:
    for name, value in tags.items():
        if not _TAG.fullmatch(name):
            raise ValueError(
                f"{name!r} cannot be a tag: 1 to 250 letters, digits, spaces and signs of /_.-: are possible"
            )
        if name.startswith(OWN):
            raise ValueError(f"{name!r} cannot be a tag: names that begin with {OWN!r} are those that the hook sets")
        if len(value) > 8000:
            raise ValueError(f"the tag {name!r} is longer than 8,000 signs, which is all that MLflow keeps")
    return tags


class MLflow(Hook):
    """Record the run in MLflow: parameters, metrics at their steps, tags, and how it ended.

    Parameters are the values of the resolved pipeline outside of `hooks`, under dotted names. Every metric of every row
    is recorded at its step, besides `epoch` and the learning rates. The status at the end is FINISHED, KILLED after a
    signal, or FAILED after an error; the tag `registry_core.reason` says why in a sentence. A resumed run goes on with
    the same MLflow run, and no step is recorded twice. No result changes, and no output goes to stdout. A server that
    cannot be reached ends no run: it is reported, and what was measured waits until the server answers, which is tried
    once a minute and at the end. Source: mlflow.MlflowClient.
    """

    target: ClassVar[str] = "registry_core_mlflow.objects.recording:Recording"
    requirements: ClassVar[Mapping[str, str]] = {"mlflow": "mlflow>=3.7,<4"}
    example: ClassVar[Mapping[str, Any]] = {"experiment": "digits", "tracking_uri": "sqlite:///mlflow.db"}

    experiment: str = Field(
        default="registry-core",
        min_length=1,
        max_length=500,
        description="Name of the MLflow experiment, which is made where there is none.",
    )
    run_name: Annotated[str, Field(min_length=1, max_length=250)] | None = Field(
        default=None, description="Name of the MLflow run; null for that of the run directory."
    )
    tracking_uri: Annotated[str, AfterValidator(_readable_store)] | None = Field(
        default=None,
        description=(
            "Where runs are recorded: a database file (sqlite:///NAME.db) or a server (https://HOST); null for what "
            "MLFLOW_TRACKING_URI says, or else mlflow.db in the current folder."
        ),
    )
    tags: Annotated[dict[str, str], AfterValidator(_own_tags)] = Field(
        default={}, description="Tags of the MLflow run: name to text."
    )
    artifacts: bool = Field(
        default=False,
        description="Keep the files of the run directory, but no checkpoints, as artifacts, when the run ends.",
    )
