"""Train a pipeline or resume a run."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry_core.assembly.device import deterministic_algorithms
from registry_core.assembly.model.first_values import describe_init
from registry_core.assembly.optim.parameter_table import parameter_table
from registry_core.assembly.pipeline import Pipeline, assemble
from registry_core.components import Position
from registry_core.config import Spec, dump
from registry_core.config.dump import recorded
from registry_core.config.places import placed
from registry_core.config.resuming import LENGTH, keys_that_may_change
from registry_core.diagnostics import Keys, PipelineError, Problem, RunError, dotted
from registry_core.engine.checkpoint.store import Checkpoint, complete, load_checkpoint, newest
from registry_core.engine.disk import require_space
from registry_core.engine.provenance import changed_in_session, changed_plugins, environment, plugins, require_plugins
from registry_core.engine.record import RunDirectory, new_run_path
from registry_core.engine.requirements import check_one_process, check_requirements
from registry_core.engine.signals import stop_on_signal
from registry_core.engine.training import Training
from registry_core.loaded import Loaded, load, load_spec, opened
from registry_core.planning.make import make_plan
from registry_core.planning.plan import Plan

DECISIVE = ("python", "torch", "torchvision", "numpy", "registry_core", "device", "cuda", "threads")
"""Parts of the environment that may change the bits of a result."""


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

    ``tell`` is called with text for the user before the first step: the report of loaded weights, the warnings about a
    spec, and warnings about lengths that only the opened data show; warnings are else written to standard error.
    Raises RegistryError with one clear message if it fails.
    """
    check_one_process()
    check_requirements()
    if isinstance(pipeline, Spec):
        pipeline = load_spec(pipeline)
        for problem in pipeline.warnings:
            (tell or _warn)(str(problem))
    plan = pipeline if isinstance(pipeline, Plan) else make_plan(pipeline)
    path = Path(out) if out else new_run_path(name)
    RunDirectory(path).refuse_taken()
    with deterministic_algorithms(plan.step.deterministic):
        with placed(plan.places):
            assembled = assemble(plan)
        for problem in _doubts_once_opened(assembled):
            (tell or _warn)(str(problem))
        if tell is not None and assembled.weights is not None:
            tell(str(assembled.weights))
        require_space(assembled, path)
        directory = RunDirectory.create(path, plan.spec, assembled.device, _tables(assembled))
        return _train(assembled, directory, None)


def resume(directory: str | Path, pipeline: Loaded | Spec | None = None) -> RunResult:
    """Resume a run from its newest intact checkpoint, with its own pipeline or one with harmless differences."""
    check_one_process()
    check_requirements()
    run_directory = RunDirectory(Path(directory))
    if not run_directory.pipeline.exists():
        message = f"{str(directory)!r} is not a run directory: it has no pipeline.json."
        raise RunError(message, "Start a run with `train`.")
    require_plugins(run_directory.plugins_used())
    own = load(run_directory.pipeline, fresh=False)
    if isinstance(pipeline, Spec):
        pipeline = load_spec(pipeline, fresh=False)
    if pipeline is not None:
        _refuse_differences(own.spec, pipeline.spec)
    plan = make_plan(pipeline or own)
    with deterministic_algorithms(plan.step.deterministic):
        with placed(plan.places):
            assembled = assemble(plan, fresh=False)
        require_space(assembled, run_directory.path, there=len(complete(run_directory.checkpoints)))
        return _train(assembled, run_directory, load_checkpoint(newest(run_directory.checkpoints, _warn)))


def _train(pipeline: Pipeline, directory: RunDirectory, saved: Checkpoint | None) -> RunResult:
    plan = pipeline.plan
    made_with = _made_with(pipeline)
    guarantee = "exact" if saved is None else _guarantee(saved.state["made_with"], made_with)
    with stop_on_signal() as request:
        training = Training(pipeline, directory, request, made_with)
        if saved is not None:
            training.resume(saved)
        try:
            with placed(plan.places):
                reason = training.run()
        finally:
            for loader in pipeline.loaders.values():
                loader.close()
    facts = {
        "reason": reason,
        "guarantee": guarantee,
        "epochs": training.position.epoch,
        "steps": training.position.step,
        **training.refusals.state_dict(),
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
        "init.txt": "\n".join(describe_init(pipeline.model, pipeline.init_report)),
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


def _guarantee(then: dict[str, Any], here: dict[str, Any]) -> str:
    """``exact`` if everything that results depend on is the same as in the checkpoint, else ``position``."""
    changed = [key for key in DECISIVE if then["environment"][key] != here["environment"][key]]
    changed += changed_plugins(then["plugins"], here["plugins"])
    reasons = [f"{', '.join(changed)} changed since then"] if changed else []
    if of_session := changed_in_session(then["plugins"], here["plugins"]):
        reasons.append(f"{', '.join(of_session)} of this session may have changed")
    if not reasons:
        return "exact"
    _warn(f"The run resumes where it stopped, but not bit for bit: {' and '.join(reasons)}.")
    return "position"


def _refuse_differences(own: Spec, new: Spec) -> None:
    """Raise RunError if two specs differ in settings that a resume cannot change."""
    scheduler = own.optim.scheduler
    fixed_length = scheduler is not None and scheduler.depends_on_length()
    marks = dict(keys_that_may_change(Spec))
    length = {keys for keys, mark in marks.items() if mark is LENGTH}
    harmless = [keys for keys in marks if not (fixed_length and keys in length)]
    different = [
        keys
        for keys in _differences(dump(own), dump(new), ())
        if not any(keys[: len(each)] == each for each in harmless)
    ]
    named = ", ".join(dotted(keys) for keys in different)
    if different and scheduler is not None and set(different) <= length:
        message = (
            f"The schedule {scheduler.name!r} depends on the length of the run, so {named} cannot change on a resume."
        )
        raise RunError(message, "Start a new run.")
    if different:
        message = f"The pipeline differs from that of the run in {named}."
        raise RunError(message, "Resume without FILE to keep the run's own pipeline, or start a new run.")


def _differences(own: Any, new: Any, keys: Keys) -> list[Keys]:
    if isinstance(own, dict) and isinstance(new, dict):
        found = []
        for key in sorted({*own, *new}):
            found += _differences(own.get(key), new.get(key), (*keys, key))
        return found
    return [] if own == new else [keys]


def _warn(message: str) -> None:
    print(message, file=sys.stderr)
