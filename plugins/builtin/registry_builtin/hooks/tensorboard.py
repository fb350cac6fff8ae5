"""Hook that writes metrics to TensorBoard."""

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
    """Write metrics and learning rates as scalars, optionally as charts, and the pipeline as text.

    Every metric of every row, and the learning rate of every parameter group (`lr`, `lr/1`, ...), is a scalar. A chart
    shows several scalars as lines; each line is a TensorBoard run of its own, as with `add_scalars`. The text
    `pipeline` is the resolved pipeline as YAML; the hyperparameters are its values outside `hooks` and outside the
    data's `dataset` and `transforms`, under dotted names, with all metrics of the run. A resumed run purges what lies
    after its start, so that every step occurs once. Source: tensorboardX.SummaryWriter.
    """

    target = f"{OBJECTS}.tensorboard:TensorBoard"
    memory_of: ClassVar[tuple[str, ...]] = ()
    distinct_by: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[Mapping[str, Any]] = {"charts": {"loss": ["train/loss", "val/loss"]}, "export": True}

    charts: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default={}, description="Charts: title to the names of the scalars that it shows."
    )
    text: bool = Field(default=True, description="If true, writes the resolved pipeline as text.")
    hparams: bool = Field(default=True, description="If true, writes the hyperparameters for comparing runs.")
    export: bool = Field(
        default=False,
        description="If true, also writes all scalars to scalars.json at the end of the run: for each name, a list "
        "of [time, step, value].",
    )

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if a chart names an unknown metric, or its title cannot be a folder name."""
        for title, names in self.charts.items():
            if not re.fullmatch(r"[\w.-]+", title) or title.startswith("."):
                allowed = "letters, digits, `_`, `-` and `.`"
                message = (
                    f"The title of the chart {title!r} starts with `.` or contains characters other than {allowed}."
                )
                raise CheckFailed(message, "Change the title.")
            for name in names:
                if name not in facts.metric_names and not re.fullmatch(r"lr(/[1-9][0-9]*)?", name):
                    message = f"The chart {title!r} names {name!r}, which this run does not measure."
                    raise CheckFailed(message, near(name, (*facts.metric_names, "lr")))
