"""registry-core: image-training pipelines declared in YAML, made of components from pip, checked before they run.

    import registry_core

    spec = registry_core.load("digits.yaml")     # every mistake at once, without torch
    print(registry_core.make_plan(spec))         # what will happen, and why
    result = registry_core.run(spec)             # train

Importing this package imports neither pydantic nor torch; each name below is loaded when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from registry_core.diagnostics import RegistryError as RegistryError
    from registry_core.engine.api import resume as resume
    from registry_core.engine.api import run as run
    from registry_core.loaded import load as load
    from registry_core.planning.make import make_plan as make_plan
    from registry_core.registry import registries as registries
    from registry_core.registry.session import register as register

__all__ = ["RegistryError", "load", "make_plan", "register", "registries", "resume", "run"]

_HOMES = {
    "RegistryError": ("registry_core.diagnostics", "RegistryError"),
    "load": ("registry_core.loaded", "load"),
    "make_plan": ("registry_core.planning.make", "make_plan"),
    "register": ("registry_core.registry.session", "register"),
    "registries": ("registry_core.registry.registries", None),
    "resume": ("registry_core.engine.api", "resume"),
    "run": ("registry_core.engine.api", "run"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module_name, attribute = _HOMES[name]
    module = import_module(module_name)
    return getattr(module, attribute) if attribute else module


def __dir__() -> list[str]:
    return sorted(__all__)
