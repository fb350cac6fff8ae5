"""The provenance of a run: Python, torch, the device, and every plugin with its version and file hashes."""

from __future__ import annotations

import platform
import sys
from collections.abc import Collection, Mapping
from importlib.metadata import version
from typing import Any

import torch

from registry_core.analysis.patterns import some_of
from registry_core.catalog import installed
from registry_core.catalog.catalog import own_distribution
from registry_core.catalog.policy import OWN
from registry_core.catalog.records import LOCAL, SESSION
from registry_core.components import Component
from registry_core.config import Spec
from registry_core.config.loading.resolve import components
from registry_core.config.loading.versions import install_command
from registry_core.diagnostics import RunError
from registry_core.diagnostics.printable import printable
from registry_core.engine.plugin_files import changes, hashes_of
from registry_core.registry.session import session_digest


def environment(device: torch.device) -> dict[str, Any]:
    """The environment that results may depend on besides the pipeline and its plugins."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "torch": str(torch.__version__),
        "torchvision": version("torchvision"),
        "numpy": version("numpy"),
        "registry_core": own_distribution().version,
        "device": str(device),
        "device_name": _device_name(device),
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
    }


def plugins(spec: Spec) -> dict[str, Any]:
    """Every distribution that the spec uses, and registry-core: version, components, and the SHA-256 of its files.

    For components of the session, ``sources`` has the SHA-256 of their source; None for objects without source.
    """
    used: dict[str, tuple[str, list[Component]]] = {OWN: (version(OWN), [])}
    for component in components(spec):
        if component.record is not None:
            record = component.record
            used.setdefault(record.distribution, (record.version, []))[1].append(component)
    return {name: _facts(name, *of_plugin) for name, of_plugin in used.items()}


def _facts(distribution: str, of_version: str, used: list[Component]) -> dict[str, Any]:
    by_label = {f"{component.kind}/{component.name}": component for component in used}
    facts = {"version": of_version, "components": list(by_label)}
    if distribution == SESSION:
        return {**facts, "files": {}, "sources": {label: session_digest(each) for label, each in by_label.items()}}
    modules = {module for component in used for module in _modules(component)}
    return {**facts, **hashes_of(distribution, modules | ({__name__} if distribution == OWN else set()))}


def require_plugins(used: Mapping[str, Any]) -> None:
    """Raise RunError, with a command as remedy, if distributions or components of a run are missing."""
    records = installed().records
    present = {plugin.name for plugin in installed().plugins} | {record.distribution for record in records}
    missing = {name: facts.get("version") for name, facts in used.items() if name not in present and name != SESSION}
    if missing:
        named = ", ".join(map(printable, missing))
        raise RunError(f"The run used {named}, which {_is(missing)} not here.", _ways_to_get(missing))
    known = {record.full_name for record in records}
    lost = [name for name in used.get(SESSION, {}).get("components", ()) if name not in known]
    if lost:
        was = "was" if len(lost) == 1 else "were"
        message = f"The run used {', '.join(lost)}, which {was} registered in another session."
        remedy = f"Register {'it' if len(lost) == 1 else 'them'} again with registry_core.register before this call; "
        remedy += "for the command line, put them in a module and name that with -p."
        raise RunError(message, remedy)


def _ways_to_get(missing: Mapping[str, Any]) -> str:
    """The commands that bring what a run used, by name and version, as far as these are names and versions."""
    modules = [name for name, version in missing.items() if version == LOCAL]
    command = install_command(f"{name}=={version}" for name, version in missing.items() if version != LOCAL)
    remedies = [f"{command}."] if command else []
    if modules and all(part.isidentifier() for name in modules for part in name.split(".")):
        remedies.append(f"Add {' '.join(f'-p {name}' for name in modules)} to the command.")
    return " ".join(remedies)


def changed_plugins(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The distributions of a run that differ from those of now, with the files; hooks may be added and removed."""
    found = []
    for name in sorted({*then} & {*now} - {SESSION}):
        if then[name].get("version") != now[name]["version"]:
            found.append(name)
            continue
        files = changes(then[name], now[name])
        if files is not None:
            found.append(f"{name} ({some_of(files)})" if files else name)
    return found


def changed_in_session(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The components of a session whose sources may differ from those that a run used.

    Hooks may be added and removed.
    """
    before, here = (found.get(SESSION, {}).get("sources", {}) for found in (then, now))
    return [
        name
        for name in sorted({*before, *here})
        if (name in before and name in here) or not name.startswith("hook/")
        if before.get(name) is None or before[name] != here.get(name)
    ]


def _is(names: Collection[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _modules(component: Component) -> set[str]:
    """The modules of the declaration and of its target that belong to the plugin."""
    assert component.record is not None
    declared = component.record.target.partition(":")[0]
    built = component.target.partition(":")[0]
    own = built.partition(".")[0] == declared.partition(".")[0]
    return {declared, built} if own and built else {declared}


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine() or sys.platform
