"""The `finetune` section: weights to start from, and what is not trained or trained only later."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from registry_core.components import Interval, ParameterError
from registry_core.components.base import ConfigModel
from registry_core.components.types import InputPath
from registry_core.config.groups import Pattern


class PackagedFile(ConfigModel):
    """A file that an installed distribution brings; it is found by the distribution's metadata, without import."""

    distribution: str = Field(description="Name of the distribution, as pip shows it.")
    file: str = Field(description="Path of the file inside the distribution, or the end of it.")

    def __str__(self) -> str:
        return f"{self.file} of {self.distribution}"


class Rename(ConfigModel):
    """New names for tensors of the file: where ``match`` fits the whole name, it becomes ``to``."""

    match: Pattern = Field(description="Regular expression for the whole name of a tensor in the file.")
    to: str = Field(description=r"Its new name; \1 stands for the first group of `match`.")

    @model_validator(mode="after")
    def _groups_exist(self) -> Rename:
        try:
            re.sub(self.match, self.to, "")
        except (re.error, IndexError) as error:
            message = f"`to` {self.to!r} does not go with `match` {self.match!r}: {error}"
            raise ParameterError(message, r"Put what \1 stands for in parentheses") from None
        return self


class Unfreeze(ConfigModel):
    """Frozen parameters that begin to train later; other keys are options of the optimizer for them."""

    model_config = ConfigDict(extra="allow")

    parameters: Pattern = Field(description="Regular expression for the whole name of a frozen parameter.")
    after: Interval = Field(description="How much of the run comes before: 3 epochs or 500 steps.")

    @property
    def options(self) -> dict[str, Any]:
        """The optimizer's options that these parameters have."""
        return dict(self.model_extra or {})


class Finetune(ConfigModel):
    """Start from weights of a file, as far as they fit, and train only a part of the model, or a part only later."""

    weights: InputPath | PackagedFile | None = Field(
        default=None,
        description="A safetensors or torch file, a checkpoint or a run directory; or a file of a distribution.",
    )
    entry: str | None = Field(
        default=None, description="Where a torch file holds several sets of weights: the name of the one to load."
    )
    rename: tuple[Rename, ...] = Field(default=(), description="Renaming rules, each applied to what the last gave.")
    strict: bool | tuple[Pattern, ...] = Field(
        default=True,
        description="Whether file and model must fit in every name and shape; or patterns of names that need not.",
    )
    freeze: tuple[Pattern, ...] = Field(
        default=(), description="Regular expressions for whole names of parameters that are not trained."
    )
    freeze_statistics: bool = Field(
        default=True,
        description="Keep the running statistics of frozen batch norms: they run in evaluation mode.",
    )
    unfreeze: tuple[Unfreeze, ...] = Field(default=(), description="What of the frozen begins to train later.")

    @model_validator(mode="after")
    def _does_something(self) -> Finetune:
        if self.weights is None and not self.freeze:
            raise ParameterError("finetune has `weights`, `freeze` or both", "Add one of them")
        if self.weights is None and (self.entry is not None or self.rename):
            raise ParameterError("`entry` and `rename` are about `weights`, which are missing", "Add weights")
        if self.unfreeze and not self.freeze:
            raise ParameterError(
                "`unfreeze` takes from what is frozen, but `freeze` is empty", "Add patterns to freeze"
            )
        return self
