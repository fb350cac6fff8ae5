"""The pipeline file as pydantic models: what users write, immutable once it is checked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from registry_core.components import (
    Dataset,
    Every,
    Hook,
    Init,
    Interval,
    Loss,
    Metric,
    Model,
    Optimizer,
    ParameterError,
    Sampler,
    Scheduler,
    Transform,
)
from registry_core.components.base import ConfigModel
from registry_core.components.types import NonNegativeInt, PositiveFloat, PositiveInt
from registry_core.config.finetune import Finetune
from registry_core.config.groups import Group, LayerDecay, ModuleTypes, Pattern
from registry_core.diagnostics import Problem

if TYPE_CHECKING:
    from registry_core.analysis.data import DataSurvey
    from registry_core.config.places import Places


VERSION = 1
"""Of the pipeline files that are read today."""

Section = Literal["train", "val", "test"]


class DataSection(ConfigModel):
    """One data set, what happens to its samples, and in which order they come."""

    dataset: Dataset
    transforms: tuple[Transform, ...] = ()
    batch_transforms: tuple[Transform, ...] = Field(default=(), description="Applied to whole batches.")
    sampler: Sampler | None = Field(default=None, description="Default: shuffled for train, sequential for the others.")
    batch_size: PositiveInt | None = Field(default=None, description="Overrides data.batch_size.")

    def views(self) -> int:
        """How many images the model gets of one sample."""
        return math.prod(transform.num_views for transform in self.transforms)


class Data(ConfigModel):
    """The data of a pipeline, and how it is loaded."""

    train: DataSection
    val: DataSection | None = None
    test: DataSection | None = None
    batch_size: PositiveInt = 32
    workers: NonNegativeInt = Field(default=0, description="Loader processes; the results do not depend on it.")
    drop_last: bool = Field(default=False, description="Leave out a last training batch that is not full.")
    pin_memory: bool | None = Field(default=None, description="Page-locked batches; default: when training on CUDA.")

    def sections(self) -> dict[Section, DataSection]:
        """The sections that the file has, by name."""
        found: dict[Section, DataSection | None] = {"train": self.train, "val": self.val, "test": self.test}
        return {name: section for name, section in found.items() if section is not None}

    def batch_size_of(self, section: Section) -> int:
        """Samples in one batch of a section."""
        return self.sections()[section].batch_size or self.batch_size


class InitRule(ConfigModel):
    """First values: of ``weight`` and ``bias`` of modules chosen by type and name, or of parameters chosen by name."""

    modules: ModuleTypes | None = Field(default=None, description="Class names of modules, such as Conv2d.")
    names: Pattern | None = Field(default=None, description="Regular expression for the whole name of a module.")
    weight: Init | None = None
    bias: Init | None = None
    parameters: Pattern | None = Field(
        default=None, description="Regular expression for the whole name of a parameter."
    )
    init: Init | None = None

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> InitRule:
        by_module = self.modules is not None or self.names is not None
        if by_module == (self.parameters is not None):
            raise ParameterError(
                "this rule must choose either modules (`modules`, `names`) or parameters (`parameters`)"
            )
        if by_module and (self.init is not None or (self.weight is None and self.bias is None)):
            raise ParameterError("this rule for modules must have `weight`, `bias` or both, and no `init`")
        if not by_module and (self.init is None or self.weight is not None or self.bias is not None):
            raise ParameterError("this rule for parameters must have `init`, and neither `weight` nor `bias`")
        return self


class Optim(ConfigModel):
    """The optimizer, groups of parameters with options of their own, and the learning-rate schedule."""

    optimizer: Optimizer
    groups: tuple[Group, ...] = ()
    layer_decay: LayerDecay | None = None
    scheduler: Scheduler | None = None


class Clip(ConfigModel):
    """Bound the gradients before each optimizer step: by their norm over all parameters, or value by value."""

    norm: PositiveFloat | None = None
    value: PositiveFloat | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Clip:
        if (self.norm is None) == (self.value is None):
            raise ParameterError("clip takes either `norm` or `value`")
        return self


class Ema(ConfigModel):
    """An exponential moving average of the weights, used for evaluation and kept in checkpoints."""

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.999


class Train(ConfigModel):
    """How long and how the model is trained."""

    epochs: PositiveInt = 1
    max_steps: PositiveInt | None = Field(default=None, description="End after so many optimizer steps.")
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    accumulate: PositiveInt = Field(default=1, description="Batches whose gradients make one optimizer step.")
    clip: Clip | None = None
    ema: Ema | None = None
    compile: bool = Field(default=False, description="Compile the model with torch.compile.")
    channels_last: bool = Field(default=False, description="Keep image tensors in channels-last memory order.")
    evaluate_every: Interval | None = Field(
        default=Every(1, "epoch"), description="Evaluate `val` so often; null: never."
    )
    log_every: Interval = Field(default=Every(100, "step"), description="Write training figures so often.")
    deterministic: bool = Field(default=True, description="Use only algorithms that repeat bit for bit.")

    @model_validator(mode="after")
    def _fits_the_device(self) -> Train:
        if self.device == "cpu" and self.precision == "fp16":
            raise ParameterError("precision fp16 needs a GPU", "Use bf16 or fp32 on the CPU")
        return self


class Spec(ConfigModel):
    """A whole pipeline."""

    version: Literal[1]
    requires: dict[str, str] = Field(
        default={}, description="Distributions that must be installed, each with a version specifier: {acme: '>=1'}."
    )
    prefer: dict[str, str] = Field(
        default={}, description="Where several distributions register a name, which is meant: {loss/focal: acme}."
    )
    seed: NonNegativeInt = Field(default=0, lt=2**63)
    data: Data
    model: Model
    init: tuple[InitRule, ...] = ()
    finetune: Finetune | None = None
    loss: Loss
    optim: Optim
    train: Train = Train()
    metrics: tuple[Metric, ...] = ()
    hooks: tuple[Hook, ...] = ()

    _notices: tuple[Problem, ...] = PrivateAttr(default=())
    _survey: DataSurvey | None = PrivateAttr(default=None)  # what the check saw of the data, kept for the plan
    _places: Places | None = PrivateAttr(default=None)  # where everything stands, for problems that are found later

    @property
    def notices(self) -> tuple[Problem, ...]:
        """What runs, and hardly does what is meant, or should be written otherwise: the warnings."""
        return self._notices
