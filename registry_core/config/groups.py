"""Parameter groups, chosen by name or by module, and layer-wise learning rates."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from registry_core.components import ParameterError
from registry_core.components.base import ConfigModel
from registry_core.diagnostics import format_value, suggest


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        remedy = "Write .* for any text, and a backslash before a character that is meant literally"
        raise ParameterError(f"{pattern!r} is not a regular expression: {error}", remedy) from None
    except (RecursionError, OverflowError):
        raise ParameterError(f"{format_value(pattern)} is too complex for a regular expression", "Shorten it") from None
    if any(character in pattern for character in "*+{|"):
        from registry_core.config.pattern_cost import refusal  # most patterns are simpler

        if reason := refusal(pattern):
            raise ParameterError(f"{format_value(pattern)} is not matched: {reason}", "Write it in another way")
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
"""A regular expression that must match a whole name."""

ModuleTypes = str | tuple[str, ...]
"""Class names of modules; subclasses are included."""


_CHOOSING = ("parameters", "modules")


class Group(ConfigModel):
    """A parameter group: parameters chosen by name or module, and options of the optimizer that differ for them."""

    model_config = ConfigDict(extra="allow")

    parameters: Pattern | None = Field(
        default=None, description="Regular expression for the whole name of a parameter; a later group wins."
    )
    modules: ModuleTypes | None = Field(
        default=None, description="Class names of modules, such as BatchNorm2d: all parameters inside them."
    )

    @model_validator(mode="after")
    def _chooses(self) -> Group:
        if self.parameters is None and self.modules is None:
            meant = ((name, suggest(name, _CHOOSING).likely) for name in self.options)
            likely = [f"`{words[0]}` instead of `{name}`" for name, words in meant if words]
            instead = likely[0] if likely else "`parameters`, `modules` or both"
            raise ParameterError("this group chooses no parameters", f"Write {instead}")
        return self

    @property
    def options(self) -> dict[str, Any]:
        """The optimizer's options that this group overrides."""
        return dict(self.model_extra or {})

    @property
    def label(self) -> str:
        """The selection of the group as text, for tables and messages."""
        types = (self.modules,) if isinstance(self.modules, str) else self.modules or ()
        return " in ".join(part for part in (self.parameters, ", ".join(types)) if part)


class LayerDecay(ConfigModel):
    """Learning rates that decrease from the last layer to the first, by ``factor`` from each layer to the previous one.

    Layer n of N (from 1) has the learning rate ``lr * factor ** (N - n)``.
    """

    factor: Annotated[float, Field(gt=0, le=1)] = Field(
        description="Learning rate of a layer divided by that of the next layer."
    )
    layers: tuple[Pattern, ...] | None = Field(
        default=None,
        description="Regular expressions for whole names of parameters, first layer first; one with a group such as "
        r"blocks\.(\d+)\..* is one layer for each value. Default: read from the model.",
    )
