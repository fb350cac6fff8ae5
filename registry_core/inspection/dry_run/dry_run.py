"""A dry run: everything is built, and one batch of every section passes through it; nothing is written."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from registry_core.analysis.patterns import some_of
from registry_core.assembly.data.executor import LoadedBatch
from registry_core.assembly.device import choose_device, deterministic_algorithms
from registry_core.assembly.model.inputs import MissingEntry
from registry_core.assembly.optim.parameters import named_parameters
from registry_core.assembly.pipeline import Pipeline, assemble
from registry_core.components import Position
from registry_core.config import Section
from registry_core.config.ignoring import silenced
from registry_core.config.places import with_place
from registry_core.diagnostics import Keys, PipelineError, Problem, RunError
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.engine.calls import Calls, parts_of, watched_metrics
from registry_core.engine.checkpoint.savable import unsavable
from registry_core.engine.disk import REMEDY, disk_need, optimizer_state_bytes
from registry_core.engine.evaluate import Evaluation
from registry_core.engine.failures import class_out_of_range, failure, missing_entry, problem_of
from registry_core.engine.memory import KeptForBackward, Storages, storages, tensors_in
from registry_core.engine.optimizer_step import MicroBatch, OptimizerStep
from registry_core.engine.view import generators_kept
from registry_core.inspection.dry_run.batches import first_batch
from registry_core.inspection.dry_run.doubts import constant_parameters, of_first_loss, of_gradients
from registry_core.inspection.dry_run.problems import hooks_that_do_not_fit, not_built
from registry_core.inspection.dry_run.report import DryRun, Memory, ModelPart, SectionFacts
from registry_core.planning.plan import Plan
from registry_core.registry.session_objects import copied_objects


def dry_run(plan: Plan, *, on_meta: bool = False, out: Path = Path("runs")) -> DryRun:
    """Build a plan and run one batch of every section: an optimizer step for train, an evaluation for the others.

    ``on_meta`` uses torch's meta device, whose tensors have shapes but no values and no memory. ``out`` is the folder
    of run directories. Problems are in the result, with their places in the file; nothing is raised.
    """
    precision = plan.step.precision
    try:
        device = torch.device("meta") if on_meta else choose_device(plan.device, precision)
    except RunError as error:
        found = DryRun(plan.device, precision)
        problem = Problem(error.message, error.remedy, keys=error.keys, exit_code=error.exit_code, code=error.code)
        found.problems.append(problem)
    else:
        found = DryRun(str(device), precision)
        with generators_kept(device), deterministic_algorithms(plan.step.deterministic), copied_objects():
            _fill(found, plan, device, out)
    found.problems = _once([with_place(problem, plan.places) for problem in found.problems])
    found.warnings = [with_place(each, plan.places) for each in silenced(plan.spec.ignore, found.warnings)]
    return found


def _once(problems: list[Problem]) -> list[Problem]:
    """The first problem at each key: one that occurs in several sections is reported once."""
    first: dict[object, Problem] = {}
    for problem in problems:
        first.setdefault(problem.keys or problem, problem)
    return list(first.values())


def _fill(found: DryRun, plan: Plan, device: torch.device, out: Path) -> None:
    try:
        with warnings.catch_warnings():
            if device.type == "meta":  # torch warns that loading weights has no effect, which is intended here
                warnings.filterwarnings("ignore", message=".*copying from a non-meta parameter")
            pipeline = assemble(plan, device=device)
    except BaseException as error:  # a plugin may raise anything
        pass_interrupt(error)
        found.problems += not_built(plan, error, device)
        return
    found.problems += hooks_that_do_not_fit(pipeline.hooks)
    batches = _BatchByBatch(found, pipeline, out)
    try:
        batches.train()
        found.problems += [problem_of(error, error.keys) for error in unsavable(pipeline, started=False)]
        for section in ("val", "test"):
            if section in pipeline.loaders:
                batches.evaluate(section)
    finally:
        for loader in pipeline.loaders.values():
            loader.close()


class _BatchByBatch:
    """Runs one batch of each section through temporary objects, and reports the results."""

    def __init__(self, found: DryRun, pipeline: Pipeline, out: Path) -> None:
        self.found = found
        self.plan = pipeline.plan
        self.declared = pipeline.plan.model.declared
        self.on_meta = pipeline.device.type == "meta"
        self.pipeline = replace(pipeline, forward=pipeline.model)  # the parts of a compiled model cannot be observed
        averaged = [] if pipeline.averaged is None else [pipeline.averaged.module]
        self.calls = Calls(self.plan, [pipeline.model, *averaged], pipeline.loss, pipeline.optimizer)
        self.out = out
        self.zero_gradients: list[str] = []
        """Parameters whose gradient is 0 in the first step."""
        self.with_gradients = 0
        """The number of parameters with a gradient."""
        for loader in pipeline.loaders.values():
            loader.executor = loader.executor.watched(self.calls)

    def train(self) -> None:
        """Forward, backward and optimizer step of the first training batch."""
        pipeline, parameters = self.pipeline, named_parameters(self.pipeline.model, self.pipeline.loss)
        batch = self._batch("train")
        state = optimizer_state_bytes(pipeline)
        if batch is not None:
            pipeline.freezing.reach(0)
            pipeline.freezing.train_mode()
            self._note_gradients(parameters)
            there = storages([*parameters.values(), *pipeline.model.buffers(), *pipeline.loss.buffers()])
            kept = KeptForBackward(there, self.calls.batch)
            self._reset_peak()
            with self._failures("train", batch):
                step = self._step(batch, kept)
                self._loss_of_training()
                self._without_gradient(parameters)
                self._memory(kept)
                self._doubts(step, batch)
        shown = self.calls.module_outputs
        self.found.layers = [
            ModelPart(name, type(part).__name__, shown.get(name)) for name, part in parts_of(pipeline.model).items()
        ]
        if state is not None or self.found.memory is not None:
            self._disk(state)

    def _batch(self, section: Section) -> LoadedBatch | None:
        loader = self.pipeline.loaders[section]
        try:
            loaded = first_batch(loader)
        except PipelineError as error:
            self.found.problems += error.problems
            return None
        self.found.sections[section] = SectionFacts(len(loaded.request.indices))
        missing = [name for name in self.declared.inputs if name not in loaded.entries]
        if missing:
            lacking = MissingEntry("model", self.declared.name, missing[0], tuple(loaded.entries))
            self.found.problems.append(missing_entry(self.plan, lacking, ("model",), section))
            return None
        return loaded

    def _step(self, loaded: LoadedBatch, kept: KeptForBackward) -> OptimizerStep:
        """Perform the step of this batch, and return what performs steps."""
        fp16 = self.plan.step.precision == "fp16" and not self.on_meta
        scaler = torch.amp.GradScaler(self.pipeline.device.type, init_scale=1.0, enabled=fp16)  # unscaled gradients
        step = OptimizerStep(self.pipeline, scaler, None, None)
        try:
            with kept:
                step([MicroBatch(loaded, 1.0)], Position(0, 1, 1))
        finally:
            self.found.sections["train"].entries = dict(self.calls.values)
        return step

    @contextmanager
    def _failures(self, section: Section, loaded: LoadedBatch) -> Iterator[None]:
        """A context that reports any error as a problem of the call in progress."""
        self.calls.begin()
        try:
            yield
        except BaseException as error:  # a plugin may raise anything
            pass_interrupt(error)
            if wrong := class_out_of_range(self.plan, self.pipeline.loaders[section].executor, loaded):
                self.found.problems.append(problem_of(wrong, wrong.keys))
            else:
                self.found.problems.append(failure(self.plan, self.calls, error, section, self.on_meta))

    def _loss_of_training(self) -> None:
        if self.on_meta:
            return
        facts = self.found.sections["train"]
        facts.loss = self._loss_of_a_sample(self.calls.loss, facts.samples)
        if not math.isfinite(facts.loss):
            message = f"The loss of the first batch is {facts.loss}."
            remedy = "Check the initial values, the transforms and the inputs of the loss."
            self.found.problems.append(Problem(message, remedy, keys=("loss",), code="not-finite"))

    def _doubts(self, step: OptimizerStep, batch: LoadedBatch) -> None:
        found, precision = self.found, self.plan.step.precision
        if self.on_meta or found.not_finite or precision == "fp16":  # small gradients are 0 there without a scale
            return
        loss = found.sections["train"].loss
        if loss is not None and math.isfinite(loss) and (doubt := of_first_loss(self.plan, loss)):
            found.warnings.append(doubt)
        if loss and (names := constant_parameters(step, batch, self.zero_gradients)):
            found.warnings.append(of_gradients(names, self.with_gradients))

    def _loss_of_a_sample(self, loss: torch.Tensor, samples: int) -> float:
        return float(loss.detach()) / (samples if self.plan.step.sums_samples else 1)

    def _note_gradients(self, parameters: dict[str, torch.nn.Parameter]) -> None:
        """Note the gradients of the first step that are not finite, before clipping."""
        seen: set[str] = set()

        def note(name: str, parameter: torch.Tensor) -> None:
            if name not in seen and parameter.grad is not None and not self.on_meta:
                seen.add(name)
                values = parameter.grad._values() if parameter.grad.is_sparse else parameter.grad
                if not values.isfinite().all():
                    self.found.not_finite.append(name)
                elif not values.any():
                    self.zero_gradients.append(name)
                self.with_gradients = len(seen)

        for name, parameter in parameters.items():
            if parameter.requires_grad:
                hook = partial(note, name)
                parameter.register_post_accumulate_grad_hook(hook)  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def _without_gradient(self, parameters: dict[str, torch.nn.Parameter]) -> None:
        found = self.found
        found.without_gradient = [name for name, p in parameters.items() if p.requires_grad and p.grad is None]
        if found.without_gradient:
            message = f"Some parameters get no gradient and are never trained: {', '.join(found.without_gradient)}."
            remedy = "If this is intended, name them in finetune.freeze."
            of_loss = all(name.startswith("loss.") for name in found.without_gradient)
            at: Keys = ("loss",) if of_loss else ("model",)
            found.warnings.append(Problem(message, remedy, keys=at, code="gradient-missing", warning=True))
        if found.not_finite:
            message = (
                f"The gradients of {len(found.not_finite)} parameters are not finite: {some_of(found.not_finite)}."
            )
            remedy = "Check the model and the loss for divisions by 0, and for roots and logarithms of 0."
            found.problems.append(Problem(message, remedy, keys=("train",), code="not-finite"))

    def _reset_peak(self) -> None:
        if self.pipeline.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.pipeline.device)

    def _memory(self, kept: KeptForBackward) -> None:
        pipeline, cuda = self.pipeline, self.pipeline.device.type == "cuda"
        parameters = list(named_parameters(pipeline.model, pipeline.loss).values())
        averaged = pipeline.averaged
        groups = {
            "parameters": storages(parameters),
            "buffers": storages([*pipeline.model.buffers(), *pipeline.loss.buffers()]),
            "gradients": storages(p.grad for p in parameters if p.grad is not None),
            "optimizer state": storages(tensors_in(list(pipeline.optimizer.state.values()))),
            "averaged weights": storages([*averaged.parameters(), *averaged.buffers()] if averaged else []),
        }
        rows = {**_each_once(groups), "batch": sum(self.calls.batch.values()), "kept for backward": kept.peak}
        numbers = sum(parameter.numel() for parameter in parameters)
        self.found.memory = Memory(rows, numbers, torch.cuda.max_memory_allocated(pipeline.device) if cuda else None)
        if self.on_meta and self.plan.step.precision != "fp32":
            precision = self.plan.step.precision
            message = f"The meta device does not support {precision}: the memory kept for backward is that of fp32."
            remedy = "Leave out --on meta to measure it in that precision."
            self.found.warnings.append(
                Problem(message, remedy, keys=("train", "precision"), code="not-on-meta", warning=True)
            )

    def _disk(self, state: int | None) -> None:
        """The disk space for checkpoints; ``state`` is the optimizer's, including parameters that train later."""
        self.found.disk = need = disk_need(self.pipeline, self.out, state)
        if not need.fits:
            self.found.warnings.append(Problem(need.shortage(), REMEDY, code="disk-space", warning=True))

    def evaluate(self, section: Section) -> None:
        """Forward pass and metrics of the first batch of a section, as in an evaluation."""
        batch = self._batch(section)
        if batch is None:
            return
        pipeline, facts = self.pipeline, self.found.sections[section]
        network: Any = pipeline.model if pipeline.averaged is None else pipeline.averaged
        network.eval()
        metrics = [] if self.on_meta else watched_metrics(pipeline.metrics, self.plan, self.calls)
        evaluation = Evaluation(self.plan, pipeline.loss, metrics, pipeline.device)
        with self._failures(section, batch):
            for measured in metrics:
                measured.metric.reset()
            with torch.no_grad():
                loss = evaluation.measure(network, pipeline.loaders[section].executor, batch)
            if not self.on_meta:
                facts.loss = self._loss_of_a_sample(loss.mean, facts.samples)
            facts.metrics = {measured.log_name: measured.metric.compute() for measured in metrics}
        facts.entries = dict(self.calls.values)
        if facts.loss is not None and not math.isfinite(facts.loss):
            message = f"The loss of the first batch of data.{section} is {facts.loss} after one step."
            self.found.warnings.append(Problem(message, keys=("loss",), code="not-finite", warning=True))


def _each_once(groups: dict[str, Storages]) -> dict[str, int]:
    """The bytes of each group; a storage in several counts in the first."""
    rows: dict[str, int] = {}
    seen: set[int] = set()
    for name, found in groups.items():
        rows[name] = sum(size for address, size in found.items() if address not in seen)
        seen.update(found)
    return rows
