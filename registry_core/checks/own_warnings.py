"""The warnings that components raise about themselves."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.checks.check import warning
from registry_core.checks.context import CheckContext
from registry_core.diagnostics import Problem


@warning("transform-effect")
def transforms_warn(context: CheckContext) -> Iterator[Problem]:
    """The warnings of transforms about the images that come to them."""
    for name, section in context.analysis.sections.items():
        for passage in section.passages:
            if passage.image_before is None:
                continue
            for failed in passage.transform.warnings(passage.image_before):
                yield context.refused_by(("data", name, *passage.keys), passage.transform, failed)


@warning("schedule-course")
def scheduler_warns(context: CheckContext) -> Iterator[Problem]:
    """The warnings of the scheduler about its course in a run of this length."""
    run, optim = context.analysis.horizon, context.spec.optim
    if run is None or not run.total_steps or optim.scheduler is None:
        return
    for failed in optim.scheduler.warnings(optim.scheduler.horizon_after_warmup(run), optim.optimizer):
        yield context.refused_by(("optim", "scheduler"), optim.scheduler, failed)


@warning("last-layer")
def model_warns(context: CheckContext) -> Iterator[Problem]:
    """The warnings of the model about its layers."""
    model = context.spec.model
    for failed in model.warnings():
        yield context.refused_by(("model",), model, failed)
