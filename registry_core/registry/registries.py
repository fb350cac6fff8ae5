"""One typed registry for each kind."""

from __future__ import annotations

from typing import Any

from registry_core.components.base import Component
from registry_core.components.dataset import Dataset
from registry_core.components.function import Function
from registry_core.components.hook import Hook
from registry_core.components.init import Init
from registry_core.components.layer import Layer
from registry_core.components.loss import Loss
from registry_core.components.metric import Metric
from registry_core.components.model import Model
from registry_core.components.optimizer import Optimizer
from registry_core.components.sampler import Sampler
from registry_core.components.scheduler import Scheduler
from registry_core.components.transform import Transform
from registry_core.registry.registry import Registry

transforms = Registry(Transform)
inits = Registry(Init)
losses = Registry(Loss)
optimizers = Registry(Optimizer)
schedulers = Registry(Scheduler)
datasets = Registry(Dataset)
samplers = Registry(Sampler)
models = Registry(Model)
layers = Registry(Layer)
metrics = Registry(Metric)
hooks = Registry(Hook)
functions = Registry(Function)

BY_KIND: dict[str, Registry[Any]] = {
    registry.kind: registry
    for registry in (
        transforms,
        inits,
        losses,
        optimizers,
        schedulers,
        datasets,
        samplers,
        models,
        layers,
        metrics,
        hooks,
        functions,
    )
}


def registry_of(base: type[Component]) -> Registry[Any]:
    """The registry of the kind that a declaration class belongs to."""
    return BY_KIND[base.kind]
