"""The `finetune` section: initial weights, and parameters that are not trained, or only later."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from registry_core.components import Interval, ParameterError
from registry_core.components.base import ConfigModel
from registry_core.components.types import InputPath
from registry_core.config.groups import Pattern


class PackagedFile(ConfigModel):
    """A file of an installed distribution, found in the distribution's metadata without an import."""

    distribution: str = Field(description="Name of the distribution, as pip shows it.")
    file: str = Field(description="Path of the file inside the distribution, or the last parts of it.")

    def __str__(self) -> str:
        return f"{self.file} of {self.distribution}"


class Rename(ConfigModel):
    """A rule that renames tensors of the file: a name that ``match`` matches as a whole becomes ``to``."""

    match: Pattern = Field(description="Regular expression for the whole name of a tensor in the file.")
    to: str = Field(description=r"New name; \1 is the first group of `match`.")

    @model_validator(mode="after")
    def _groups_exist(self) -> Rename:
        try:
            re.sub(self.match, self.to, "")
        except (re.error, IndexError) as error:
            message = f"`to` {self.to!r} does not fit `match` {self.match!r}: {error}"
            raise ParameterError(message, r"Put the part for \1 in parentheses") from None
        return self


class Unfreeze(ConfigModel):
    """Frozen parameters that are trained later; other keys are optimizer options for them."""

    model_config = ConfigDict(extra="allow")

    parameters: Pattern = Field(description="Regular expression for the whole name of a frozen parameter.")
    after: Interval = Field(description="Part of the run before they are trained: 3 epochs or 500 steps.")

    @property
    def options(self) -> dict[str, Any]:
        """The optimizer options of these parameters."""
        return dict(self.model_extra or {})


class Finetune(ConfigModel):
    """Start from the weights of a file, and train only a part of the model, or a part of it only later."""

    weights: InputPath | PackagedFile | None = Field(
        default=None,
        description="A safetensors or torch file, a checkpoint or a run directory; or a file of a distribution.",
    )
    entry: str | None = Field(
        default=None, description="Name of the set of weights to load, if a torch file contains several."
    )
    rename: tuple[Rename, ...] = Field(default=(), description="Renaming rules, applied one after the other.")
    strict: bool | tuple[Pattern, ...] = Field(
        default=True,
        description="Require that file and model agree in every name and shape; or patterns of names that may differ.",
    )
    freeze: tuple[Pattern, ...] = Field(
        default=(), description="Regular expressions for whole names of parameters that are not trained."
    )
    freeze_statistics: bool = Field(
        default=True,
        description="Keep the running statistics of frozen batch norms, which then run in evaluation mode.",
    )
    unfreeze: tuple[Unfreeze, ...] = Field(default=(), description="Frozen parameters that are trained later.")

    @model_validator(mode="after")
    def _does_something(self) -> Finetune:
        if self.weights is None and not self.freeze:
            raise ParameterError("`finetune` needs `weights`, `freeze` or both", "Add one of them")
        if self.weights is None and (self.entry is not None or self.rename):
            raise ParameterError("`entry` and `rename` apply to `weights`, which is missing", "Add `weights`")
        if self.unfreeze and not self.freeze:
            raise ParameterError(
                "`unfreeze` applies to frozen parameters, but `freeze` is empty", "Add patterns to `freeze`"
            )
        return self
