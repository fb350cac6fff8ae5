"""The pipeline file as pydantic models, immutable once they are validated."""

from __future__ import annotations

from pkgutil import resolve_name
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationInfo, create_model, field_validator, model_validator

from registry_core.catalog import KINDS
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
from registry_core.config.devices import Device, Precision, computes_in
from registry_core.config.finetune import Finetune
from registry_core.config.groups import Group, LayerDecay, ModuleTypes, Pattern
from registry_core.config.ignoring import IgnoredWarnings
from registry_core.config.resuming import ANY_TIME, LENGTH

VERSION = 1
"""Version of the pipeline files that this registry-core reads."""

Section = Literal["train", "val", "test"]


class DataSection(ConfigModel):
    """One data set, the transforms of its samples, and their order."""

    dataset: Dataset
    transforms: tuple[Transform, ...] = ()
    batch_transforms: tuple[Transform, ...] = Field(default=(), description="Applied to whole batches.")
    sampler: Sampler | None = Field(default=None, description="Default: shuffled for train, sequential for the others.")
    batch_size: PositiveInt | None = Field(default=None, description="Overrides data.batch_size.")


class Rewrites(ConfigModel):
    """Rewrites of the plan, each on or off; those on by default keep results bit-identical."""

    batch_trailing_transforms: bool = Field(
        default=True,
        description="Apply the last transforms of samples once per batch, if they have a form for whole batches.",
    )


class Data(ConfigModel):
    """The data of a pipeline and the options of loading."""

    train: DataSection
    val: DataSection | None = None
    test: DataSection | None = None
    batch_size: PositiveInt = 32
    workers: Annotated[NonNegativeInt, ANY_TIME] = Field(
        default=0, le=1024, description="Number of loader processes; results do not depend on it."
    )
    drop_last: bool = Field(default=False, description="Drop the last training batch if it is not full.")
    pin_memory: Annotated[bool | None, ANY_TIME] = Field(
        default=None, description="Page-locked batches; default: when training on CUDA."
    )
    on_error: Annotated[Literal["stop", "skip"], ANY_TIME] = Field(
        default="stop",
        description="At a sample that cannot be read or transformed, or has a label outside the classes: stop the run, "
        "or skip the sample.",
    )
    max_skipped: Annotated[PositiveInt | None, ANY_TIME] = Field(
        default=None,
        description="Number of samples of a section that may be skipped; one more ends the run. Default: 100, or 1 "
        "percent of the section if that is less.",
    )
    rewrites: Annotated[Rewrites, ANY_TIME] = Field(default=Rewrites(), description="Rewrites of the plan, on or off.")

    @field_validator("max_skipped")
    @classmethod
    def _limit_has_an_effect(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("on_error") == "stop":
            raise ParameterError("it has no effect with `on_error: stop`", "Set on_error to skip, or remove it")
        return value

    def sections(self) -> dict[Section, DataSection]:
        """The sections of the file, by name."""
        found: dict[Section, DataSection | None] = {"train": self.train, "val": self.val, "test": self.test}
        return {name: section for name, section in found.items() if section is not None}

    def batch_size_of(self, section: Section) -> int:
        """Samples in one batch of a section."""
        return self.sections()[section].batch_size or self.batch_size


class InitRule(ConfigModel):
    """Initial values of ``weight`` and ``bias`` of modules chosen by type and name, or of parameters chosen by name."""

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
    """The optimizer, parameter groups with their own options, and the learning-rate schedule."""

    optimizer: Optimizer
    groups: tuple[Group, ...] = ()
    layer_decay: LayerDecay | None = None
    scheduler: Scheduler | None = None


class Clip(ConfigModel):
    """Clip gradients before each optimizer step: by their norm over all parameters, or each value."""

    norm: PositiveFloat | None = None
    value: PositiveFloat | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Clip:
        if (self.norm is None) == (self.value is None):
            raise ParameterError("`clip` must have either `norm` or `value`")
        return self


class Ema(ConfigModel):
    """An exponential moving average of the weights, used for evaluation and kept in checkpoints."""

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.999


class Train(ConfigModel):
    """The length and the settings of training."""

    epochs: Annotated[PositiveInt, LENGTH] = 1
    max_steps: Annotated[PositiveInt | None, LENGTH] = Field(
        default=None, description="Stop after this number of optimizer steps."
    )
    device: Annotated[Literal["auto", Device], ANY_TIME] = "auto"
    precision: Precision = "fp32"
    accumulate: PositiveInt = Field(default=1, description="Number of batches for each optimizer step.")
    clip: Clip | None = None
    ema: Ema | None = None
    compile: bool = Field(default=False, description="Compile the model with torch.compile.")
    channels_last: bool = Field(default=False, description="Keep image tensors in channels-last memory order.")
    evaluate_every: Interval | None = Field(
        default=Every(1, "epoch"), description="Interval between evaluations of `val`; null: never."
    )
    log_every: Annotated[Interval, ANY_TIME] = Field(
        default=Every(100, "step"), description="Interval between records of training figures."
    )
    deterministic: bool = Field(default=True, description="Use only deterministic algorithms.")
    non_finite: Literal["stop", "skip"] = Field(
        default="stop",
        description="At a loss or gradients that are not finite: stop the run, or skip the step. Either way no weight "
        "changes.",
    )

    @model_validator(mode="after")
    def _fits_the_device(self) -> Train:
        if self.device != "auto" and not computes_in(self.device, self.precision):
            raise ParameterError(f"precision {self.precision} needs a GPU", "Use bf16 or fp32 on the CPU")
        return self

    @property
    def needs_scaler(self) -> bool:
        """True if gradients are scaled, which fp16 requires."""
        return self.precision == "fp16"


class Spec(ConfigModel):
    """A whole pipeline."""

    version: Literal[1]
    requires: dict[str, str] = Field(
        default={}, description="Distributions that must be installed, each with a version specifier: {acme: '>=1'}."
    )
    prefer: dict[str, str] = Field(
        default={}, description="Distribution to use for a name that several register: {loss/focal: acme}."
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
    hooks: Annotated[tuple[Hook, ...], ANY_TIME] = ()
    ignore: Annotated[IgnoredWarnings, ANY_TIME] = Field(
        default=(), description="Warnings that are not shown: a CODE, or {CODE: PLACE} such as {same-data: data.val}."
    )


def _with_sections_of_kinds(spec: type[Spec]) -> type[Spec]:
    """The same model with a field for every kind that has its own section: a list of components."""
    fields: dict[str, Any] = {
        kind.section: (
            GenericAlias(tuple, (resolve_name(kind.base), ...)),
            Field(default=(), description=f"Components of kind {kind.name}."),
        )
        for kind in KINDS.values()
        if kind.section
    }
    return create_model(spec.__name__, __base__=spec, __module__=__name__, **fields) if fields else spec


if not TYPE_CHECKING:  # for a type checker it has the fields written above
    Spec = _with_sections_of_kinds(Spec)
