"""One typed registry for each row of the table of kinds: ``registries.losses``."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from registry_core.catalog import KINDS
from registry_core.components.base import Component
from registry_core.registry.registry import Registry

if TYPE_CHECKING:
    from registry_core.components import (
        Dataset,
        Function,
        Hook,
        Init,
        Layer,
        Loss,
        Metric,
        Model,
        Optimizer,
        Sampler,
        Scheduler,
        Transform,
    )

BY_KIND: dict[str, Registry[Any]] = {kind.name: Registry(resolve_name(kind.base)) for kind in KINDS.values()}

transforms: Registry[Transform]
inits: Registry[Init]
losses: Registry[Loss]
optimizers: Registry[Optimizer]
schedulers: Registry[Scheduler]
datasets: Registry[Dataset]
samplers: Registry[Sampler]
models: Registry[Model]
layers: Registry[Layer]
metrics: Registry[Metric]
hooks: Registry[Hook]
functions: Registry[Function]
globals().update({kind.plural: BY_KIND[kind.name] for kind in KINDS.values()})


def registry_of(base: type[Component]) -> Registry[Any]:
    """The registry of the kind that a declaration class belongs to."""
    return BY_KIND[base.kind]
