"""The training loop: optimizer steps, and everything that is due between them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from registry_core.assembly.data.executor import LoadedBatch
from registry_core.assembly.data.workers import LoadingStopped
from registry_core.assembly.pipeline import Pipeline, hooks_here
from registry_core.assembly.torch_errors import torch_code
from registry_core.components import Every, Position, Row, Run, Save, Step
from registry_core.config import dump
from registry_core.config.run_layout import LATEST, step_folder
from registry_core.diagnostics import RegistryError, RunError
from registry_core.diagnostics.printable import warn
from registry_core.diagnostics.shell_words import shell_word
from registry_core.engine.calls import Calls
from registry_core.engine.checkpoint.manifest import Origin, pipeline_digest
from registry_core.engine.checkpoint.retention import Retention
from registry_core.engine.checkpoint.savable import require_savable_states
from registry_core.engine.checkpoint.store import Checkpoint, checkpoints_in, point, save_checkpoint
from registry_core.engine.evaluate import Evaluation
from registry_core.engine.explaining import explained
from registry_core.engine.finite import FiniteGuard, NotFiniteStep
from registry_core.engine.hook_memory import Owner
from registry_core.engine.hooks import Hooks
from registry_core.engine.optimizer_step import MicroBatch, OptimizerStep
from registry_core.engine.record import RunDirectory
from registry_core.engine.refusals import Refusals
from registry_core.engine.run_length import RunLength
from registry_core.engine.run_state import gathered_state, require_same_length, restored_state
from registry_core.engine.running_loss import RunningLoss
from registry_core.engine.signals import StopRequest
from registry_core.engine.skipped import SkippedSamples
from registry_core.engine.view import ModelView, SectionSamples


class Training:
    """One run of a pipeline, from a position to its end."""

    images = 0
    seconds = 0.0
    """Seconds of training before ``started``, without evaluations."""
    started: float | None = None
    resumed_from: int | None = None
    stop_reason = ""
    stopped = ""
    """The reason of the hook that stopped the run, if one did."""
    goes_on = False
    """True if the run goes on although a hook had stopped it."""
    row_is_due = False
    """True if the position is after a step whose row, and all that follows from it, is still to be made."""
    is_whole = True
    """True if the state is that of the position, and not between two."""
    _saved: int | None = None
    """The step of the last checkpoint that this process wrote or resumed from."""

    def __init__(self, pipeline: Pipeline, directory: RunDirectory, request: StopRequest, made_with: Any) -> None:
        plan = pipeline.plan
        self.pipeline = pipeline
        self.plan = plan
        self.directory = directory
        self.request = request
        for loader in pipeline.loaders.values():
            loader.is_stopped = request.is_made
        self.made_with = made_with
        self.length = RunLength(pipeline.horizon.total_steps)
        self.origin = Origin(directory.identity() or "", pipeline_digest(made_with["pipeline"]))
        self.hooks = Hooks(pipeline.hooks)
        self.owners = [Owner.of(hook) for hook in hooks_here(plan)]
        self.retention = Retention(directory.checkpoints, self.origin.run, len(self.owners))
        self.position = Position()
        self.scaler = torch.amp.GradScaler(pipeline.device.type, enabled=plan.step.precision == "fp16")
        heard = self.hooks.listened("gradients_ready")
        tell_gradients = (lambda after: self.hooks.tell("gradients_ready", position=after)) if heard else None
        self.guard = FiniteGuard(pipeline.device, plan.step.non_finite)
        self.optimize = OptimizerStep(pipeline, self.scaler, tell_gradients, self.guard)
        self.refusals = Refusals(self.optimize, pipeline)
        self.skipped = SkippedSamples(pipeline.loaders, directory)
        tell = partial(self.hooks.tell, "batch_evaluated") if self.hooks.listened("batch_evaluated") else None
        self.evaluation = Evaluation(plan, pipeline.loss, pipeline.metrics, pipeline.device, tell)
        self.running = self._running_loss()
        """The loss since the last row; it stays on the device until the next row."""
        self.of_evaluation = self._running_loss() if plan.evaluation.counts_train_loss else None
        """The loss since the last evaluation, if a component monitors it."""

    def _running_loss(self) -> RunningLoss:
        zero = torch.zeros((), device=self.pipeline.device)
        return RunningLoss(self.pipeline.loss, sums_samples=self.plan.step.sums_samples, total=zero)

    def resume(self, path: Path, saved: Checkpoint, *, go_on: bool) -> list[str]:
        """Continue from the position of a checkpoint; return the reasons of hooks that start anew.

        ``go_on``: also after a hook stopped the run. Raises CheckpointError if the state does not fit the pipeline.
        """
        require_same_length(self, path, saved.state)
        anew = restored_state(self, path, saved)
        if go_on and self.stopped:
            self.stopped, self.goes_on = "", True
        self.resumed_from = self.position.step
        self._saved = None if self.row_is_due else self.position.step
        return anew

    def begin_from(self, path: Path) -> None:
        """Bring the run directory to the position of the checkpoint that the run goes on from."""
        step = self.position.step
        self.directory.rows.keep_up_to(step - self.row_is_due, warn)
        self.skipped.list_anew()
        if path.parent != self.directory.checkpoints:  # it goes on in a directory of its own
            self.retention.move_from(path.parent, step)
            self.retention.note(step, Save(keep=0), None)
            self._write_checkpoint()
        self.retention.point_at_best()
        if checkpoints_in(self.directory.checkpoints)[:1] == [path]:  # its save may have ended before it was finished
            point(self.directory.checkpoints, LATEST, path)
            self.retention.prune()

    def run(self) -> str:
        """Train to the end; return the reason why it ended."""
        self.hooks.tell("run_started", run=self._described())
        self.hooks.require_writers()
        reason, ending = "An error ended the run.", "failed"
        try:
            require_savable_states(self.pipeline)
            if self.stopped:
                stopped = f"The run was stopped at step {self.position.step}: {self.stopped}"
                self.stop_reason = f"{stopped} To train on, resume it with --go-on."
            try:
                self._train()
            except LoadingStopped:
                self.stop_reason = str(self.request)
            except RegistryError:
                self._rescue()
                raise
            self._save([(None, Save(keep=0))])
            reason, ending = self.stop_reason or "All steps are done.", self._ending()
        finally:
            self.hooks.tell("run_ended", reason=reason, ending=ending)
        return reason

    def _ending(self) -> str:
        if not self.stop_reason:
            return "finished"
        return "interrupted" if self.request.is_made() else "stopped"

    def _rescue(self) -> None:
        """Save the last finished step before an error ends the run, if the error left it whole, and say so."""
        step = self.position.step
        if self.is_whole and step > (self.resumed_from or 0):
            with suppress(RegistryError):  # the error says why the run ends
                self._save([(None, Save(keep=0))], rescues=True)
                folder = shell_word(self.directory.path)
                warn(f"Step {step} is saved: registry-core train --resume {folder} goes on from there.")

    def _described(self) -> Run:
        pipeline, horizon = self.pipeline, self.pipeline.horizon
        better: Any = pipeline.plan.metrics
        return Run(
            directory=self.directory.path,
            epochs=horizon.epochs,
            steps_per_epoch=horizon.steps_per_epoch,
            total_steps=horizon.total_steps,
            start=self.position,
            better=better,
            pipeline=dump(self.plan.spec),
            class_names=pipeline.plan.sections["train"].facts.class_names,
            output_form=self.plan.model.output_form,
            model=pipeline.model,
            samples={name: SectionSamples(loader) for name, loader in pipeline.loaders.items()},
            view=ModelView(pipeline),
            goes_on=self.goes_on,
        )

    def _train(self) -> None:
        steps_are_heard = self.hooks.listened("step_ended")
        self.pipeline.freezing.train_mode()
        self.started = time.perf_counter()
        if self.row_is_due:
            self._between_steps(self.position.epoch - (self.position.batch == 0))
        while not self._done():
            epoch = self.position.epoch
            for batches in self._steps_of_epoch():
                self.pipeline.freezing.reach(self.position.step)
                after = self._after(len(batches))
                self.is_whole = False
                try:
                    found = self.optimize(batches, after)
                except RunError as error:
                    raise self._explained(error, batches, after) from error
                samples = sum(batch.samples for batch in batches)
                if found.refused is None:
                    self.running.add(found.loss, samples)
                    if self.of_evaluation is not None:
                        self.of_evaluation.add(found.loss, samples)
                else:
                    self.refusals.handle(found, batches, after)
                self.images += samples
                self.position = after
                self.row_is_due = self.is_whole = True
                if steps_are_heard:
                    self.hooks.tell("step_ended", step=Step(self.position, samples, found.loss.mean))
                self._between_steps(epoch)
                if self._done():
                    break
        self.seconds, self.started = self.elapsed(), None

    def _explained(self, error: RunError, batches: list[MicroBatch], after: Position) -> RegistryError:
        """The error of a step with the call that failed."""
        pipeline, loader = self.pipeline, self.pipeline.loaders["train"]
        averaged = [] if pipeline.averaged is None else [pipeline.averaged.module]
        calls = Calls(self.plan, [pipeline.model, *averaged], pipeline.loss, pipeline.optimizer)
        loader.executor = loader.executor.watched(calls)
        eager = replace(pipeline, forward=pipeline.model)  # the parts of a compiled model cannot be observed
        again = OptimizerStep(eager, self.scaler, None, None)
        loaded = [each.loaded for each in batches]
        return explained(self.plan, loader.executor, error, calls, loaded, lambda: again(batches, after))

    def elapsed(self) -> float:
        """Seconds of training so far."""
        return self.seconds + (0.0 if self.started is None else time.perf_counter() - self.started)

    def _done(self) -> bool:
        return bool(self.stop_reason) or self.length.is_done(self.position.step)

    def _steps_of_epoch(self) -> Iterator[list[MicroBatch]]:
        """The batches of each optimizer step from the position to the end of the epoch."""
        loader, step = self.pipeline.loaders["train"], self.plan.step
        group: list[LoadedBatch] = []
        for loaded in loader.batches(self.position.epoch, self.position.batch):
            group.append(loaded)
            if len(group) == step.accumulate or loaded.request.batch == len(loader) - 1:
                samples = sum(len(each.request.indices) for each in group)
                yield [MicroBatch(each, self._share(each, samples)) for each in group]
                group = []

    def _share(self, loaded: LoadedBatch, samples: int) -> float:
        """The share of a batch in the loss of a step with this number of samples."""
        return 1.0 if self.plan.step.sums_samples else len(loaded.request.indices) / samples

    def _after(self, batches: int) -> Position:
        """The position after a step of this number of batches."""
        done = self.position.batch + batches
        ended = done >= len(self.pipeline.loaders["train"])
        return Position(epoch=self.position.epoch + ended, batch=0 if ended else done, step=self.position.step + 1)

    def _between_steps(self, epoch: int) -> None:
        """Everything that is due after a step in ``epoch``: a row, schedules, hooks, checkpoints, stopping."""
        epoch_ended = self.position.batch == 0
        row = self._row(epoch, epoch_ended)
        if row is not None:
            self.directory.write(row)
            self.hooks.tell("metrics_measured", row=row)
        self.row_is_due = self.is_whole = False  # until here nothing changed: a resumed run makes the row again
        self._begin_anew_after(row)
        self._schedule((row and row.evaluation) or {}, epoch_ended)
        if row is not None:
            self.stop_reason = self.stopped = next(iter(self.hooks.ask("should_stop", row=row)), "")
        if self.request.is_made() and not self._done():
            self.stop_reason = str(self.request)
        saves = self.hooks.answers("should_save", position=self.position, row=row, epoch_ended=epoch_ended)
        self.is_whole = True
        if saves:
            self._save(saves)
        self.hooks.require_writers()

    def _begin_anew_after(self, row: Row | None) -> None:
        """Begin the means of the training loss anew after a row and after an evaluation."""
        if row is not None:
            self.running.reset()
            if row.evaluation is not None and self.of_evaluation is not None:
                self.of_evaluation.reset()

    def _row(self, epoch: int, epoch_ended: bool) -> Row | None:
        step, evaluation = self.position.step, self.plan.evaluation
        last = self.length.is_last(step)
        counts = self._due(evaluation.counted_every, epoch, epoch_ended)
        evaluates = "val" in self.pipeline.loaders and evaluation.every is not None and (last or counts)
        if not (counts or epoch_ended or last or self._due(self.plan.log_every, epoch, epoch_ended)):
            return None
        self._require_finite()
        values = {"train/loss": self.running.mean()}
        if evaluates:
            values.update(self._evaluate())
        counted = self._counted(values) if counts else None
        for number, group in enumerate(self.pipeline.optimizer.param_groups):
            values["lr" if number == 0 else f"lr/{number}"] = float(group["lr"])
        return Row(step, epoch + 1, values, epoch_ended, counted)

    def _counted(self, values: Mapping[str, float]) -> dict[str, float]:
        """The values of an evaluation that was due, with the training loss since the one before."""
        if self.of_evaluation is None:
            return {name: value for name, value in values.items() if name != "train/loss"}
        return {**values, "train/loss": self.of_evaluation.mean()}

    def _require_finite(self) -> None:
        """Raise RunError if the weights, which are about to be measured or saved, are not finite."""
        try:
            self.guard.check_earlier()
        except NotFiniteStep:
            raise self.refusals.error_of_earlier(self.position.step) from None
        self.refusals.require_finite_weights(self.position.step)

    def _evaluate(self) -> dict[str, float]:
        self.seconds, self.started = self.elapsed(), None
        network: Any = self.pipeline.forward if self.pipeline.averaged is None else self.pipeline.averaged
        network.eval()
        loader = self.pipeline.loaders["val"]
        try:
            found = self.evaluation(network, loader)
            if not math.isfinite(found["loss"]):
                warn(f"warning: {self.evaluation.not_finite(network, loader)}")
        finally:
            self.pipeline.freezing.train_mode()
            self.started = time.perf_counter()
        return {f"val/{name}": value for name, value in found.items()}

    def _schedule(self, measured: Mapping[str, float], epoch_ended: bool) -> None:
        """Advance the learning-rate schedule if its unit has passed."""
        if self.pipeline.schedule is not None:
            with torch_code(f"The scheduler {self.pipeline.schedule.declared.name!r}"):
                self.pipeline.schedule.advance(self.position.step, epoch_ended, measured)

    def _due(self, every: Every | None, epoch: int, epoch_ended: bool) -> bool:
        return every is not None and every.due(
            step=self.position.step, epochs_done=epoch + epoch_ended, epoch_ended=epoch_ended
        )

    def _save(self, saves: Sequence[tuple[int | None, Save]], *, rescues: bool = False) -> None:
        """Write a checkpoint of the position, which hooks at these places asked for, or the run itself.

        ``rescues``: an error ends the run already, so a hook that cannot write is no other.
        """
        self._require_finite()
        step = self.position.step
        for place, save in saves:
            self.retention.note(step, save, place)
        is_new = self._saved != step
        if is_new:
            self.hooks.tell("checkpoint_saving", position=self.position)
        path = self._write_checkpoint() if is_new else self.directory.checkpoints / step_folder(step)
        self.retention.point_at_best()
        self.retention.prune()
        if is_new:
            self.hooks.tell("checkpoint_saved", path=path)
        if not rescues:
            self.hooks.require_writers()

    def _write_checkpoint(self) -> Path:
        self.directory.rows.sync()
        parts, state = gathered_state(self)
        path = save_checkpoint(self.directory.checkpoints, self.position.step, parts, state, self.origin)
        self._saved = self.position.step
        return path
