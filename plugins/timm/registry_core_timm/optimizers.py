"""Provider of the timm optimizers: maps a name, such as ``timm_lion``, to its declaration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import create_model, model_validator

from registry_core.components import CheckFailed, Optimizer, ParameterError, ParameterFacts
from registry_core_timm.parameter_types import field
from registry_core_timm.tables import NEEDS, parameters, read

_TAKES_SPARSE = "torch.optim.sgd:SGD"
"""The only class that supports sparse gradients."""


class TimmOptimizer(Optimizer):
    """An optimizer registered by timm; the provider derives one class for each."""

    target: ClassVar[str] = "registry_core_timm.objects.optimizers:create"
    requirements: ClassVar[dict[str, str]] = NEEDS
    timm_name: ClassVar[str]
    made_for: ClassVar[str]
    """The version of timm from which the data was read."""
    built_class: ClassVar[str]

    @model_validator(mode="after")
    def _can_be_combined(self) -> Self:
        if getattr(self, "fused", None) and getattr(self, "foreach", None):
            raise ParameterError(
                "`fused` and foreach are alternative implementations of a step", "Set only one of them"
            )
        if self.built_class == _TAKES_SPARSE and getattr(self, "nesterov", False):
            momentum, dampening = getattr(self, "momentum", 0.0), getattr(self, "dampening", 0.0)
            if momentum == 0 or dampening != 0:
                raise ParameterError(
                    f"`nesterov` requires momentum above 0 and dampening 0, but momentum is {momentum} and dampening "
                    f"is {dampening}",
                    "Change them, or set nesterov to false",
                )
        return self

    def check_parameters(self, parameters: Sequence[ParameterFacts]) -> None:
        """Raise CheckFailed for parameters with sparse gradients, which the timm optimizers do not support."""
        sparse = [parameter.name for parameter in parameters if parameter.sparse]
        if sparse and (self.built_class != _TAKES_SPARSE or getattr(self, "weight_decay", False)):
            condition = " with weight_decay" if self.built_class == _TAKES_SPARSE else ""
            raise CheckFailed(
                f"The optimizer {self.name!r} does not support sparse gradients{condition}, but {sparse[0]!r} would "
                "have them.",
                "Use sparse_adam or sgd.",
            )

    def arguments(self) -> dict[str, Any]:
        """Return the arguments for ``timm.optim.create_optimizer_v2``, and those that an older timm may lack."""
        options = super().arguments()
        usual = {name for name, value in options.items() if value == type(self).model_fields[name].default}
        return {"name": self.timm_name, "options": options, "usual": usual, "made_for": self.made_for}


def optimizer(name: str) -> type[TimmOptimizer]:
    """Return the declaration of the optimizer with this name; raise KeyError if there is none."""
    data = read("optimizers")
    timm_name = name.removeprefix("timm_")
    entry = data["optimizers"][timm_name]
    said = parameters("optimizer_parameters")
    fields = {
        key: field(key, kind, default, said[key], required)
        for key, (kind, default, required) in entry["parameters"].items()
    }
    create: Any = create_model  # its return type depends on the created class
    made: type[TimmOptimizer] = create(
        f"Timm{timm_name.capitalize()}",
        __base__=TimmOptimizer,
        __doc__=_documentation(timm_name, entry, data["timm"]),
        __module__=__name__,
        **fields,
    )
    made.timm_name, made.made_for, made.built_class = timm_name, data["timm"], entry["class"]
    made.example = {"lr": entry["parameters"]["lr"][1] or 0.001, "weight_decay": 0.05}
    return made


def _documentation(name: str, entry: dict[str, Any], made_for: str) -> str:
    _, source = classes()[entry["class"].partition(":")[2]]
    module, _, class_name = entry["class"].partition(":")
    required = (
        " timm can choose a learning rate itself, but registry-core could not report it, so lr is required."
        if entry["parameters"]["lr"][2] and class_name == "Adafactor"
        else ""
    )
    return (
        f"{summary(entry)}\n\n"
        f"Built by ``timm.optim.create_optimizer_v2`` as {name!r}, with its defaults in timm {made_for}, some of which "
        f"differ from those of the class.{required} Source: {source}; ``{module}.{class_name}``."
    )


def summary(entry: dict[str, Any]) -> str:
    """Return one sentence: the description of the class, and the options that the name sets."""
    sentence, _ = classes()[entry["class"].partition(":")[2]]
    settings = ", ".join(f"{key}: {json.dumps(value)}" for key, value in entry["set"].items())
    return f"{sentence}{f'; {settings}' if settings else ''}."


def classes() -> dict[str, tuple[str, str]]:
    """Return the description and the source of each class."""
    path = Path(__file__).parent / "data" / "optimizer_classes.tsv"
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {name: (sentence, source) for name, sentence, source in rows}
