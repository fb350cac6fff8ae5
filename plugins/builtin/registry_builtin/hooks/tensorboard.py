"""The hook that writes what is measured to TensorBoard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from registry_core.components import CheckFailed, Hook, RunFacts
from registry_core.diagnostics import near

if TYPE_CHECKING:
    pass
from registry_builtin.hooks.tensorboard_parts import OBJECTS


class TensorBoard(Hook):
    """Write metrics and learning rates as scalars, with charts of several, and the pipeline as text.

    Every metric of every row, and the learning rate of every parameter group (`lr`, `lr/1`, ...), is a scalar. A chart
    shows several of them as lines; each line is a TensorBoard run of its own, as with `add_scalars`. The text
    `pipeline` is the resolved pipeline as YAML; the hyperparameters are its values outside of `hooks` and of the data's
    `dataset` and `transforms`, under dotted names, with all metrics of the run. A resumed run purges what lies after
    its start, so that every step stands once. Source: tensorboardX.SummaryWriter.
    """

    target = f"{OBJECTS}.tensorboard:TensorBoard"
    distinct_by: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[Mapping[str, Any]] = {"charts": {"loss": ["train/loss", "val/loss"]}, "export": True}

    charts: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default={}, description="Charts of several scalars: title to the names of the scalars."
    )
    text: bool = Field(default=True, description="Write the resolved pipeline as text.")
    hparams: bool = Field(default=True, description="Write the hyperparameters, for comparing runs.")
    export: bool = Field(
        default=False,
        description="Write all scalars to scalars.json too, when the run ends: for each name [time, step, value].",
    )

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if a chart names what is not measured, or has a title that is no folder's name."""
        for title, names in self.charts.items():
            if not re.fullmatch(r"[\w.-]+", title) or title.startswith("."):
                message = f"The chart {title!r} has a title with other signs than letters, digits, `_`, `-` and `.`."
                raise CheckFailed(message, "Change its title.")
            for name in names:
                if name not in facts.metric_names and not re.fullmatch(r"lr(/[1-9][0-9]*)?", name):
                    message = f"The chart {title!r} names {name!r}, which this run does not measure."
                    raise CheckFailed(message, near(name, (*facts.metric_names, "lr")))
