"""Declaration of the hook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from registry_core.components import Hook, ParameterError

OWN = "registry_core."
"""Prefix of the tags that the hook sets."""

_TAG = re.compile(r"[/\w.\- :]{1,250}")


def _readable_store(uri: str) -> str:
    """Return the URI of a local database with an absolute path, and any other URI unchanged."""
    if uri.startswith("sqlite:///"):
        path = uri.removeprefix("sqlite:///")
        if not path or path == ":memory:":
            raise ParameterError("an in-memory database is lost with the run", "Write sqlite:///NAME.db")
        return f"sqlite:///{Path(path).expanduser().absolute().as_posix()}"
    if "://" not in uri and uri != "databricks":
        raise ParameterError(f"{uri!r} is neither the address of a server nor a database", f"Write sqlite:///{uri}.db")
    if uri.startswith("file:"):
        raise ParameterError("MLflow no longer stores new runs in folders of files", "Write sqlite:///NAME.db")
    return uri


def _own_tags(tags: dict[str, str]) -> dict[str, str]:
    for name, value in tags.items():
        if not _TAG.fullmatch(name):
            raise ParameterError(
                f"{name!r} is not a valid tag", "Use 1 to 250 letters, digits, spaces and characters of /_.-:"
            )
        if name.startswith(OWN):
            raise ParameterError(
                f"{name!r} is not a valid tag: the hook sets the tags that begin with {OWN!r}", "Choose another name"
            )
        if len(value) > 8000:
            raise ParameterError(
                f"the tag {name!r} has {len(value)} characters, but MLflow stores at most 8,000", "Shorten it"
            )
    return tags


class MLflow(Hook):
    """Record the run in MLflow: parameters, metrics at their steps, tags, and the final status.

    Parameters are the values of the resolved pipeline except `hooks`, under dotted names. Every metric of every row is
    recorded at its step, together with `epoch` and the learning rates. The final status is FINISHED, KILLED after a
    signal, or FAILED after an error; the tag `registry_core.reason` contains the reason. A resumed run continues the
    same MLflow run, and no step is recorded twice. Results do not change, and nothing is written to stdout. A server
    that cannot be reached does not end the run: the error is reported, and measurements are kept until the server
    answers, which is tried once a minute and at the end. Source: mlflow.MlflowClient.
    """

    target: ClassVar[str] = "registry_core_mlflow.objects.recording:Recording"
    requirements: ClassVar[Mapping[str, str]] = {"mlflow": "mlflow>=3.7,<4"}
    example: ClassVar[Mapping[str, Any]] = {"experiment": "digits", "tracking_uri": "sqlite:///mlflow.db"}

    experiment: str = Field(
        default="registry-core",
        min_length=1,
        max_length=500,
        description="Name of the MLflow experiment, which is created if it does not exist.",
    )
    run_name: Annotated[str, Field(min_length=1, max_length=250)] | None = Field(
        default=None, description="Name of the MLflow run; null for that of the run directory."
    )
    tracking_uri: Annotated[str, AfterValidator(_readable_store)] | None = Field(
        default=None,
        description=(
            "Store of the runs: a database file (sqlite:///NAME.db) or a server (https://HOST); null for "
            "MLFLOW_TRACKING_URI if it is set, otherwise mlflow.db in the current folder."
        ),
    )
    tags: Annotated[dict[str, str], AfterValidator(_own_tags)] = Field(
        default={}, description="Tags of the MLflow run, as a mapping from names to strings."
    )
    artifacts: bool = Field(
        default=False,
        description="If true, the files of the run directory except checkpoints are stored as artifacts at the end.",
    )
