"""Train a pipeline or resume a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from registry_core.assembly.device import deterministic_algorithms
from registry_core.assembly.model.first_values import describe_init
from registry_core.assembly.optim.parameter_table import parameter_table
from registry_core.assembly.pipeline import Pipeline, assemble
from registry_core.components import Position
from registry_core.config import Spec
from registry_core.config.dump import recorded
from registry_core.config.places import placed
from registry_core.diagnostics import CheckpointError, PipelineError, Problem
from registry_core.diagnostics.printable import printable, warn
from registry_core.engine.checkpoint.store import Checkpoint, checkpoints_in, remove_unfinished
from registry_core.engine.claim import Claim, claim_existing, claim_new, claim_numbered
from registry_core.engine.disk import require_space
from registry_core.engine.provenance import environment, plugins, require_plugins
from registry_core.engine.record import RunDirectory
from registry_core.engine.requirements import check_one_process, check_requirements
from registry_core.engine.resuming import (
    Source,
    changed_environment,
    changes,
    differences,
    guarantee,
    refuse_differences,
    run_of,
    source_of,
    telling_of_moved_data,
)
from registry_core.engine.signals import stop_on_signal
from registry_core.engine.training import Training
from registry_core.loaded import Loaded, load, load_spec, opened
from registry_core.planning.make import make_plan
from registry_core.planning.plan import Plan


@dataclass(frozen=True)
class RunResult:
    """The result of a run: its folder, the end and its reason, and the best and the last value of each metric."""

    directory: Path
    position: Position
    reason: str
    signal: int | None
    """The signal that stopped it, if one did."""
    summary: dict[str, Any]
    pipeline: Pipeline
    """The trained torch objects."""

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric; NaN for one that was not finite."""
        found = {name: values["last"] for name, values in self.summary["metrics"].items()}
        return {name: math.nan if value is None else value for name, value in found.items()}


def train(
    pipeline: Loaded | Spec | Plan,
    out: str | Path | None = None,
    name: str = "run",
    tell: Callable[[str], None] | None = None,
) -> RunResult:
    """Train a pipeline and write the run directory ``out``; default: ``runs/NAME-1``, ``-2``, ….

    The directory is claimed before anything is built, and no other process runs in it meanwhile.
    ``tell`` is called with text for the user before the first step: the report of loaded weights, the warnings about a
    spec, and warnings about lengths that only the opened data show; warnings are else written to standard error.
    Raises RegistryError with one clear message if it fails.
    """
    check_one_process()
    check_requirements()
    if isinstance(pipeline, Spec):
        pipeline = load_spec(pipeline)
        for problem in pipeline.warnings:
            (tell or warn)(str(problem))
    plan = pipeline if isinstance(pipeline, Plan) else make_plan(pipeline)
    return start(plan, out, name, tell)


def start(
    plan: Plan,
    out: str | Path | None,
    name: str,
    tell: Callable[[str], None] | None,
    *,
    until: int | None = None,
    ends: frozenset[int] = frozenset(),
) -> RunResult:
    """Execute a plan in a new run directory, as ``train`` describes; ``until`` and ``ends`` are those of a repeat."""
    with _claim(out, name) as claim:
        return _from_the_first_step(plan, claim.path, tell, until, ends)


def _from_the_first_step(
    plan: Plan,
    path: Path,
    tell: Callable[[str], None] | None,
    until: int | None = None,
    ends: frozenset[int] = frozenset(),
) -> RunResult:
    """Execute a plan in a claimed directory."""
    with deterministic_algorithms(plan.step.deterministic):
        with placed(plan.places):
            assembled = assemble(plan)
        for problem in _doubts_once_opened(assembled):
            (tell or warn)(str(problem))
        if tell is not None and assembled.weights is not None:
            tell(str(assembled.weights))
        require_space(assembled, path)
        with stop_on_signal() as request:  # from here on the run is saved
            directory = RunDirectory.create(path, plan.spec, assembled.device, _tables(assembled))
            training = Training(assembled, directory, request, _made_with(assembled))
            training.length = replace(training.length, until=until, ends=ends)
            return _run(training, "exact")


