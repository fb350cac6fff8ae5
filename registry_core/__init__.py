"""registry-core: image-training pipelines declared in YAML, made of components from pip, checked before they run.

    import registry_core

    pipeline = registry_core.load("digits.yaml")   # every mistake at once, without torch
    print(registry_core.plan(pipeline))            # what will run, and why
    result = registry_core.train(pipeline)

Importing this package imports neither pydantic nor torch; each name below is loaded when it is used. All of them are
described in docs/api.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from registry_core.config.models import Spec as Spec
    from registry_core.diagnostics import BrokenComponent as BrokenComponent
    from registry_core.diagnostics import CheckpointError as CheckpointError
    from registry_core.diagnostics import DataError as DataError
    from registry_core.diagnostics import Fix as Fix
    from registry_core.diagnostics import InvalidParameters as InvalidParameters
    from registry_core.diagnostics import NameConflict as NameConflict
    from registry_core.diagnostics import PipelineError as PipelineError
    from registry_core.diagnostics import Place as Place
    from registry_core.diagnostics import Problem as Problem
    from registry_core.diagnostics import RegistryError as RegistryError
    from registry_core.diagnostics import RunError as RunError
    from registry_core.diagnostics import UnknownComponent as UnknownComponent
    from registry_core.engine.api import RunResult as RunResult
    from registry_core.engine.api import resume as resume
    from registry_core.engine.api import train as train
    from registry_core.engine.reproducing import Reproduction as Reproduction
    from registry_core.engine.reproducing import reproduce as reproduce
    from registry_core.engine.trained import evaluate as evaluate
    from registry_core.engine.trained import predict as predict
    from registry_core.engine.verifying import Verification as Verification
    from registry_core.engine.verifying import verify as verify
    from registry_core.loaded import Loaded as Loaded
    from registry_core.loaded import check as check
    from registry_core.loaded import load as load
    from registry_core.planning.make import make_plan as plan
    from registry_core.planning.plan import Plan as Plan
    from registry_core.registry import registries as registries
    from registry_core.registry.session import register as register

_HOMES = {
    "Loaded": "registry_core.loaded",
    "Plan": "registry_core.planning.plan",
    "Reproduction": "registry_core.engine.reproducing",
    "RunResult": "registry_core.engine.api",
    "Spec": "registry_core.config.models",
    "Verification": "registry_core.engine.verifying",
    "check": "registry_core.loaded",
    "evaluate": "registry_core.engine.trained",
    "load": "registry_core.loaded",
    "plan": "registry_core.planning.make:make_plan",
    "predict": "registry_core.engine.trained",
    "register": "registry_core.registry.session",
    "registries": "registry_core.registry",
    "reproduce": "registry_core.engine.reproducing",
    "resume": "registry_core.engine.api",
    "train": "registry_core.engine.api",
    "verify": "registry_core.engine.verifying",
    **dict.fromkeys(
        (
            "BrokenComponent",
            "CheckpointError",
            "DataError",
            "Fix",
            "InvalidParameters",
            "NameConflict",
            "PipelineError",
            "Place",
            "Problem",
            "RegistryError",
            "RunError",
            "UnknownComponent",
        ),
        "registry_core.diagnostics",
    ),
}
"""The module of each name, and behind a colon what it is called there."""

__all__ = [
    "BrokenComponent",
    "CheckpointError",
    "DataError",
    "Fix",
    "InvalidParameters",
    "Loaded",
    "NameConflict",
    "PipelineError",
    "Place",
    "Plan",
    "Problem",
    "RegistryError",
    "Reproduction",
    "RunError",
    "RunResult",
    "Spec",
    "UnknownComponent",
    "Verification",
    "check",
    "evaluate",
    "load",
    "plan",
    "predict",
    "register",
    "registries",
    "reproduce",
    "resume",
    "train",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module_name, _, attribute = _HOMES[name].partition(":")
    if name == "registries":
        return import_module(f"{module_name}.{name}")
    return getattr(import_module(module_name), attribute or name)


def __dir__() -> list[str]:
    return sorted(__all__)
