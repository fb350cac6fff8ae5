"""The training loop: optimizer steps, and everything that is due between them."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch

from registry_core.assembly.data.executor import LoadedBatch
from registry_core.assembly.data.workers import LoadingStopped
from registry_core.assembly.pipeline import Pipeline
from registry_core.assembly.torch_errors import torch_code
from registry_core.components import Every, Position, Row, Run, Save, Step
from registry_core.config import dump
from registry_core.config.run_layout import BEST
from registry_core.diagnostics import RegistryError, RunError
from registry_core.engine.calls import Calls
from registry_core.engine.checkpoint.state import gather, restore
from registry_core.engine.checkpoint.store import Checkpoint, point, prune, save_checkpoint
from registry_core.engine.evaluate import Evaluation
from registry_core.engine.explaining import explained
from registry_core.engine.finite import FiniteGuard, NotFiniteStep
from registry_core.engine.hooks import Hooks
from registry_core.engine.optimizer_step import MicroBatch, OptimizerStep
from registry_core.engine.record import RunDirectory
from registry_core.engine.refusals import Refusals
from registry_core.engine.running_loss import RunningLoss
from registry_core.engine.signals import StopRequest
from registry_core.engine.view import ModelView, SectionSamples


class Training:
    """One run of a pipeline, from a position to its end."""

    def __init__(self, pipeline: Pipeline, directory: RunDirectory, request: StopRequest, made_with: Any) -> None:
        plan = pipeline.plan
        self.pipeline = pipeline
        self.plan = plan
        self.directory = directory
        self.request = request
        for loader in pipeline.loaders.values():
            loader.is_stopped = request.is_made
        self.made_with = made_with
        self.hooks = Hooks(pipeline.hooks)
        self.position = Position()
        self.scaler = torch.amp.GradScaler(pipeline.device.type, enabled=plan.step.precision == "fp16")
        heard = self.hooks.listened("gradients_ready")
        tell_gradients = (lambda after: self.hooks.tell("gradients_ready", position=after)) if heard else None
        self.guard = FiniteGuard(pipeline.device, plan.step.non_finite)
        self.optimize = OptimizerStep(pipeline, self.scaler, tell_gradients, self.guard)
        self.refusals = Refusals(self.optimize, pipeline)
        tell = partial(self.hooks.tell, "batch_evaluated") if self.hooks.listened("batch_evaluated") else None
        self.evaluation = Evaluation(plan, pipeline.loss, pipeline.metrics, pipeline.device, tell)
        zero = torch.zeros((), device=pipeline.device)
        self.running = RunningLoss(pipeline.loss, sums_samples=plan.step.sums_samples, total=zero)
        """The loss since the last row; it stays on the device until the next row."""
        self.images = 0
        self.seconds = 0.0
        """Seconds of training before ``started``, without evaluations."""
        self.started: float | None = None
        self.resumed_from: int | None = None
        self.stop_reason = ""
        self.row_is_due = False
        """True if the position is after a step whose row, and all that follows from it, is still to be made."""
        self.is_whole = True
        """True if the state is that of the position, and not between two."""

    def resume(self, saved: Checkpoint) -> None:
        """Continue from the position of a checkpoint."""
        state = saved.state
        restore(self.pipeline, self.scaler, saved.weights, state["torch"])
        self.position = Position(**state["position"])
        self.running.load_state_dict(state)
        self.images, self.seconds = state["images"], state["seconds"]
        self.refusals.load_state_dict(state)
        self.hooks.load_state_dict(state["hooks"])
        self.row_is_due = state.get("row_is_due", False)
        self.resumed_from = self.position.step
        self.directory.forget_after(self.position.step - self.row_is_due)

    def run(self) -> str:
        """Train to the end; return the reason why it ended."""
        self.hooks.tell("run_started", run=self._described())
        reason, ending = "An error ended the run.", "failed"
        try:
            try:
                self._train()
            except LoadingStopped:
                self.stop_reason = str(self.request)
            except RegistryError as error:
                self._rescue(error)
                raise
            self._save(Save(keep=0))
            reason, ending = self.stop_reason or "All steps are done.", self._ending()
        finally:
            self.hooks.tell("run_ended", reason=reason, ending=ending)
        return reason

    def _ending(self) -> str:
        if not self.stop_reason:
            return "finished"
        return "interrupted" if self.request.is_made() else "stopped"

    def _rescue(self, error: RegistryError) -> None:
        """Save the last finished step before an error ends the run, if the error left it whole, and say so."""
        step = self.position.step
        if self.is_whole and step > (self.resumed_from or 0):
            with suppress(RegistryError):  # the error says why the run ends
                self._save(Save(keep=0))
                folder = self.directory.path
                error.advising(f"Step {step} is saved: `registry-core train --resume {folder}` goes on from there.")

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
            samples={name: SectionSamples(loader.executor) for name, loader in pipeline.loaders.items()},
            view=ModelView(pipeline),
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
                else:
                    self.refusals.handle(found, batches, after)
                self.images += samples
                self.position = after
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
        return bool(self.stop_reason) or self.position.step >= self.pipeline.horizon.total_steps

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
        self.row_is_due = self.is_whole = True
        row = self._row(epoch, epoch_ended)
        self.row_is_due = self.is_whole = False
        self._schedule(self._counted(row, epoch, epoch_ended), epoch_ended)
        if row is not None:
            self.directory.write(row)
            self.hooks.tell("metrics_measured", row=row)
            self.stop_reason = next(iter(self.hooks.ask("should_stop", row=row)), "")
        if self.request.is_made() and not self._done():
            self.stop_reason = str(self.request)
        for save in self.hooks.ask("should_save", position=self.position, row=row, epoch_ended=epoch_ended):
            self._save(save)
        self.is_whole = True

    def _row(self, epoch: int, epoch_ended: bool) -> Row | None:
        step, evaluation = self.position.step, self.plan.evaluation
        last = step >= self.pipeline.horizon.total_steps
        evaluates = "val" in self.pipeline.loaders and evaluation.every is not None
        evaluate = evaluates and (last or self._due(evaluation.every, epoch, epoch_ended))
        if not (evaluate or epoch_ended or last or self._due(self.plan.log_every, epoch, epoch_ended)):
            return None
        self._require_finite()
        values = {"train/loss": self.running.mean()}
        if evaluate:
            values.update(self._evaluate())
        self.running.reset()  # an evaluation that is stopped leaves all as it was
        for number, group in enumerate(self.pipeline.optimizer.param_groups):
            values["lr" if number == 0 else f"lr/{number}"] = float(group["lr"])
        return Row(step, epoch + 1, values, epoch_ended)

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
                print(f"warning: {self.evaluation.not_finite(network, loader)}", file=sys.stderr)
        finally:
            self.pipeline.freezing.train_mode()
            self.started = time.perf_counter()
        return {f"val/{name}": value for name, value in found.items()}

    def _schedule(self, measured: Mapping[str, float], epoch_ended: bool) -> None:
        """Advance the learning-rate schedule if its unit has passed."""
        if self.pipeline.schedule is not None:
            with torch_code(f"The scheduler {self.pipeline.schedule.declared.name!r}"):
                self.pipeline.schedule.advance(self.position.step, epoch_ended, measured)

    def _counted(self, row: Row | None, epoch: int, epoch_ended: bool) -> Mapping[str, float]:
        """The metrics for the schedule, without those measured only because the run ends: it may be resumed."""
        if row is None or self._due(self.plan.evaluation.every, epoch, epoch_ended):
            return {} if row is None else row.values
        if epoch_ended or self._due(self.plan.log_every, epoch, epoch_ended):
            return {name: value for name, value in row.values.items() if not name.startswith("val/")}
        return {}

    def _due(self, every: Every | None, epoch: int, epoch_ended: bool) -> bool:
        return every is not None and every.due(
            step=self.position.step, epochs_done=epoch + epoch_ended, epoch_ended=epoch_ended
        )

    def _save(self, save: Save) -> None:
        """Write a checkpoint of the position; ``keep`` 0 removes none."""
        self._require_finite()
        parts, state = gather(self.pipeline, self.scaler)
        path = save_checkpoint(
            self.directory.checkpoints,
            self.position.step,
            parts,
            {
                "torch": state,
                "position": asdict(self.position),
                **self.running.state_dict(),
                **self.refusals.state_dict(),
                "images": self.images,
                "seconds": self.elapsed(),
                "hooks": self.hooks.state_dict(),
                "row_is_due": self.row_is_due,
                "made_with": self.made_with,
            },
        )
        if save.best:
            point(self.directory.checkpoints, BEST, path)
        if save.keep:
            prune(self.directory.checkpoints, save.keep)
        self.hooks.tell("checkpoint_saved", path=path)
