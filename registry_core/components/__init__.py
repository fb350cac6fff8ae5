"""The base of components for their authors: a declaration class for each kind, parameter types, facts and events."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from registry_core.components.base import Component, ConfigModel
from registry_core.components.dataset import Dataset
from registry_core.components.example_tensor import ExampleTensor
from registry_core.components.facts import (
    CheckFailed,
    DataFacts,
    Horizon,
    Image,
    ParameterError,
    RunFacts,
    Shape,
    UnexpectedValue,
    written_shape,
)
from registry_core.components.function import Function, used_for
from registry_core.components.hook import Hook
from registry_core.components.init import Init
from registry_core.components.interval import Every, Interval
from registry_core.components.layer import Layer
from registry_core.components.loss import Loss, NotFiniteLoss
from registry_core.components.metric import Metric
from registry_core.components.model import LayerFacts, Model
from registry_core.components.modules import ModuleFacts, Modules, TensorFacts, assembled
from registry_core.components.optimizer import Optimizer, ParameterFacts
from registry_core.components.randomness import Draws, stream_key
from registry_core.components.sampler import Sampler
from registry_core.components.scheduler import Scheduler
from registry_core.components.sources import Sources
from registry_core.components.transform import Transform

if TYPE_CHECKING:
    from registry_core.components.events import Ending, Position, Row, Run, Samples, Save, Step, View, hookimpl
    from registry_core.components.inventory import Inventory, UnusableEntry
    from registry_core.components.left_out import LeftOut

__all__ = [
    "CheckFailed",
    "Component",
    "ConfigModel",
    "DataFacts",
    "Dataset",
    "Draws",
    "Ending",
    "Every",
    "ExampleTensor",
    "Function",
    "Hook",
    "Horizon",
    "Image",
    "Init",
    "Interval",
    "Inventory",
    "Layer",
    "LayerFacts",
    "LeftOut",
    "Loss",
    "Metric",
    "Model",
    "ModuleFacts",
    "Modules",
    "NotFiniteLoss",
    "Optimizer",
    "ParameterError",
    "ParameterFacts",
    "Position",
    "Row",
    "Run",
    "RunFacts",
    "Sampler",
    "Samples",
    "Save",
    "Scheduler",
    "Shape",
    "Sources",
    "Step",
    "TensorFacts",
    "Transform",
    "UnexpectedValue",
    "UnusableEntry",
    "View",
    "assembled",
    "hookimpl",
    "stream_key",
    "used_for",
    "written_shape",
]


def __getattr__(name: str) -> Any:
    """Import events and inventories on first use: checks do without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = {"Inventory": "inventory", "UnusableEntry": "inventory", "LeftOut": "left_out"}.get(name, "events")
    return getattr(import_module(f"{__name__}.{module}"), name)