def resume(
    directory: str | Path,
    pipeline: Loaded | Spec | None = None,
    *,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    go_on: bool = False,
) -> RunResult:
    """Resume a run from its newest intact checkpoint, with its own pipeline or one with harmless differences.

    A run that was killed before its first checkpoint starts again from its first step.
    ``overrides`` are ``KEY=VALUE`` options for its own pipeline, such as where its data are now. ``directory`` may be
    one of its checkpoints or the file ``best``: then the run goes on from there in a new directory, ``out`` or
    ``runs/NAME-1``, ``-2``, …; with ``out``, one that is resumed from its newest checkpoint does so, too. A run that a
    hook stopped trains on only with ``go_on``.
    """
    check_one_process()
    check_requirements()
    path, checkpoint = run_of(Path(directory))
    own = RunDirectory(path)
    source = source_of(own, checkpoint)
    if checkpoint is None and out is None:
        own.refuse_what_leads_outside()
        with claim_existing(path):
            remove_unfinished(path)
            remove_unfinished(own.checkpoints)
            if own.has_saved_nothing():
                return _begin_again(own, pipeline, overrides)
            return _resume(source, pipeline, overrides, own, go_on=go_on)
    with _claim(out, path.absolute().name.rstrip("-0123456789") or "run") as claim:
        return _resume(source, pipeline, overrides, RunDirectory(claim.path), go_on=go_on)


@contextmanager
def _claim(out: str | Path | None, name: str) -> Iterator[Claim]:
    """A context with a new run directory, which is empty, for this process alone."""
    with claim_numbered(name) if out is None else claim_new(Path(out)) as claim:
        RunDirectory(claim.path).refuse_taken()
        yield claim


def _begin_again(own: RunDirectory, pipeline: Loaded | Spec | None, overrides: Sequence[str]) -> RunResult:
    """Start a run that was killed before its first checkpoint from its first step, in its directory."""
    warn("The run was killed before its first checkpoint, so it starts from its first step.")
    if pipeline is None:
        with telling_of_moved_data():
            chosen = load(own.pipeline, overrides)
    else:
        chosen = load_spec(pipeline if isinstance(pipeline, Spec) else pipeline.spec)
    plan = make_plan(chosen)
    own.rows.keep_up_to(0, warn)
    own.list_skipped_anew([])
    return _from_the_first_step(plan, own.path, warn)


def _resume(
    source: Source,
    pipeline: Loaded | Spec | None,
    overrides: Sequence[str],
    target: RunDirectory,
    *,
    go_on: bool,
) -> RunResult:
    """Go on in ``target``: the directory of the run itself, or a new one."""
    path, saved = source.next()
    made_with = saved.state["made_with"]
    require_plugins(made_with["plugins"])
    if isinstance(pipeline, Spec):
        pipeline = load_spec(pipeline, fresh=False)
    with telling_of_moved_data():
        chosen = pipeline or load(source.directory.pipeline, overrides, fresh=False)
    different = differences(made_with["pipeline"], recorded(chosen.spec))
    refuse_differences(made_with["pipeline"], chosen.spec, different, edited=pipeline is None and not overrides)
    plan = make_plan(chosen)
    goes_on_elsewhere = target is not source.directory
    with deterministic_algorithms(plan.step.deterministic):
        with placed(plan.places):
            assembled = assemble(plan, fresh=False)
        there = 0 if goes_on_elsewhere else len(checkpoints_in(target.checkpoints))
        require_space(assembled, target.path, there=there)
        here = _made_with(assembled)
        with stop_on_signal() as request:
            if goes_on_elsewhere:
                parent = {"run": saved.manifest.origin.run, "checkpoint": str(path.absolute())}
                target = RunDirectory.create(target.path, plan.spec, assembled.device, _tables(assembled), parent)
                target.rows.take_from(source.directory.rows, saved.manifest.step)
            elif target.identity() is None:
                target.identify(saved.manifest.origin.run)
            training = Training(assembled, target, request, here)
            path, saved = _restore(training, source, path, saved, go_on=go_on)
            _record_changes(target, plan.spec, saved, here)
            training.begin_from(path)
            return _run(training, guarantee(saved.state["made_with"], here))


def _restore(
    training: Training, source: Source, path: Path, saved: Checkpoint, *, go_on: bool
) -> tuple[Path, Checkpoint]:
    """Restore the state of a checkpoint or, if it does not fit the pipeline, of one before it; return which it was."""
    while True:
        try:
            anew = training.resume(path, saved, go_on=go_on)
        except CheckpointError as error:
            before = next(source.checkpoints, None)
            if before is None:
                raise
            warn(f"{error.message} It falls back to the checkpoint before it.")
            path, saved = before
        else:
            for reason in anew:
                warn(reason)
            return path, saved


def _record_changes(directory: RunDirectory, spec: Spec, saved: Checkpoint, here: dict[str, Any]) -> None:
    """Put the pipeline into force, and note what differs from the checkpoint."""
    then = saved.state["made_with"]
    different = differences(then["pipeline"], here["pipeline"])
    found = {
        "pipeline": changes(then["pipeline"], here["pipeline"], different),
        "environment": changed_environment(then, here),
    }
    directory.change(saved.manifest.step, spec, {name: what for name, what in found.items() if what})


def _run(training: Training, guaranteed: str) -> RunResult:
    pipeline, directory, request = training.pipeline, training.directory, training.request
    plan = pipeline.plan
    try:
        with placed(plan.places):
            reason = training.run()
    finally:
        for loader in pipeline.loaders.values():
            loader.close()
    facts = {
        "reason": reason,
        "guarantee": guaranteed,
        "epochs": training.position.epoch,
        "steps": training.position.step,
        **training.refusals.state_dict(),
        "skipped_samples": training.skipped.counts(),
        "images": training.images,
        "seconds": round(training.seconds, 3),
        "images_per_second": round(training.images / training.seconds, 1) if training.seconds else None,
        "resumed_from_step": training.resumed_from,
        "hook_errors": training.hooks.errors,
    }
    summary = directory.summarise(plan.metrics, facts)
    signal = int(request.signal) if request.signal is not None else None
    return RunResult(directory.path, training.position, reason, signal, summary, pipeline)


def _doubts_once_opened(pipeline: Pipeline) -> list[Problem]:
    """The warnings that depend on a length of data which only the opened data show; PipelineError if errors do."""
    plan = pipeline.plan
    if all(section.facts.length is not None for section in plan.sections.values()):
        return []
    lengths = {name: len(loader.executor.reader) for name, loader in pipeline.loaders.items()}
    found = opened(plan.spec, lengths, plan.places)
    if not all(problem.warning for problem in found):
        raise PipelineError(found)
    return list(found)


def _tables(pipeline: Pipeline) -> dict[str, str]:
    """The tables of the parameters in the run directory."""
    lr = getattr(pipeline.plan.optim.optimizer, "lr", None)
    tables = {
        "init.txt": "\n".join(map(printable, describe_init(pipeline.model, pipeline.init_report))),
        "parameters.txt": parameter_table(pipeline.model, pipeline.loss, pipeline.groups, lr),
    }
    if pipeline.weights is not None:
        tables["weights.txt"] = pipeline.weights.table()
    return tables


def _made_with(pipeline: Pipeline) -> dict[str, Any]:
    """The origin in a checkpoint, enough to use it without its run directory."""
    facts = pipeline.plan.sections["train"].facts
    return {
        "environment": environment(pipeline.device),
        "plugins": plugins(pipeline.plan.spec),
        "pipeline": recorded(pipeline.plan.spec),
        "class_names": list(facts.class_names),
        "target_form": pipeline.plan.target_form,
        "image_channels": facts.image.channels if facts.image else None,
    }
